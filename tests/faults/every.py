"""The long form of some fault tests, which CI has no time for: `python -m tests.faults.every [--seconds 900] [--only C11]`.

The disk fails at every N until a whole day passes without a failure, a thousand bits of warehouse and log are flipped, ten thousand
people are told between a backup and its restore. What it found goes into docs/every.json, and with `make reliability` onto the page.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests.bench.figures import about

FOUND = Path("docs/every.json")
# How many seconds each test may go on; empty: the short form.
SECONDS = "UNPOOL_TESTS_EVERY"
TESTS = (
    "tests/faults/test_real_faults_disk.py::test_C11_C12_a_day_on_a_disk_that_fails",
    "tests/faults/test_real_faults_disk.py::test_C11_C12_what_could_not_be_received_is_not_acknowledged",
    "tests/faults/test_warehouse_lost.py::test_C13_a_flipped_bit_is_refused_or_harmless",
    "tests/faults/test_warehouse_lost.py::test_C13_a_flipped_bit_of_the_log_is_refused_or_harmless",
    "tests/faults/test_backup_of_yesterday.py::test_O10_yesterday_s_backup_and_the_day_s_files_again",
)


@dataclass(frozen=True)
class Steps:
    """Which N a test tries: each one, for so many seconds, or some of them (None)."""

    seconds: float | None

    @property
    def is_long(self) -> bool:
        return self.seconds is not None

    def __iter__(self) -> Iterator[int]:
        """1, 2, 3, 4, then larger and larger steps; in the long form every one, until the time is up."""
        start = time.monotonic()
        if self.seconds is not None:
            for nth in count(1):
                if time.monotonic() - start > self.seconds:
                    return
                yield nth
        nth = 1
        while True:
            yield nth
            nth += 1 + nth // 5


def steps() -> Steps:
    asked = os.environ.get(SECONDS, "")
    return Steps(float(asked) if asked else None)


class Notes:
    """A plugin of pytest: what each test told, and how it ended."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when != "call":
            return
        told: dict[str, Any] = {"outcome": report.outcome, "seconds": round(report.duration)}
        for name, value in report.user_properties:
            told[name] = told.get(name, 0) + value if isinstance(value, int) else value
        self.found[report.nodeid.rpartition("::")[2]] = told


def main() -> None:
    import pytest

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=1e9, help="for each test of a disk; else until it is clean")
    parser.add_argument("--only", default="", help="pytest's -k")
    asked = parser.parse_args()
    os.environ[SECONDS] = str(asked.seconds)
    notes = Notes()
    code = pytest.main([*TESTS, "-q", "-p", "no:cacheprovider", "--timeout", "0", *(["-k", asked.only] if asked.only else [])], [notes])
    known = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    here = {name: about()[name] for name in ("commit", "date", "machine")}
    FOUND.write_text(json.dumps(dict(sorted((known | {name: told | here for name, told in notes.found.items()}).items())), indent=1) + "\n")
    raise SystemExit(int(code))


if __name__ == "__main__":
    main()
