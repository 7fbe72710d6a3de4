"""Erase one person: their rows in the vault, every received file that names them, what went back of it, the lists.

Backups hold them too, sealed by keys that no backup has: the days of that person go on under their next key, and the one before it is
dropped. So a backup made before opens these days no more, for anybody: the next one should be made at once.

What was decided of their specimens stays under pseudonyms, so that nothing is told twice and all counts agree. Others lose nothing by
it: who they are stands in the vault, and what the destroyed files said is kept as facts beside the archive.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import pyarrow as pa

from pipeline.domain.phones import Phones, to_e164
from pipeline.domain.words import FileKind
from pipeline.errors import ActionNeeded, KeyMissing
from pipeline.intake import inbox
from pipeline.intake.readers import Reading, read_many, searchable
from pipeline.ledger import audit, receipts
from pipeline.ledger.receipts import Receipt
from pipeline.log import event
from pipeline.stages import rekey
from pipeline.stages.erase import keep_facts_of, refuse_undecided, remove_files, remove_lists
from pipeline.stages.house import House
from pipeline.stages.resume import finish_open_batch
from pipeline.vault.identity import VaultRef, read_batch, refs, write_batch

_NO_DIGIT = re.compile(r"[^0-9]")
_BETWEEN_DIGITS = re.compile(rb"(?<=[0-9])[ .()\-]+(?=[0-9])")
_LOCAL_DIGITS = 9
# Files read at once, with their bytes in memory.
PORTION = 50


@dataclass(frozen=True)
class Person:
    """Whom to erase: by citizen id, or by phone and birth date (a phone alone is a family's). Never printed."""

    citizen_id: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    birth_date: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        # What holds no digits would be that of everybody who gave none.
        if any(number and len(_digits(number)) < _LOCAL_DIGITS for number in (self.citizen_id, self.phone)):
            raise ActionNeeded(f"A citizen id or a phone has at least {_LOCAL_DIGITS} digits: look at what you typed.")
        if not (self.citizen_id or (self.phone and self.birth_date)):
            raise ActionNeeded("Say who: the citizen id, or phone and birth date together.")

    def is_of(self, row: Mapping[str, str | None], phones: Phones) -> bool:
        """Whether a row of the vault or of a manifest is this person's: the same citizen id, or the same phone and birth date."""
        if self.citizen_id and _digits(row.get("citizen_id")) == _digits(self.citizen_id):
            return True
        if not self.phone or (row.get("birth_date") or "") != self.birth_date:
            return False
        written = row.get("phone") or ""
        return _digits(written) == _digits(self.phone) or (to_e164(written, phones) or "") == (to_e164(self.phone, phones) or " ")

    def is_named_in(self, data: bytes) -> bool:
        """Whether the number stands anywhere in a file, whatever separates its digits: for files and columns that nobody reads."""
        wanted = _digits(self.citizen_id) or _digits(self.phone)[-_LOCAL_DIGITS:]
        return wanted.encode() in _BETWEEN_DIGITS.sub(b"", data.replace(b"\x00", b""))


@dataclass(frozen=True)
class PersonErased:
    """Counts of what went: rows of the vault, received files. `days`: those that older backups open no more."""

    specimens: int
    files: int
    days: int = 0

    @property
    def is_anything(self) -> bool:
        return self.specimens + self.files > 0


def erase_person(
    house: House, person: Person, *, who: str, why: str, now: datetime, progress: Callable[[int, int], None] | None = None
) -> PersonErased:
    """Erase the person for ever. Killed anywhere and run again, it does what is missing. `progress`: files looked at, of how many.

    Raises ActionNeeded, and nothing is erased, while files wait in the inbox or one that names the person waits for a decision.
    """
    with house.writer():
        finish_open_batch(house, now)
        if inbox.backlog(house.home.inbox).files or inbox.waiting(house.home.claimed):
            raise ActionNeeded("Nothing was erased: files wait in the inbox, and may name the person. Run `unpool run` first.")
        house.keys.folder().agree()
        rekey.finish(house)
        places = [(ref, left) for ref, left in _without(house, person)]
        files = list(_naming(house, person, progress))
        refuse_undecided(files)
        days = _days(house, [ref for ref, _ in places], files)
        done = PersonErased(sum(gone for _, (_, gone) in places), len(files), len(days))
        if not done.is_anything:
            return done
        keep_facts_of(house, files)
        with house.ledger.begin() as conn:
            audit.append(conn, who, "erased", "one person", why, now)
        rekey.drop_waiting(house)
        rekey.begin(house, days)
        remove_files(house, files)
        remove_lists(house)
        # While the vault knows the person, another run finds what this one left; then two keys of a day say that it is not done.
        for ref, (left, _) in places:
            write_batch(house.keys, ref.batch_no, ref.day, left)
        rekey.finish(house)
    event("person_erased", specimens=done.specimens, files=done.files, days=done.days)
    return done


def _days(house: House, places: Sequence[VaultRef], files: Sequence[Receipt]) -> set[date]:
    """The days whose keys seal the person here or in a backup: a file that came again was sealed by its first day's key until then."""
    sealed = {day for one in files if (day := house.archive.day_of(one.sha256)) is not None}
    return sealed | {ref.day for ref in places} | {house.local(one.received_at).date() for one in files}


def _without(house: House, person: Person) -> Iterator[tuple[VaultRef, tuple[pa.Table, int]]]:
    """The batches of the vault that know the person: what remains of each without them, and how many rows go."""
    for ref in refs(house.home):
        try:
            table = read_batch(house.keys, ref.day, ref.batch_no)
        except KeyMissing:
            continue
        others = [not person.is_of(row, house.programme.phones) for row in table.to_pylist()]
        if not all(others):
            yield ref, (table.filter(pa.array(others)), others.count(False))


def _naming(house: House, person: Person, progress: Callable[[int, int], None] | None) -> Iterator[Receipt]:
    """The receipts of all archived files that name the person."""
    with house.ledger.begin() as conn:
        every = [one for one in receipts.listing(conn) if one.sha256 in house.archive]
    for start in range(0, len(every), PORTION):
        some = [(one, data) for one in every[start : start + PORTION] if (data := _bytes(house, one)) is not None]
        readings = read_many([(data, one.file_name, one.kind_hint) for one, data in some], house.formats)
        for (one, data), reading in zip(some, readings, strict=True):
            if person.is_named_in(searchable(data, one.file_name)) or (isinstance(reading, Reading) and _in_rows(house, person, reading)):
                yield one
        if progress is not None:
            progress(min(start + PORTION, len(every)), len(every))


def _bytes(house: House, receipt: Receipt) -> bytes | None:
    """None for what an erased day took with it."""
    try:
        return house.archive.get(receipt.sha256)
    except KeyMissing:
        return None


def _in_rows(house: House, person: Person, reading: Reading) -> bool:
    if reading.kind is not FileKind.MANIFEST:
        return False
    rows: Sequence[Mapping[str, str]] = reading.table.select(["citizen_id", "phone", "birth_date"]).to_pylist()
    return any(person.is_of(row, house.programme.phones) for row in rows)


def _digits(text: str | None) -> str:
    return _NO_DIGIT.sub("", text or "")


def birth_date(text: str) -> str:
    """As the vault writes it: an ISO date, or a year alone. Raises ActionNeeded."""
    if re.fullmatch(r"[0-9]{4}", text):
        return text
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ActionNeeded("Give the birth date as YYYY-MM-DD, or the year alone where only that was told.") from None
