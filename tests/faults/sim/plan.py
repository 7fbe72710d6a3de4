"""What teams and labs send in one episode, drawn from its seed: files of few people, crossed so densely that the rules meet.

A row carries the defect that was planted in it; every other row is as it should be, though its tube may still come back whole.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

from pipeline.domain.words import FileKind
from tests.faults.sim.people import Person, people

# An ordinary week, a leap day, a turn of the year.
STARTS = (datetime(2026, 11, 2), datetime(2028, 2, 28), datetime(2026, 12, 30))
# When files are sent: in the evening, just before midnight, at midnight in UTC.
HOURS = (18, 18, 23, 7)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TEAMS, LABS = ("TEAM1", "TEAM1", "TEAM2"), ("LAB1", "LAB1", "LAB2")
CALLS = ("negative",) * 6 + ("positive",) * 5 + ("inconclusive", "invalid", "rejected")
OWN_CALLS = ("negative",) * 6 + ("positive",) * 3 + ("inconclusive", "invalid", "rejected")
MANIFEST = (
    "tube_code", "collected_at", "full_name", "birth_date", "sex", "phone", "citizen_id", "address", "person_code", "pool_size",
    "specimen_code", "replaces_tube", "pooling_mode",
)  # fmt: skip
RESULTS = ("tube_code", "result", "status", "tested_at", "resulted_at", "collected_at", "reject_reason", "ct")
# Defect → the cells that it spoils. Each gets the row back, whatever else the row says.
MANIFEST_DEFECTS = {
    "no_phone": {"phone": ""}, "no_birth_date": {"birth_date": ""}, "pool_of_pools": {"pool_size": "5x6"}, "mode": {"pooling_mode": "mixed"},
    "no_such_day": {"collected_at": "2026-02-30 08:00"}, "future": {"collected_at": "2099-11-02 08:00"}, "tube": {"tube_code": "T?1"},
    "no_tube": {"tube_code": ""}, "too_old": {"collected_at": "2020-11-02 08:00"}, "check_character": {"tube_code": "UP123"},
    "citizen_id": {"citizen_id": "79123"}, "sex": {"sex": "q"}, "replaces": {"replaces_tube": "??"}, "ragged": {},
}  # fmt: skip
RESULT_DEFECTS = {
    "cut_short": {"result": "positiv", "status": "F"}, "empty": {"result": "", "status": "F"}, "status": {"status": "Z"}, "no_status": {"status": ""}, "ct": {"ct": "2x"},
    "ct_is_a_date": {"ct": "41350"}, "ct_above": {"ct": "46"}, "no_tested_at": {"tested_at": ""}, "future": {"tested_at": "2099-11-02 08:00"},
    "tube": {"tube_code": "T?1"}, "no_reason": {"result": "rejected", "reject_reason": "", "status": "F"}, "ragged": {},
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """Cells by canonical column, as they stand in the file. defect: '' or what was planted."""

    cells: dict[str, str]
    defect: str = ""


@dataclass(frozen=True)
class File:
    """kind is None for a file that nobody can read."""

    name: str
    sender: str
    kind: FileKind | None
    rows: tuple[Row, ...]
    columns: tuple[str, ...] = ()

    @property
    def data(self) -> bytes:
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(self.columns)
        for row in self.rows:
            lines.writerow([*(row.cells[name] for name in self.columns), *(["more"] if row.defect == "ragged" else [])])
        return text.getvalue().encode()


@dataclass(frozen=True)
class Tube:
    code: str
    taken: datetime
    mode: str
    team: str
    members: tuple[Person, ...]
    declared: str

    def own(self, person: Person) -> str:
        """The code of the person's kept tube."""
        return f"K{self.code}{self.taken:%d}{person.number}" if self.mode != "field" else ""


@dataclass
class Plan:
    """drops: local time → files."""

    chance: Random
    start: datetime
    drops: dict[datetime, list[File]] = field(default_factory=lambda: defaultdict(list))
    slots: list[datetime] = field(default_factory=list)
    tubes: list[Tube] = field(default_factory=list)
    count: int = 0

    def likely(self, share: float) -> bool:
        return self.chance.random() < share

    def slot(self, known: datetime, late: float = 0.2) -> datetime:
        """When somebody who knows something since `known` sends it: at the next occasion, or a later one."""
        coming = [slot for slot in self.slots if slot >= known + 2 * HOUR] or self.slots[-1:]
        return self.chance.choice(coming) if self.likely(late) else coming[0]

    def send(self, at: datetime, sender: str, kind: FileKind, rows: list[Row]) -> None:
        columns = list(MANIFEST if kind is FileKind.MANIFEST else RESULTS)
        if self.likely(0.3):
            self.chance.shuffle(columns)
        self.count += 1
        file = File(f"file_{self.count}.csv", sender, kind, tuple(rows), tuple(columns))
        self.drops[at].append(file)
        if self.likely(0.15):
            self.drops[self.slot(at)].append(replace(file, name=f"again_{self.count}.csv"))

    def spoiled(self, row: Row, defects: dict[str, dict[str, str]]) -> Row:
        defect = self.chance.choice(sorted(defects))
        cells = row.cells | defects[defect]
        if cells.get("specimen_code"):
            # Without a phone or a birth date it names somebody else, and a code of two people sends back the good row as well.
            cells["specimen_code"] += "9"
        return Row(cells, defect)


def plan(chance: Random) -> Plan:
    """Drops at two to four moments, the last of which knows all."""
    made = Plan(chance, chance.choice(STARTS))
    days, hour = chance.randint(1, 3), chance.choice(HOURS)
    moments = [made.start + day * DAY + hour * HOUR for day in range(days + 3)]
    made.slots = sorted([*chance.sample(moments[:-1], chance.randint(1, 3)), moments[-1]])
    crowd = people(chance, chance.randint(4, 10))
    for day in range(days):
        for number in range(chance.randint(1, 3)):
            made.tubes.append(_tube(made, day, number, crowd))
    _manifests(made)
    _results(made)
    if made.likely(0.2):
        made.drops[chance.choice(made.slots)].append(File("empty.csv", "LAB1", None, (), RESULTS))
    return made


def _tube(made: Plan, day: int, number: int, crowd: list[Person]) -> Tube:
    chance = made.chance
    members = tuple(chance.sample(crowd, min(len(crowd), chance.choice((1, 1, 2, 3, 3, 4, 5)))))
    code = f"T{day}{number}A"
    used = {tube.code for tube in made.tubes if tube.taken.date() == (made.start + day * DAY).date()}
    if made.tubes and made.likely(0.1) and (old := chance.choice(made.tubes).code) not in used:
        code = old
    size = len(members)
    declared = chance.choice(("", "", *[str(size)] * 6, str(size + 1), str(max(1, size - 1))))
    taken = made.start + day * DAY + 8 * HOUR + timedelta(minutes=10 * number)
    return Tube(code, taken, chance.choice(("field", "field", "lab", "double")), chance.choice(TEAMS), members, declared)


def _manifests(made: Plan) -> None:
    chance = made.chance
    lists: dict[tuple[datetime, str], list[Row]] = defaultdict(list)
    for tube in made.tubes:
        sent_at = made.slot(tube.taken)
        rows = [_member(made, tube, person) for person in tube.members]
        if made.likely(0.04):
            rows.append(rows[0])
        for row in rows:
            if made.likely(0.07):
                lists[sent_at, tube.team].append(made.spoiled(row, MANIFEST_DEFECTS))
                if made.likely(0.6):
                    lists[made.slot(sent_at), tube.team].append(row)
            elif made.likely(0.03):
                lists[made.slot(sent_at), chance.choice(TEAMS)].append(row)
            else:
                lists[sent_at, tube.team].append(row)
        if made.likely(0.08):
            # Told otherwise later: the first version stands.
            lists[made.slots[-1], tube.team].append(replace(rows[0], cells=rows[0].cells | {"address": "elsewhere"}))
    for (at, team), rows in lists.items():
        chance.shuffle(rows)
        for some in _split(made, rows):
            made.send(at, team, FileKind.MANIFEST, some)


def _member(made: Plan, tube: Tube, person: Person) -> Row:
    earlier = [old.code for old in made.tubes if old.taken < tube.taken and old.code != tube.code and person in old.members]
    return Row(
        person.cells
        | {
            "tube_code": _typed(made, tube.code),
            "collected_at": f"{tube.taken:%Y-%m-%d %H:%M}",
            "pool_size": tube.declared,
            "specimen_code": tube.own(person),
            "replaces_tube": made.chance.choice(earlier) if earlier and made.likely(0.4) else "",
            "pooling_mode": "" if tube.mode == "field" and made.likely(0.5) else tube.mode,
        }
    )


def _results(made: Plan) -> None:
    rows: dict[tuple[datetime, str], list[Row]] = defaultdict(list)
    for tube in made.tubes:
        lab = made.chance.choice(LABS)
        tested = tube.taken + made.chance.randint(3, 20) * HOUR
        if made.likely(0.94):
            _tests(made, rows, lab, tube, tube.code, tested, CALLS)
        for person in tube.members:
            if tube.own(person) and made.likely(0.8):
                _tests(made, rows, lab, tube, tube.own(person), tested + made.chance.randint(4, 20) * HOUR, OWN_CALLS)
    if made.likely(0.2):
        _tests(made, rows, "LAB1", made.tubes[0], "NOWHERE1", made.tubes[0].taken + 6 * HOUR, CALLS)
    for (at, lab), some in rows.items():
        made.chance.shuffle(some)
        for part in _split(made, some):
            made.send(at, lab, FileKind.RESULTS, part)


def _tests(
    made: Plan, rows: dict[tuple[datetime, str], list[Row]], lab: str, tube: Tube, code: str, tested: datetime, calls: tuple[str, ...]
) -> None:
    """All that a lab says of one code: first tests, repeats, corrections, withdrawals."""
    chance = made.chance
    call = chance.choice(calls)
    told = tested + chance.choice((0, 0, 1, 3)) * HOUR

    def say(word: str, status: str, at: datetime, known: datetime) -> None:
        row = _result(made, tube, code, word, status, at, known)
        if made.likely(0.05):
            rows[made.slot(known), lab].append(made.spoiled(row, RESULT_DEFECTS))
            if made.likely(0.3):
                return
        rows[made.slot(known), lab].append(row)
        if made.likely(0.06):
            rows[made.slot(known, late=1.0), chance.choice(LABS)].append(row)

    if made.likely(0.1):
        say(chance.choice(calls), "P", tested, tested)
    say(call, "F", tested, told)
    if call == "invalid" and made.likely(0.8):
        tested, told = tested + 5 * HOUR, told + 6 * HOUR
        say(chance.choice(("negative", "positive", "invalid")), "F", tested, told)
    if made.likely(0.05):
        say(chance.choice(calls), "F", tested, told)
    if made.likely(0.15):
        say(chance.choice(calls), "C", tested, told + chance.choice((2, 20)) * HOUR)
    if made.likely(0.08):
        say(chance.choice(("", call)), chance.choice("WX"), tested, told + chance.choice((1, 30)) * HOUR)
    if made.likely(0.03):
        say(chance.choice(calls), "F", tested + 40 * HOUR, told + 40 * HOUR)


def _result(made: Plan, tube: Tube, code: str, word: str, status: str, tested: datetime, told: datetime) -> Row:
    return Row(
        {
            "tube_code": _typed(made, code),
            "result": word,
            "status": status,
            "tested_at": f"{tested:%Y-%m-%d %H:%M}",
            "resulted_at": f"{told:%Y-%m-%d %H:%M}" if told != tested or made.likely(0.5) else "",
            "collected_at": f"{tube.taken:%Y-%m-%d %H:%M}" if made.likely(0.25) else "",
            "reject_reason": made.chance.choice(("leaked", "broken")) if word == "rejected" else "",
            "ct": "24.5" if word == "positive" and made.likely(0.3) else "",
        }
    )


def _typed(made: Plan, code: str) -> str:
    """As somebody types it."""
    return made.chance.choice((code, code, code, code.lower(), f"{code[:2]}-{code[2:]}", f"{code[:1]} {code[1:]}"))


def _split(made: Plan, rows: list[Row]) -> list[list[Row]]:
    if len(rows) < 2 or not made.likely(0.15):
        return [rows]
    at = made.chance.randint(1, len(rows) - 1)
    return [rows[:at], rows[at:]]
