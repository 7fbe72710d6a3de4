"""Finding people by a number: of each batch an index of keyed hashes, `vault/<day>/<batch_no>.finder`, under its day's key.

Whoever has the index without the master key learns no number from it, and cannot try numbers either.
"""

from __future__ import annotations

import hmac
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from pipeline.domain.phones import Phones, to_e164
from pipeline.errors import KeyMissing
from pipeline.vault.identity import VaultRef, finder_path, refs
from pipeline.vault.keys import DayKey, KeyPurpose, Keys

# What holds fewer digits is no number of one person.
FEWEST_DIGITS = 9
PRINT_BYTES = 16
# A search reads the one or two groups that can hold the hash.
ROWS_OF_A_GROUP = 20_000
_NO_DIGIT = re.compile(r"[^0-9]")
_SCHEMA = pa.schema([("print", pa.binary()), ("specimen", pa.binary())])


@dataclass(frozen=True)
class Prints:
    """Keyed hashes of a number, as the index holds them."""

    key: bytes
    phones: Phones

    def citizen_id(self, text: str | None) -> bytes | None:
        digits = _NO_DIGIT.sub("", text or "")
        return self._print("id", digits) if len(digits) >= FEWEST_DIGITS else None

    def phone(self, text: str | None) -> bytes | None:
        """The same for every way of writing a number; a landline by its digits."""
        digits = _NO_DIGIT.sub("", text or "")
        return self._print("phone", to_e164(text or "", self.phones) or digits) if len(digits) >= FEWEST_DIGITS else None

    def _print(self, kind: str, value: str) -> bytes:
        return hmac.digest(self.key, f"{kind}|{value}".encode(), "sha256")[:PRINT_BYTES]


def prints(keys: Keys, phones: Phones) -> Prints:
    return Prints(keys.derive(KeyPurpose.SEARCH), phones)


def index_of(key: DayKey, ref: VaultRef, table: pa.Table, of: Prints) -> bytes:
    """The file's bytes. table: specimen_id, phone and citizen_id of the batch, and perhaps more."""
    records: list[bytes] = []
    for some in table.select(["specimen_id", "phone", "citizen_id"]).to_batches(ROWS_OF_A_GROUP):
        for row in some.to_pylist():
            numbers = (of.phone(row["phone"]), of.citizen_id(row["citizen_id"]))
            records += [one + uuid.UUID(row["specimen_id"]).bytes for one in numbers if one is not None]
    return _sealed(key, ref, sorted(records))


def find(keys: Keys, number: str, of: Prints) -> Iterator[tuple[VaultRef, list[str]]]:
    """Batches that know `number` as a phone or a citizen id, and which of their specimens. Erased days know nobody."""
    wanted = [one for one in (of.phone(number), of.citizen_id(number)) if one is not None]
    if not wanted:
        return
    for ref in refs(keys.home):
        try:
            properties = pe.create_decryption_properties(keys.day_key(ref.day), aad_prefix=_place(ref))
            path = finder_path(keys.home, ref)
            table = pq.read_table(path, filters=[("print", "in", wanted)], decryption_properties=properties, partitioning=None)
        except (KeyMissing, FileNotFoundError):
            continue
        if table.num_rows:
            yield ref, sorted({str(uuid.UUID(bytes=one)) for one in table["specimen"].to_pylist()})


def _sealed(key: DayKey, ref: VaultRef, records: Sequence[bytes]) -> bytes:
    """Records are a hash and a specimen each, in order. They are as good as random: nothing repeats, and nothing can be compressed."""
    properties = pe.create_encryption_properties(footer_key=key.secret, aad_prefix=_place(ref))
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, _SCHEMA, compression="none", use_dictionary=False, encryption_properties=properties) as writer:
        for start in range(0, len(records), ROWS_OF_A_GROUP):
            some = records[start : start + ROWS_OF_A_GROUP]
            columns = [[one[:PRINT_BYTES] for one in some], [one[PRINT_BYTES:] for one in some]]
            writer.write_table(pa.table(columns, schema=_SCHEMA))
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _place(ref: VaultRef) -> bytes:
    return os.fsencode(f"finder/{ref.day.isoformat()}/{ref.batch_no}")
