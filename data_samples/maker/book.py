"""The books of one scenario: what was planted in which file, and what must come of it.

The counts are kept while the rows are written, and the rules are applied by the tests' reference model. Nothing of the
product runs here: these counts are what the product is held to.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import reference_model as model

from maker.files import Sheet
from maker.people import Person

ROOT = Path(__file__).resolve().parents[2]
PROGRAMME = ROOT / "pipeline" / "shipped" / "programmes" / "vietnam" / "programme.toml"
TELLING = frozenset({"not_detected", "detected", "retest", "recollect", "withdrawn", "lost"})


@dataclass(frozen=True)
class Row:
    """One row as planted. `rules`: the reject rules that it breaks (then it has no `fact`). `is_again`: an exact duplicate."""

    cells: dict[str, str]
    fact: model.ManifestRow | model.LabRow | None = None
    rules: tuple[str, ...] = ()
    is_again: bool = False


@dataclass
class File:
    """One file on its way in. `verdict` is accepted, held or refused; rows of the last two become no facts."""

    sheet: Sheet
    sender: str
    kind: str | None
    rows: list[Row] = field(default_factory=list)
    verdict: str = "accepted"
    content: bytes | None = None  # in place of the sheet's rendering

    @property
    def path(self) -> str:
        return self.sheet.name

    def render(self) -> bytes:
        return self.content if self.content is not None else self.sheet.render([row.cells for row in self.rows])


@dataclass
class Step:
    name: str
    as_of: datetime
    files: list[File]
    expect: dict[str, object] = field(default_factory=dict)


class Book:
    """One scenario: its steps in order, and the running account of what the product must show after each."""

    def __init__(self, slug: str, title: str) -> None:
        self.slug, self.title = slug, title
        self.steps: list[Step] = []
        self.persons: dict[str, Person] = {}
        self._manifest: list[model.ManifestRow] = []
        self._lab: list[model.LabRow] = []
        self._slots: Counter[tuple[str, model.TubeKey]] = Counter()
        self._files: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self._rejects: Counter[str] = Counter()
        self._worklist: set[model.SpecimenKey] = set()
        self._callback: set[model.SpecimenKey] = set()
        self._told: dict[model.SpecimenKey, str] = {}
        self._messages: dict[model.SpecimenKey, list[str]] = {}
        self._file_holds = 0

    def step(self, name: str, as_of: datetime, files: Iterable[File] = ()) -> model.Decision:
        """Enter the files, decide at `as_of`, and write down what must be true then."""
        step = Step(name, as_of, list(files))
        for file in step.files:
            self._enter(file)
        decision = model.decide(self._manifest, self._lab, as_of.replace(tzinfo=None), clocks(), self._slots)
        self._worklist |= decision.worklist
        self._callback |= set(decision.callback)
        self._tell(decision)
        step.expect = self._expect(decision)
        self.steps.append(step)
        return decision

    def _enter(self, file: File) -> None:
        self._files["received"] += 1
        self._files[file.verdict] += 1
        self._rows["received"] += len(file.rows)
        if file.verdict == "held":
            self._file_holds += 1
        if file.verdict == "refused":
            self._rows["rejected"] += len(file.rows)
        if file.verdict != "accepted":
            return
        for row in file.rows:
            fate = "rejected" if row.rules else "duplicate" if row.is_again else "accepted"
            self._rows[fate] += 1
            self._rejects.update(row.rules)
            if row.rules and file.sheet.kind == "manifest" and not {"differs_from_earlier", "person_twice_in_tube"} & set(row.rules):
                self._keep_place(file, row)
            if fate == "accepted" and isinstance(row.fact, model.ManifestRow):
                self._manifest.append(row.fact)
            elif fate == "accepted" and isinstance(row.fact, model.LabRow):
                self._lab.append(row.fact)

    def _keep_place(self, file: File, row: Row) -> None:
        """A rejected row still is a place in its tube: its mended version may come in a later file."""
        if row.cells.get("tube_code") and (day := _day(row.cells["collected_at"])):
            self._slots[(file.path, (model.normalise(row.cells["tube_code"]), day))] += 1

    def _tell(self, decision: model.Decision) -> None:
        """An outcome that says something new is one message; it takes the place of an older one that is still queued."""
        for key, outcome in decision.outcomes.items():
            if outcome in TELLING and outcome != self._told.get(key):
                self._told[key] = outcome
                self._messages.setdefault(key, []).append(outcome)

    def _expect(self, decision: model.Decision) -> dict[str, object]:
        people_per_tube = Counter(key[:2] for key in decision.outcomes)
        declared = {(model.normalise(row.tube_code), row.collected_at.date()): row.pool_size or 0 for row in self._manifest}
        pools = sum(max(n, declared[tube]) > 1 for tube, n in people_per_tube.items())
        holds = Counter(reason for reason, _ in decision.holds) + Counter({"file_held": self._file_holds})
        unsent: Counter[str] = Counter()
        sent: Counter[str] = Counter()
        for (_, _, person), messages in self._messages.items():
            if self.persons[person].is_reachable:
                unsent.update({"queued": 1, "superseded": len(messages) - 1})
                sent["delivered"] += len(messages)
            else:
                unsent["no_phone"] += len(messages)
                sent["no_phone"] += len(messages)
        return {
            "specimens": len(decision.outcomes),
            "worklist": len(self._worklist),
            "callback": len(self._callback),
            "files": {name: self._files[name] for name in ("received", "accepted", "held", "refused")},
            "rows": {name: self._rows[name] for name in ("received", "accepted", "duplicate", "rejected")},
            "tubes": {"pools": pools, "singles": len(people_per_tube) - pools},
            "outcomes": dict(sorted(Counter(decision.outcomes.values()).items())),
            "holds": {name: n for name, n in sorted(holds.items()) if n},
            "messages_without_credentials": {name: n for name, n in sorted(unsent.items()) if n},
            "messages_with_stand_in": dict(sorted(sent.items())),
            "rejects": dict(sorted(self._rejects.items())),
        }

    def write(self, out: Path) -> None:
        folder = out / self.slug
        folder.mkdir(parents=True, exist_ok=True)
        for step in self.steps:
            for file in step.files:
                (folder / file.path).write_bytes(file.render())
        (folder / "scenario.toml").write_text(self._toml(), encoding="utf-8")

    def _toml(self) -> str:
        last = self.steps[-1]
        lines = ["# Written by data_samples/generate.py; the counts are the generator's own books, never the product's answer.", ""]
        lines += [f'title = "{self.title}"', 'programme = "vietnam"', f"as_of = {last.as_of.isoformat()}"]
        for step in self.steps:
            lines += ["", "[[step]]", f'name = "{step.name}"', f"as_of = {step.as_of.isoformat()}"]
            for file in step.files:
                lines += ["[[step.files]]", f'path = "{file.path}"', f'sender = "{file.sender}"']
                lines += [f'kind = "{file.kind}"'] if file.kind else []
            lines += _table("step.expect", step.expect)
        return "\n".join([*lines, *_table("expect", last.expect), ""])


def _table(name: str, values: dict[str, object]) -> list[str]:
    lines = ["", f"[{name}]"] + [f"{key} = {value}" for key, value in values.items() if isinstance(value, int)]
    for key, value in values.items():
        if isinstance(value, dict):
            lines += [f"[{name}.{key}]", *(f"{word} = {n}" for word, n in value.items())]
    return lines


def _day(text: str) -> date | None:
    try:
        return datetime.fromisoformat(text[:10]).date()
    except ValueError:
        return None


def clocks() -> model.Clocks:
    """The shipped programme's own limits: a scenario that lets time pass must pass the real ones."""
    settings = tomllib.loads(PROGRAMME.read_text(encoding="utf-8"))["clocks"]
    names = ("match_window_days", "overdue_hours", "lost_days", "relabel_days")
    return model.Clocks(**{name: settings[name] for name in names if name in settings})
