"""Who a specimen's person is: one encrypted Parquet file a batch, `vault/<day>/<batch_no>.parquet`, under its day's key.

The day is the day of receipt. Read it with pyarrow only: DuckDB reads such files while each column chunk is one page, and fails
beyond (design/measured.md).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from pipeline.durable import make_folder, write_file
from pipeline.errors import Broken
from pipeline.home import Home
from pipeline.vault.keys import Keys

COLUMNS = ("specimen_id", "full_name", "birth_date", "sex", "phone", "citizen_id", "address", "person_code")
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS])


class VaultDamaged(Broken):
    """A batch that the vault should hold is not there or does not open with its day's key."""


@dataclass(frozen=True, order=True)
class VaultRef:
    """Where a batch's identities lie."""

    day: date
    batch_no: int


def write_batch(keys: Keys, batch_no: int, day: date, table: pa.Table) -> VaultRef:
    """Keep `table` (the columns of SCHEMA, in any order) as the identities of a batch. Written again, it replaces what was there whole.

    Raises ValueError when columns are missing or too many, KeyMissing when the day was erased.
    """
    if sorted(table.column_names) != sorted(COLUMNS):
        raise ValueError("the vault's columns are " + ", ".join(COLUMNS))
    properties = pe.create_encryption_properties(footer_key=keys.make_day_key(day), aad_prefix=_place(day, batch_no))
    sink = pa.BufferOutputStream()
    pq.write_table(table.select(COLUMNS).cast(SCHEMA), sink, compression="zstd", encryption_properties=properties)
    path = _path(keys.home, day, batch_no)
    make_folder(path.parent)
    # First: whoever is searched for by their number must not be found in an index of what was replaced.
    for index in (finder_path, births_path):
        index(keys.home, VaultRef(day, batch_no)).unlink(missing_ok=True)
    write_file(path, sink.getvalue())
    return VaultRef(day, batch_no)


def read_batch(keys: Keys, day: date, batch_no: int, columns: Sequence[str] = COLUMNS, specimen_ids: set[str] | None = None) -> pa.Table:
    """The identities of a batch: `columns`, of all specimens or of those named. Raises KeyMissing (erased day) or VaultDamaged."""
    wanted = list(columns)
    needed = wanted if specimen_ids is None or "specimen_id" in wanted else [*wanted, "specimen_id"]
    table = _opened(keys, day, batch_no, needed)
    if specimen_ids is not None:
        table = table.filter(pc.is_in(table["specimen_id"], value_set=pa.array(sorted(specimen_ids), pa.string())))
    return table.select(wanted)


def _opened(keys: Keys, day: date, batch_no: int, columns: list[str]) -> pa.Table:
    """With the newest key that opens it."""
    for key in keys.find_all(day.isoformat()):
        properties = pe.create_decryption_properties(key.secret, aad_prefix=_place(day, batch_no))
        try:
            return pq.read_table(_path(keys.home, day, batch_no), columns=columns, decryption_properties=properties, partitioning=None)
        except (OSError, pa.ArrowException) as error:
            reason = error
    raise VaultDamaged(f"Batch {batch_no} of {day} is not in the vault or does not open.", day=day, batch_no=batch_no) from reason


def refs(home: Home) -> list[VaultRef]:
    """All batches in the vault, oldest first; those of erased days too."""
    return sorted(VaultRef(date.fromisoformat(path.parent.name), int(path.stem)) for path in home.vault.glob("????-??-??/[0-9]*.parquet"))


def finder_path(home: Home, ref: VaultRef) -> Path:
    """Where a batch's index by number lies (vault/finder.py): beside its identities, so that it goes with their day."""
    return _path(home, ref.day, ref.batch_no).with_suffix(".finder")


def births_path(home: Home, ref: VaultRef) -> Path:
    """Where the hashes of its people's birth dates lie (vault/births.py)."""
    return _path(home, ref.day, ref.batch_no).with_suffix(".births")


def _place(day: date, batch_no: int) -> bytes:
    """Bound into the encryption: a batch's file copied to another batch's name does not open."""
    return os.fsencode(f"{day.isoformat()}/{batch_no}")


def _path(home: Home, day: date, batch_no: int) -> Path:
    return home.vault / day.isoformat() / f"{batch_no}.parquet"
