"""The long form of some fault tests, which CI has no time for: `python -m tests.faults.longer [--only C05]`.

Ten thousand people are told between a backup and its restore, Airflow's scheduler dies fifty times, and every DAG runs again on each
of thirty days. What it found goes into docs/longer.json, and with `make reliability` onto the page.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from tests.bench.figures import about

FOUND = Path("docs/longer.json")
# Set: the long form.
LONG = "UNPOOL_TESTS_LONG"
TESTS = (
    "tests/faults/test_airflow_doubles.py::test_C05_the_scheduler_killed_between_enqueue_and_start",
    "tests/faults/test_airflow_doubles.py::test_C09_thirty_past_days_run_again_change_nothing",
    "tests/faults/test_backup_of_yesterday.py::test_O10_yesterday_s_backup_and_the_day_s_files_again",
)
UNLIMITED = ("-q", "-p", "no:cacheprovider", "--timeout", "0", "-o", "faulthandler_timeout=0")


def is_long() -> bool:
    return bool(os.environ.get(LONG))


class Notes:
    """A plugin of pytest: what each test told, and how it ended."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when != "call":
            return
        told: dict[str, Any] = {"outcome": report.outcome, "seconds": round(report.duration), "found": {}}
        for name, value in report.user_properties:
            told["found"][name] = told["found"].get(name, 0) + value if isinstance(value, int) else value
        self.found[report.nodeid.rpartition("::")[2]] = told


def main() -> None:
    import pytest

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", default="", help="pytest's -k")
    asked = parser.parse_args()
    os.environ[LONG] = "1"
    notes = Notes()
    code = pytest.main([*TESTS, *UNLIMITED, *(["-k", asked.only] if asked.only else [])], [notes])
    known = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    here = {name: about()[name] for name in ("commit", "date", "machine")}
    FOUND.write_text(json.dumps(dict(sorted((known | {name: told | here for name, told in notes.found.items()}).items())), indent=1) + "\n")
    raise SystemExit(int(code))


if __name__ == "__main__":
    main()
