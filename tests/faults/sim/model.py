"""What should come of an episode, beside tests/property/reference_model.py (who has which outcome): which rows are accepted, and who
must have been told what. Dictionaries and loops, written from domain.md; of the product it is told only in which order files and
decisions came, since that order is nobody's promise."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from pipeline.domain.words import FileKind
from tests.faults.sim.plan import File, Row
from tests.property import reference_model as rules

CLOCKS = rules.Clocks(match_window_days=7, overdue_hours=48, lost_days=10, relabel_days=14)
GRACE, OLDEST, LARGEST_POOL = timedelta(hours=1), timedelta(days=30), 20
CALLS = {"positive": "detected", "negative": "not_detected", "inconclusive": "inconclusive", "invalid": "invalid", "rejected": "rejected"}
# An outcome that somebody is told, and why the message is sent.
PURPOSES = {
    "detected": "result", "not_detected": "result", "retest": "own_test", "recollect": "come_again", "withdrawn": "withdrawn",
    "lost": "not_found",
}  # fmt: skip
UNTOLD = ("awaiting", "held")
Cells = dict[str, str]


@dataclass
class Counts:
    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0


@dataclass
class World:
    """All that is known so far. `phones`: the number that the first accepted row of a specimen gave; `words`: what people said about a
    hold and what it rested on; `shown`: what each hold rests on, as people see it since the last decision."""

    manifest: dict[rules.SpecimenKey, tuple[rules.ManifestRow, Cells]] = field(default_factory=dict)
    lab: dict[tuple[str, ...], rules.LabRow] = field(default_factory=dict)
    slots: Counter[tuple[str, rules.TubeKey]] = field(default_factory=Counter)
    phones: dict[rules.SpecimenKey, str] = field(default_factory=dict)
    told: dict[rules.SpecimenKey, list[str]] = field(default_factory=lambda: defaultdict(list))
    words: dict[tuple[tuple[str, str], object], str] = field(default_factory=dict)
    shown: dict[tuple[str, str], object] = field(default_factory=dict)

    def take(self, receipt: int, sender: str, file: File, as_of: datetime) -> Counts:
        """One file, at the time of its batch."""
        counts = Counts(received=len(file.rows))
        take_row = self._member if file.kind is FileKind.MANIFEST else self._result
        rejected = _rejected(file.rows, as_of) if file.kind is FileKind.MANIFEST else _rejected_results(file.rows, as_of)
        for number, row in enumerate(file.rows):
            what = "rejected" if number in rejected else take_row(str(receipt), sender, row.cells)
            setattr(counts, what, getattr(counts, what) + 1)
            if place := rejected.get(number):
                self.slots[str(receipt), place] += 1
        return counts

    def decide(self, as_of: datetime, said: dict[tuple[str, str], str]) -> rules.Decision:
        """The outcomes now. `said`: what people have said to holds since the last decision. Whoever's outcome is new is told it; what was
        told last is not told again."""
        self.words |= {(hold, self.shown[hold]): choice for hold, choice in said.items()}
        decision = self.look(as_of)
        self.shown = decision.rests_on
        for key, outcome in decision.outcomes.items():
            if outcome not in UNTOLD and self.told[key][-1:] != [outcome]:
                self.told[key].append(outcome)
        return decision

    def look(self, as_of: datetime) -> rules.Decision:
        return rules.decide([row for row, _ in self.manifest.values()], self.lab.values(), as_of, CLOCKS, self.slots, self.words)

    def messages(self) -> dict[tuple[rules.SpecimenKey, int], str]:
        """(specimen, version) → purpose."""
        return {(key, number): PURPOSES[said] for key, told in self.told.items() for number, said in enumerate(told, 1)}

    def _member(self, receipt: str, sender: str, cells: Cells) -> str:
        taken = _moment(cells["collected_at"])
        key = (rules.normalise(cells["tube_code"]), taken.date(), cells["full_name"])
        said = {name: text for name, text in cells.items() if name != "tube_code"}
        if key in self.manifest:
            return "duplicate" if self.manifest[key][1] == said else "rejected"
        size = int(cells["pool_size"]) if cells["pool_size"] else None
        row = rules.ManifestRow(
            receipt, sender, cells["tube_code"], taken, cells["full_name"], cells["pooling_mode"] or "field", cells["specimen_code"], size,
            cells["replaces_tube"],
        )  # fmt: skip
        self.manifest[key] = row, said
        self.phones[key] = cells["phone"]
        return "accepted"

    def _result(self, _receipt: str, _sender: str, cells: Cells) -> str:
        tested, call = _moment(cells["tested_at"]), CALLS.get(cells["result"], "")
        told = _moment(cells["resulted_at"]) if cells["resulted_at"] else tested
        collected = cells["collected_at"][:10]
        reason = cells["reject_reason"] if call == "rejected" else ""
        code = rules.normalise(cells["tube_code"])
        key = (code, call, str(tested), str(told), cells["status"], collected, reason, cells["ct"])
        if key in self.lab:
            return "duplicate"
        named = date.fromisoformat(collected) if collected else None
        self.lab[key] = rules.LabRow(code, call, tested, cells["status"], told, named, reason, cells["ct"])
        return "accepted"


def _rejected(rows: tuple[Row, ...], as_of: datetime) -> dict[int, rules.TubeKey | None]:
    """Row number of a rejected manifest row → the tube in which its place is kept for the mended row, if one is known."""
    listed: dict[rules.TubeKey, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if tube := _tube(row):
            listed[tube].append(number)
    bad: dict[int, rules.TubeKey | None] = {n: _tube(row) for n, row in enumerate(rows) if row.defect or _is_out_of_time(row, as_of)}
    for tube, numbers in listed.items():
        people: set[object] = set()
        again = [n for n in numbers if _who(rows[n].cells) in people or people.add(_who(rows[n].cells))]
        sizes = {int(size) for n in numbers if (size := rows[n].cells["pool_size"]).isdigit()}
        modes = {rows[n].cells["pooling_mode"] or "field" for n in numbers}
        is_too_many = len(people) > min(sizes, default=LARGEST_POOL) or len(people) > LARGEST_POOL
        for n in numbers:
            if is_too_many or len(sizes) > 1 or len(modes) > 1:
                bad[n] = tube
        # Named twice: the person has a place already.
        bad |= dict.fromkeys(again)
    return bad


def _rejected_results(rows: tuple[Row, ...], as_of: datetime) -> dict[int, None]:
    def is_future(row: Row) -> bool:
        return any(_moment(row.cells[name]) > as_of + GRACE for name in ("tested_at", "resulted_at") if row.cells[name])

    return {number: None for number, row in enumerate(rows) if row.defect or is_future(row)}


def _tube(row: Row) -> rules.TubeKey | None:
    """None where nobody can tell the tube or the day."""
    if row.defect in ("ragged", "tube", "no_tube", "no_such_day"):
        return None
    return rules.normalise(row.cells["tube_code"]), _moment(row.cells["collected_at"]).date()


def _who(cells: Cells) -> object:
    """What tells people apart: the citizen id, else the team's own code, else name, birth date and phone."""
    return cells["citizen_id"] or cells["person_code"] or (cells["full_name"], cells["birth_date"], cells["phone"])


def _is_out_of_time(row: Row, as_of: datetime) -> bool:
    taken = _moment(row.cells["collected_at"])
    return taken > as_of + GRACE or taken.date() < as_of.date() - OLDEST


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
