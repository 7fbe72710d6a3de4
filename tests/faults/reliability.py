"""What the fault tests found: every test of a row of the fault catalogue, how it ended, and the figures that it measured.

A test tells a figure by pytest's `record_property("faulted_sends", 20_000)`; figures of one name from several tests are added up.
`make test` runs all and has the session write them (`--record=build/reliability.json`); a session of a few tests leaves the whole run's
figures alone. `make reliability` renders docs/reliability.md and .json from them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.figures import about

FOUND = Path("build/reliability.json")
# test_C01_killed_in_a_run, test_C02_T09_...: the rows that a test is about.
_ROW = re.compile(r"[A-Z][0-9]{2}")


def rows_of(name: str) -> list[str]:
    """The catalogue's rows that a test's name begins with; [] for a test of none."""
    rows: list[str] = []
    for part in name.removeprefix("test_").split("_"):
        if not _ROW.fullmatch(part):
            break
        rows.append(part)
    return rows


@dataclass
class Record:
    """One session's fault tests. `tests`: row → test → how many of its cases passed and failed; `figures`: name → sum; `of_rows`: row → the
    same of its own tests; `seconds`: folder of tests → how long a worker was busy with them."""

    tests: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    figures: Counter[str] = field(default_factory=Counter)
    of_rows: dict[str, Counter[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def spend(self, nodeid: str, seconds: float) -> None:
        """Of every phase of every test: what it sets up is its time, too."""
        folder = nodeid.partition("::")[0].rpartition("/")[0]
        self.seconds[folder] = self.seconds.get(folder, 0.0) + seconds

    def note(self, nodeid: str, outcome: str, properties: list[tuple[str, object]]) -> None:
        """Take the report of one test's call."""
        name = nodeid.rpartition("::")[2].partition("[")[0]
        if not (rows := rows_of(name)):
            return
        for row in rows:
            self.tests.setdefault(row, {}).setdefault(name, Counter())[outcome] += 1
        for figure, value in properties:
            if isinstance(value, int) and not isinstance(value, bool):
                # A test of two rows counts once in the whole, and for each of its rows.
                for sums in (self.figures, *(self.of_rows.setdefault(row, Counter()) for row in rows)):
                    sums[figure] += value

    def write(self, path: Path) -> None:
        if self.tests:
            path.parent.mkdir(parents=True, exist_ok=True)
            found = {"tests": self.tests, "figures": self.figures, "of_rows": self.of_rows, "seconds": self.seconds, "about": about()}
            path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
