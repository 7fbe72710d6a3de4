"""Whether a birth date is a specimen's, without opening its batch: `vault/<day>/<batch_no>.births`, keyed hashes in the order of specimens.

A batch opens whole, and one of a million people takes a tenth of a second of the processor: a national day's people all want in. The hashes
are under a key made from the day's: whoever has the file without it can try no dates, and with the day's key they say nothing any more.
The head says which of the day's keys that is: while a person is erased there are two.
"""

from __future__ import annotations

import hmac
import mmap
import uuid
from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from pipeline.errors import KeyMissing
from pipeline.vault.identity import VaultRef, births_path
from pipeline.vault.keys import DayKey, KeyPurpose, Keys

MAGIC: Final = b"unpool births 1\n"
# The head is as long as a record: what it is, and the number of the day's key.
PART: Final = 16
RECORD: Final = 2 * PART


def index_of(key: DayKey, people: Iterable[tuple[str, str | None]]) -> bytes:
    """The file's bytes. people: specimen id and birth date as the vault has it; who gave none has no record."""
    seal = key.derive(KeyPurpose.BIRTH)
    records = sorted(_record(seal, uuid.UUID(specimen_id).bytes, birth_date) for specimen_id, birth_date in people if birth_date)
    return b"".join((MAGIC, key.name.number.to_bytes(PART, "big"), *records))


def is_birth_date(keys: Keys, ref: VaultRef, specimen_id: str, birth_date: str) -> bool | None:
    """None where the index cannot tell: not made yet, under a key that is gone, or without this specimen."""
    try:
        with births_path(keys.home, ref).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as index:
            if index[:PART] != MAGIC or len(index) % RECORD:
                return None
            seal = keys.find(ref.day.isoformat(), int.from_bytes(index[PART:RECORD], "big")).derive(KeyPurpose.BIRTH)
            specimen = uuid.UUID(specimen_id).bytes
            place = RECORD * (
                1 + bisect_left(range(1, len(index) // RECORD), specimen, key=lambda at: index[RECORD * at : RECORD * at + PART])
            )
            found = index[place : place + RECORD]
    except (FileNotFoundError, ValueError, KeyMissing):
        # ValueError: an empty file cannot be mapped.
        return None
    return hmac.compare_digest(found, _record(seal, specimen, birth_date)) if found[:PART] == specimen else None


def _record(seal: bytes, specimen: bytes, birth_date: str) -> bytes:
    """The specimen is in the hash: one person's record says nothing in another's place."""
    return specimen + hmac.digest(seal, specimen + birth_date.encode(), "sha256")[:PART]
