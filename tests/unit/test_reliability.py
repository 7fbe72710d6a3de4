"""What the fault tests leave for docs/reliability: rows by a test's name, figures added up, and no row without its sentence."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.reliability import Record, rows_of
from tests.faults.report import HERE, largest_run, rendered, rows
from tests.faults.sim import __main__ as simulator
from tests.faults.sim.judge import Verdict

TESTS = Path(__file__).parents[1]
# The rows that the fault lane promises to try.
LANE = {"C": (*range(1, 5), *range(7, 18)), "T": range(1, 11), "P": (*range(1, 5), 6, *range(11, 15)), "O": (8, 9, 10, 11)}
PROMISED = {f"{kind}{number:02}" for kind, numbers in LANE.items() for number in numbers}


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


def test_cases_figures_and_seconds_are_added_up(tmp_path: Path) -> None:
    record = Record()
    record.note("tests/faults/a.py::test_C01_T07_x[1]", "passed", [("kills", 2), ("doubled", 0), ("word", "y"), ("yes", True)])
    record.note("tests/faults/a.py::test_C01_T07_x[2]", "failed", [("kills", 3)])
    record.note("tests/faults/b.py::test_of_nothing", "passed", [("kills", 100)])
    record.spend("tests/faults/a.py::test_C01_T07_x[1]", 1.5)
    record.spend("tests/faults/b.py::test_of_nothing", 0.5)
    record.spend("tests/unit/b.py::test_of_nothing", 4.0)
    record.write(tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["figures"] == {"doubled": 0, "kills": 5}
    assert found["seconds"] == {"tests/faults": 2.0, "tests/unit": 4.0}
    assert found["tests"]["C01"] == found["tests"]["T07"] == {"test_C01_T07_x": {"passed": 1, "failed": 1}}
    told = [(row["name"], row["cases"], row["failed"], row["found"]) for row in rows(found["tests"], found["of_rows"])]
    assert told == [("C01", 2, 1, ["doubled 0", "kills 5"]), ("T07", 2, 1, ["doubled 0", "kills 5"])]


def test_the_page_is_made_of_what_lies_in_docs_and_of_a_run(tmp_path: Path) -> None:
    record = Record()
    record.note("tests/faults/a.py::test_C01_x", "passed", [("kills", 2), ("doubled", 0), ("wrong", 0)])
    record.spend("tests/faults/a.py::test_C01_x", 90.0)
    record.write(tmp_path / "found.json")
    with pytest.raises(KeyError, match="lost"):
        rendered(json.loads((tmp_path / "found.json").read_text()))
    record.note("tests/faults/a.py::test_C01_x", "failed", [("lost", 0)])
    record.write(tmp_path / "found.json")
    page, told = rendered(json.loads((tmp_path / "found.json").read_text()))
    assert (
        "| kills | 2 |" in page
        and "5,000 kills | doubled 0, kills 2, lost 0, wrong 0 | 1 | 2 | 1 |" in page
        and "a worker busy for 1.5 minutes" in page
    )
    assert (told["lost"], told["kills"], told["fault_lane_s"]) == (0, 2, 90)
    assert told["mutants"] >= told["mutants_killed"] > 0 and told["commit"]


def test_every_row_that_a_test_is_named_after_has_its_sentence() -> None:
    texts = tomllib.loads((HERE / "rows.toml").read_text(encoding="utf-8"))
    names = {
        name
        for file in TESTS.rglob("test_*.py")
        for name in re.findall(r"^ *def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    named = {row for name in names for row in rows_of(name)}
    assert named - texts.keys() == set()
    assert texts["asked"].keys() - named == set()
    assert PROMISED - named == set()


def fine(seed: int) -> Verdict:
    return Verdict(seed, met=Counter(episodes=1, crash=2))


def lost(seed: int) -> Verdict:
    """The last of five lost something."""
    return Verdict(seed, lost=["a word"] * (seed == 11), met=Counter(episodes=1, crash=2))


def broken(seed: int) -> Verdict:
    """One that broke has no figures."""
    return Verdict(seed, wrong=["a traceback"]) if seed == 9 else fine(seed)


@pytest.fixture
def simulate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The simulator with made-up episodes; its files lie in tmp_path. Gives the exit code."""
    monkeypatch.setattr(simulator, "FOUND", tmp_path / "build" / "found.json")
    monkeypatch.setattr(simulator, "LARGEST", tmp_path / "simulated.json")
    monkeypatch.setattr(simulator, "about", lambda: {"commit": "c0ffee", "date": "2026-11-25"})

    def run(play: Callable[[int], Verdict], episodes: int, *more: str) -> int:
        monkeypatch.setattr(simulator, "tried", play)
        return simulator.main(["--episodes", str(episodes), "--seed", "7", *more])

    return run


def test_only_a_larger_run_without_a_finding_is_recorded(simulate: Callable[..., int], tmp_path: Path) -> None:
    largest = tmp_path / "simulated.json"
    assert simulate(fine, 5) == 0
    assert (simulate(lost, 5, "--record"), simulate(broken, 5, "--record")) == (1, 1)
    assert not largest.exists()
    assert largest_run(largest) == {}
    assert simulate(fine, 3, "--record") == 0
    known = {"seed": 7, "episodes": 3, "lost": 0, "doubled": 0, "wrong": 0, "commit": "c0ffee", "date": "2026-11-25", "sums": {"crash": 6}}
    assert json.loads(largest.read_text()) == known
    assert (simulate(fine, 2, "--record"), simulate(lost, 5, "--record"), simulate(fine, 5)) == (0, 1, 0)
    assert json.loads(largest.read_text()) == known
    assert simulate(fine, 4, "--record") == 0
    assert largest_run(largest) == {
        "largest_run_episodes": 4,
        "largest_run_seed": 7,
        "largest_run_commit": "c0ffee",
        "largest_run_date": "2026-11-25",
    }


def test_a_finding_is_counted_also_where_the_episode_broke(simulate: Callable[..., int], tmp_path: Path) -> None:
    assert simulate(broken, 5) == 1
    found = json.loads((tmp_path / "build" / "found.json").read_text())
    assert found == {"seed": 7, "episodes": 5, "lost": 0, "doubled": 0, "wrong": 1, "crash": 8}
