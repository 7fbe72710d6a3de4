"""An oracle of the rules in domain.md sections 2 and 3: dictionaries and loops, no SQL, no clock, nothing of the product.

Obvious on purpose. The product's SQL and `data_samples/` are held to it; it was written from the rules, never from the product's code."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import combinations

TubeKey = tuple[str, date]  # normalised code, collection day
SpecimenKey = tuple[str, date, str]  # the tube's key and the person
Slots = Mapping[tuple[str, TubeKey], int] | None  # rejected manifest rows by file and tube
Words = Mapping[tuple[tuple[str, str], object], str] | None  # hold (reason, subject) and what it rested on -> what people said
HOLDS = ("shared_tube", "relabelled", "conflict", "contradiction", "discordant", "incomplete")  # the first that fits is asked


@dataclass(frozen=True)
class Clocks:
    match_window_days: int
    overdue_hours: int
    lost_days: int
    relabel_days: int = 14


@dataclass(frozen=True)
class ManifestRow:
    """One accepted manifest row. `file` and `sender` tell whether a tube's people came from several files."""

    file: str
    sender: str
    tube_code: str
    collected_at: datetime
    person: str
    mode: str = "field"
    specimen_code: str = ""
    pool_size: int | None = None
    replaces_tube: str = ""


@dataclass(frozen=True)
class LabRow:
    """One accepted result row. `collected_on` names the collection, if the lab says it. `call` may be empty with W and X."""

    tube_code: str
    call: str
    tested_at: datetime
    status: str = "F"
    resulted_at: datetime | None = None
    collected_on: date | None = None
    reject_reason: str = ""
    ct: str = ""

    @property
    def at(self) -> datetime:
        return self.resulted_at or self.tested_at

    @property
    def content(self) -> tuple[str, ...]:
        return (self.call,) if self.call == "invalid" else (self.call, self.reject_reason, self.ct)


@dataclass(frozen=True)
class Effective:
    """What the rows for one tube, or one kept specimen, amount to: none, repeat (one invalid run), conflict, withdrawn, or a call."""

    call: str = "none"  # `invalid` means twice
    at: datetime | None = None


@dataclass
class Tube:
    key: TubeKey
    rows: list[ManifestRow] = field(default_factory=list)
    lab: Effective = Effective()
    own: dict[str, Effective] = field(default_factory=lambda: defaultdict(Effective))  # person -> under the specimen code
    held_for: set[str] = field(default_factory=set)  # reasons that hold every member
    found: set[LabRow] = field(default_factory=set)  # rows about it or about a member's own specimen

    def close(self, rejected: Slots) -> None:
        """Sum up once all rows are in. Listed for five is a pool though four rows were rejected: its result is nobody's own."""
        self.subject = f"{self.key[0]} {self.key[1]}"
        self.people = frozenset(row.person for row in self.rows)
        self.collected_at = min(row.collected_at for row in self.rows)
        declared = max(row.pool_size or 0 for row in self.rows)
        self.is_incomplete = len(self.people) < declared
        listed = Counter(row.file for row in self.rows)
        listed.update({file: places for (file, tube), places in (rejected or {}).items() if tube == self.key})
        self.is_pool = max(len(self.people), declared, *listed.values()) > 1


@dataclass
class Decision:
    outcomes: dict[SpecimenKey, str] = field(default_factory=dict)
    worklist: set[SpecimenKey] = field(default_factory=set)  # ever due by these facts, done or not
    answered: set[SpecimenKey] = field(default_factory=set)  # the lab has said something of the kept specimen that stands
    callback: dict[SpecimenKey, bool] = field(default_factory=dict)  # -> done: a later specimen replaces it
    holds: set[tuple[str, str]] = field(default_factory=set)  # (reason, subject)
    rests_on: dict[tuple[str, str], object] = field(default_factory=dict)  # question for people -> all that it is about
    seen: set[SpecimenKey] = field(default_factory=set)  # the lab has it: some row, preliminary or not, is about it


def normalise(code: str) -> str:
    return re.sub(r"[\s\-_./]", "", code.upper())


def decide(
    manifest: Iterable[ManifestRow], lab: Iterable[LabRow], as_of: datetime, clocks: Clocks, rejected: Slots = None, said: Words = None
) -> Decision:
    """Mended rows may come in a later file of the same sender. What people said stands while the hold rests on what they saw."""
    decision = Decision()
    tubes: dict[TubeKey, Tube] = {}
    by_code: dict[str, list[Tube]] = defaultdict(list)
    for row in manifest:
        key = (normalise(row.tube_code), row.collected_at.date())
        if key not in tubes:
            by_code[key[0]].append(tubes.setdefault(key, Tube(key)))
        tubes[key].rows.append(row)
    for tube in tubes.values():
        tube.close(rejected)
    _attach(tubes, by_code, lab, clocks, decision)
    _hold_tubes(tubes, by_code, clocks, rejected)
    for tube in tubes.values():
        _decide_tube(tube, as_of, clocks, decision, said)
    for tube in tubes.values():
        for row in tube.rows:
            for old in by_code[normalise(row.replaces_tube)] if row.replaces_tube else []:
                if (*old.key, row.person) in decision.callback and old.key[1] <= tube.key[1] and old is not tube:
                    decision.callback[(*old.key, row.person)] = True
    return decision


def _attach(tubes: dict[TubeKey, Tube], by_code: dict[str, list[Tube]], lab: Iterable[LabRow], clocks: Clocks, decision: Decision) -> None:
    """Every result row finds its collection: by the tube's code, else by a kept specimen's code, else it waits."""
    by_specimen: dict[str, list[tuple[Tube, str]]] = defaultdict(list)
    for tube in tubes.values():
        for code, person in {(normalise(row.specimen_code), row.person) for row in tube.rows if row.specimen_code}:
            by_specimen[code].append((tube, person))
    found_rows: dict[tuple[TubeKey, str], list[LabRow]] = defaultdict(list)  # person '' is the tube itself
    for row in lab:
        code = normalise(row.tube_code)
        if found := _collection(row, by_code.get(code, []), clocks):
            found_rows[(found.key, "")].append(row)
        elif found := _collection(row, [tube for tube, _ in by_specimen[code]], clocks):
            found_rows[(found.key, next(person for tube, person in by_specimen[code] if tube is found))].append(row)
        elif row.status != "P":
            decision.holds.add(("unmatched", code))
    for (key, person), rows in found_rows.items():
        tubes[key].found |= {row for row in rows if row.status != "P"}
        decision.seen |= {(*key, one) for one in ([person] if person else tubes[key].people)}
        if person:
            tubes[key].own[person] = effective(rows)
        else:
            tubes[key].lab = effective(rows)


def _collection(row: LabRow, tubes: list[Tube], clocks: Clocks) -> Tube | None:
    if row.collected_on:
        return next((tube for tube in tubes if tube.key[1] == row.collected_on), None)
    window = timedelta(days=clocks.match_window_days)
    fitting = [tube for tube in tubes if timedelta(0) <= row.tested_at - tube.collected_at <= window]
    return max(fitting, key=lambda tube: tube.key[1], default=None)


def effective(sent: Iterable[LabRow]) -> Effective:
    """Corrections and withdrawals by their own time, whatever the order of arrival; preliminary rows never count."""
    rows = [row for row in sent if row.status != "P"]
    withdrawn_at = max((row.at for row in rows if row.status in "WX"), default=None)
    corrected_at = max((row.at for row in rows if row.status == "C"), default=None)
    finals = [row for row in rows if row.status == "F"]
    if withdrawn_at and (corrected_at is None or corrected_at <= withdrawn_at):
        return Effective("conflict" if any(row.tested_at > withdrawn_at for row in finals) else "withdrawn", withdrawn_at)
    if corrected_at:  # what a correction leaves standing: itself, and final rows of later tests
        corrections = [row for row in rows if row.status == "C" and row.at == corrected_at]
        return _of_standing(corrections + [row for row in finals if row.tested_at > corrected_at])
    return _of_standing(finals)


def _of_standing(rows: list[LabRow]) -> Effective:
    if not rows:
        return Effective()
    runs = {row.tested_at for row in rows if row.call == "invalid"}
    others = [row for row in rows if row.call != "invalid"]
    at = max(row.at for row in rows)
    if not others:
        return Effective("invalid" if len(runs) > 1 else "repeat", at)
    is_repeat_of_invalid = not runs or min(row.tested_at for row in others) > max(runs)
    return Effective(others[0].call if is_repeat_of_invalid and len({row.content for row in others}) == 1 else "conflict", at)


def _hold_tubes(tubes: dict[TubeKey, Tube], by_code: dict[str, list[Tube]], clocks: Clocks, rejected: Slots) -> None:
    """What holds a whole tube: its label, its people, or a contradiction between its result and a person's own."""
    for same in by_code.values():
        for one, two in combinations(same, 2):
            if abs(one.key[1] - two.key[1]) <= timedelta(days=clocks.relabel_days) and one.people != two.people:
                one.held_for.add("relabelled")
                two.held_for.add("relabelled")
    alone = {(tube.key[1], person) for tube in tubes.values() if not tube.is_pool and tube.lab.call == "detected" for person in tube.people}
    for tube in tubes.values():
        files = Counter(row.file for row in tube.rows)
        whole = max(accepted + (rejected or {}).get((file, tube.key), 0) for file, accepted in files.items())
        if len(files) > 1 and (len({row.sender for row in tube.rows}) > 1 or len(tube.people) > whole):
            tube.held_for.add("shared_tube")
        is_found = any(tube.own[person].call == "detected" or (tube.key[1], person) in alone for person in tube.people)
        if tube.is_pool and tube.lab.call == "not_detected" and is_found:
            tube.held_for.add("contradiction")


def _decide_tube(tube: Tube, as_of: datetime, clocks: Clocks, decision: Decision, said: Words) -> None:
    """First what the lab withdrew, then what holds the tube, then the person's own test, then the tube's call; time comes last."""
    lost_since, overdue_since = as_of - timedelta(days=clocks.lost_days), as_of - timedelta(hours=clocks.overdue_hours)
    is_positive_pool = tube.is_pool and tube.lab.call == "detected"
    is_confirmed = any(own.call == "detected" for own in tube.own.values())
    is_open = any(
        row.specimen_code and tube.own[row.person].call in ("none", "repeat") and row.collected_at > lost_since for row in tube.rows
    )
    for row in tube.rows:
        key, own = (*tube.key, row.person), tube.own[row.person].call
        own_test = "retest" if row.mode in ("lab", "double") and row.specimen_code else "recollect"
        by_tube = {
            "none": "awaiting", "repeat": "awaiting", "conflict": "held", "withdrawn": "withdrawn", "rejected": "recollect",
            "inconclusive": own_test, "invalid": own_test, "detected": own_test if tube.is_pool else "detected",
            "not_detected": "incomplete" if tube.is_incomplete else "not_detected",
        }[tube.lab.call]  # fmt: skip
        by_own = {
            "none": by_tube, "repeat": "withdrawn" if by_tube == "withdrawn" else "retest", "conflict": "conflict",
            "withdrawn": "withdrawn", "rejected": "recollect", "inconclusive": "recollect", "invalid": "recollect",
            "detected": "detected", "not_detected": "not_detected",
        }[own]  # fmt: skip
        if by_own == "not_detected" and own == "not_detected" and is_positive_pool and not is_confirmed:
            by_own = "mates" if is_open else "discordant"  # somebody made this pool positive: a negative waits for that one
        held_for = {*tube.held_for, *({"conflict"} & {tube.lab.call, own}), *({by_own} & set(HOLDS))}
        if held_for and by_own != "withdrawn":
            reason = min(held_for, key=HOLDS.index)
            hold = (reason, normalise(row.specimen_code) if reason == "conflict" != tube.lab.call else tube.subject)
            decision.rests_on[hold] = tube.people, frozenset(tube.found)
            choice = (said or {}).get((hold, decision.rests_on[hold]), "")
            by_own = {"release": "not_detected", "refuse": "recollect", "": "held"}[choice]
            decision.holds |= {hold} if by_own == "held" else set()
        since, subject = (tube.lab.at, normalise(row.specimen_code)) if by_own == "retest" else (tube.collected_at, tube.subject)
        if by_own in ("awaiting", "retest") and since and since <= overdue_since:
            decision.holds.add(("overdue", subject))
        is_lost = by_own in ("awaiting", "retest") and row.collected_at <= lost_since
        decision.outcomes[key] = "lost" if is_lost else "awaiting" if by_own == "mates" else by_own
        decision.worklist |= {key} if by_tube == "retest" and not tube.held_for & {"shared_tube", "relabelled"} else set()
        decision.answered |= {key} if own not in ("none", "repeat") else set()
        decision.callback |= {key: False} if by_own == "recollect" else {}
