"""Rows of one team's manifest and one lab's results, each with the fact that it states."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random

import reference_model as model

from maker.book import Book, File, Row
from maker.codes import Codes, as_typed
from maker.files import EXTRA, Sheet
from maker.people import People, Person

MANIFEST_COLUMNS = (
    "tube_code",
    "collected_at",
    "full_name",
    "birth_date",
    "sex",
    "phone",
    "citizen_id",
    "address",
    "pool_size",
    "site_code",
)
LAB_MODE_COLUMNS = (*MANIFEST_COLUMNS, "pooling_mode", "specimen_code")
RESWAB_COLUMNS = (*MANIFEST_COLUMNS, "replaces_tube")
RESULT_COLUMNS = ("tube_code", "result", "tested_at", "ct", "plate_code")
FULL_RESULT_COLUMNS = ("tube_code", "result", "status", "tested_at", "resulted_at", "reject_reason", "ct", "plate_code")


@dataclass(frozen=True)
class Tube:
    """One tube as it left the site. `kept` are the people's own tube codes in modes lab and double, else empty."""

    code: str
    collected_at: datetime
    people: tuple[Person, ...]
    mode: str = "field"
    kept: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()

    def kept_of(self, index: int) -> str:
        return self.kept[index] if self.kept else ""


@dataclass
class Site:
    """A sampling team at work: makes tubes, and the rows that say who is in them."""

    book: Book
    random: Random
    people: People
    codes: Codes
    collected_at: datetime

    def tubes(self, number: int, size: int, mode: str = "field", landlines: int = 0) -> list[Tube]:
        """`number` tubes of `size` people; the first person of the first `landlines` tubes has no mobile."""
        return [self.tube([self.people.one(index < landlines and n == 0) for n in range(size)], mode) for index in range(number)]

    def tube(self, people: list[Person], mode: str = "field", replaces: tuple[str, ...] = (), at: datetime | None = None) -> Tube:
        code = self.codes.one()
        kept = tuple(self.codes.one() for _ in people) if mode != "field" else ()
        self.book.persons.update((person.key, person) for person in people)
        return Tube(code, at or self.collected_at, tuple(people), mode, kept, replaces)


def manifest(sheet: Sheet, sender: str, tubes: list[Tube], kind: str | None = "manifest") -> File:
    """A manifest file with one row a person, all of them good."""
    file = File(sheet, sender, kind)
    for tube in tubes:
        file.rows += [manifest_row(sheet, sender, tube, index) for index in range(len(tube.people))]
    return file


def manifest_row(sheet: Sheet, sender: str, tube: Tube, index: int) -> Row:
    person = tube.people[index]
    replaces = tube.replaces[index] if tube.replaces else ""
    cells = {
        "tube_code": tube.code,
        "collected_at": tube.collected_at.isoformat(timespec="minutes"),
        "full_name": person.full_name,
        "birth_date": person.birth_date.isoformat(),
        "sex": person.sex,
        "phone": person.phone,
        "citizen_id": person.citizen_id,
        "address": person.address,
        "pool_size": str(len(tube.people)),
        "site_code": f"{sender.upper()}-01",
        "pooling_mode": tube.mode,
        "specimen_code": tube.kept_of(index),
        "replaces_tube": replaces,
    }
    fact = model.ManifestRow(
        file=sheet.name,
        sender=sender,
        tube_code=tube.code,
        collected_at=tube.collected_at,
        person=person.key,
        mode=tube.mode,
        specimen_code=tube.kept_of(index),
        pool_size=len(tube.people),
        replaces_tube=replaces,
    )
    return Row({column: cells[column] for column in sheet.columns}, fact)


@dataclass
class Bench:
    """A lab's bench: writes result rows, with the odd hand in the codes."""

    random: Random
    tested_at: datetime
    plate: str = "K001"
    typed: bool = False
    rows: list[Row] = field(default_factory=list)

    def call(
        self,
        code: str,
        call: str,
        status: str = "F",
        at: datetime | None = None,
        resulted_at: datetime | None = None,
        reason: str = "",
        ct: str | None = None,
    ) -> Row:
        tested_at = at or self.tested_at
        if ct is None:
            ct = f"{self.random.randrange(170, 360) / 10:.1f}" if call == "detected" else ""
        written = as_typed(code, self.random) if self.typed else code
        cells = {
            "tube_code": written,
            "result": call,
            "status": status,
            "tested_at": tested_at.isoformat(timespec="minutes"),
            "resulted_at": resulted_at.isoformat(timespec="minutes") if resulted_at else "",
            "reject_reason": reason,
            "ct": ct,
            "plate_code": self.plate,
        }
        fact = model.LabRow(written, call, tested_at, status, resulted_at, reject_reason=reason, ct=ct)
        row = Row(cells, fact)
        self.rows.append(row)
        return row

    def file(self, sheet: Sheet, sender: str, kind: str | None = "results") -> File:
        """What was called since the last file, as one file. The columns decide what of it can be seen."""
        file = File(sheet, sender, kind, [_as_seen(row, sheet) for row in self.rows])
        self.rows = []
        return file


def _as_seen(row: Row, sheet: Sheet) -> Row:
    fact = row.fact
    if isinstance(fact, model.LabRow) and "ct" not in sheet.columns:
        fact = replace(fact, ct="")
    return replace(row, cells={name: cell for name, cell in row.cells.items() if name in (*sheet.columns, EXTRA)}, fact=fact)


def spoiled(row: Row, *rules: str, **cells: str) -> Row:
    """The row with other cells, and the reject rules that it breaks by them."""
    return Row({**row.cells, **cells}, None, rules)


def again(row: Row) -> Row:
    """The same row, sent once more."""
    return replace(row, is_again=True)
