"""What the fault tests leave for docs/reliability: rows by a test's name, figures added up, and no row without its sentence."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.faults.reliability import Record, rows_of
from tests.faults.report import HERE, rows

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("test_C01_killed_in_a_run", ["C01"]),
        ("test_C01_T07_killed_while", ["C01", "T07"]),
        ("test_killed_C01", []),
        ("test_C1_a", []),
        ("test_I7_judged_again", []),
    ],
)
def test_a_test_is_of_the_rows_its_name_begins_with(name: str, expected: list[str]) -> None:
    assert rows_of(name) == expected


def test_cases_and_figures_are_added_up(tmp_path: Path) -> None:
    record = Record()
    record.note("tests/faults/a.py::test_C01_T07_x[1]", "passed", [("kills", 2), ("doubled", 0), ("word", "y"), ("yes", True)])
    record.note("tests/faults/a.py::test_C01_T07_x[2]", "failed", [("kills", 3)])
    record.note("tests/faults/b.py::test_of_nothing", "passed", [("kills", 100)])
    record.write(tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["figures"] == {"doubled": 0, "kills": 5}
    assert found["tests"]["C01"] == found["tests"]["T07"] == {"test_C01_T07_x": {"passed": 1, "failed": 1}}
    assert [(row["name"], row["cases"], row["failed"]) for row in rows(found["tests"])] == [("C01", 2, 1), ("T07", 2, 1)]


def test_every_row_that_a_test_is_named_after_has_its_sentence() -> None:
    texts = tomllib.loads((HERE / "rows.toml").read_text(encoding="utf-8"))
    names = {
        name
        for file in TESTS.rglob("test_*.py")
        for name in re.findall(r"^ *def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = {row for name in names for row in rows_of(name)}
    assert named - texts.keys() == set()
    assert {"C01", "T01", "P06"} <= named
