"""Hand in: a file from the desk through the same door as every other, and what its place sees of it afterwards.

A content goes in once: the same file again is the one that was handed in, unless that was refused.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from pipeline.domain.words import FileKind, Role, Verdict
from pipeline.durable import write_file
from pipeline.errors import Broken, QuotaSpent
from pipeline.ledger import receipts, uploads
from pipeline.ledger.receipts import Receipt
from pipeline.ledger.sessions import Person
from pipeline.ledger.uploads import Upload
from pipeline.log import event
from pipeline.quality.rejects import Problem, read_rejects
from pipeline.stages.house import House
from pipeline.stages.receive import receive
from pipeline.stages.returns import rejects_path

# What an account hands in on one day at most: some fifty times what a busy lab sends.
FILES_A_DAY: Final = 2_000
BYTES_A_DAY: Final = 2 * 1024**3
# Folders in the home's tmp, while a file is on its way: whatever lies there when the desk starts is left over.
FOLDER: Final = "desk-"
SHOWN: Final = 50
PROBLEMS_SHOWN: Final = 500


@dataclass(frozen=True)
class Seen:
    """A file of a place. `receipt`: None until a run has claimed it."""

    sha256: str
    file_name: str
    at: datetime
    receipt: Receipt | None

    @property
    def is_settled(self) -> bool:
        return self.receipt is not None and self.receipt.verdict is not Verdict.WAITING


def kind_of(person: Person) -> FileKind:
    """What this person's files are. Raises Broken for a role that sends none: the access rule lets none of these in."""
    match person.role:
        case Role.TEAM:
            return FileKind.MANIFEST
        case Role.LAB:
            return FileKind.RESULTS
        case Role.OPERATOR | Role.ADMIN:
            raise Broken(f"The role {person.role} sends no files.")
        case _:
            assert_never(person.role)


def hand_in(house: House, person: Person, file: Path, sha256: str, now: datetime) -> bool:
    """Put `file`, whose name is its sender's, into the inbox of the person's place. False: it is there, or was taken in, already.

    Raises QuotaSpent, DiskFails.
    """
    place, size = place_of(person), file.stat().st_size
    with house.ledger.begin() as conn:
        done = uploads.spent(conn, person.login, _midnight(house, now))
        if _is_known(receipts.of_content(conn, place, sha256), uploads.find(conn, place, sha256)):
            return False
        if done.files >= FILES_A_DAY or done.size_bytes + size > BYTES_A_DAY:
            raise QuotaSpent("This account has handed in all that it may today. Tomorrow it may go on.")
        uploads.note(conn, Upload(place, sha256, person.login, file.name, size, now))
        # Last, and before it is written down for good: what the ledger has noted lies in the inbox.
        receive(house.home, [file], place, kind_of(person))
    event("handed_in", place=place, bytes=size)
    return True


def hand_in_row(house: House, person: Person, name: str, row: Mapping[str, str], now: datetime) -> str:
    """As `hand_in_rows`, of one row."""
    return hand_in_rows(house, person, name, [row], now)


def hand_in_rows(house: House, person: Person, name: str, rows: Sequence[Mapping[str, str]], now: datetime) -> str:
    """Hand in a file in the product's own format, its columns the keys of each row. Returns its SHA-256. Raises as `hand_in`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([rows[0].keys(), *(row.values() for row in rows)])
    data = text.getvalue().encode()
    sha256 = hashlib.sha256(data).hexdigest()
    folder = house.home.tmp / f"{FOLDER}{uuid.uuid4().hex}"
    folder.mkdir(mode=0o700)
    try:
        write_file(folder / name, data)
        hand_in(house, person, folder / name, sha256, now)
    finally:
        shutil.rmtree(folder)
    return sha256


def files_of(house: House, place: str) -> list[Seen]:
    """A place's newest files, those that wait first."""
    with house.ledger.begin() as conn:
        taken = receipts.of_sender(conn, place, SHOWN)
        handed = uploads.of_place(conn, place, SHOWN)
    newest = {one.sha256: one for one in reversed(taken)}
    waiting = [_waits(one) for one in handed if one.sha256 not in newest or _is_again(newest[one.sha256], one)]
    return [*waiting, *(_taken(one) for one in taken)][:SHOWN]


def file_of(house: House, place: str, sha256: str) -> Seen | None:
    """A place's newest file with this content; None where it never sent it."""
    with house.ledger.begin() as conn:
        receipt, handed = receipts.of_content(conn, place, sha256), uploads.find(conn, place, sha256)
    if handed and (receipt is None or _is_again(receipt, handed)):
        return _waits(handed)
    return None if receipt is None else _taken(receipt)


def problems_of(house: House, receipt: Receipt) -> list[Problem]:
    """What is wrong with a file's rows, by row."""
    return read_rejects(rejects_path(house.home, receipt), PROBLEMS_SHOWN)


def rejects_of(house: House, receipt: Receipt) -> bytes | None:
    """The rejects file, to be mended; None where no row was rejected, or its day was erased."""
    try:
        return rejects_path(house.home, receipt).read_bytes()
    except FileNotFoundError:
        return None


def place_of(person: Person) -> str:
    """The code of the person's team or lab. Raises Broken where there is none: the ledger lets no such account be."""
    if person.place is None:
        raise Broken(f"The role {person.role} is bound to no place.")
    return person.place


def _is_known(receipt: Receipt | None, handed: Upload | None) -> bool:
    if receipt is None:
        return handed is not None
    return receipt.verdict is not Verdict.REFUSED or (handed is not None and _is_again(receipt, handed))


def _is_again(receipt: Receipt, handed: Upload) -> bool:
    """Whether a refused file was handed in once more since."""
    return receipt.verdict is Verdict.REFUSED and handed.dropped_at > receipt.received_at


def _waits(one: Upload) -> Seen:
    return Seen(one.sha256, one.file_name, one.dropped_at, None)


def _taken(one: Receipt) -> Seen:
    return Seen(one.sha256, one.file_name, one.received_at, one)


def _midnight(house: House, now: datetime) -> datetime:
    zone = ZoneInfo(house.programme.time_zone)
    return datetime.combine(now.astimezone(zone).date(), time(), zone)
