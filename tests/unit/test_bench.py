"""What the benchmarks stand on: crowds that are the same for one seed, bars that can be missed, memory that counts the children."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from tests.bench import figures, memory
from tests.bench.crowd import open_crowd, write_crowd
from tests.bench.process import environment, measured
from tests.bench.report import BARS, Bar

PEOPLE = 2_000
HELD = 64 * 1024 * 1024


def test_one_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    one, again, other = (write_crowd(tmp_path / name, PEOPLE, seed) for name, seed in (("one", 5), ("again", 5), ("other", 6)))
    assert one.people == PEOPLE
    assert [path.read_bytes() for path in one.manifests] == [path.read_bytes() for path in again.manifests]
    assert [path.read_bytes() for path in one.results] == [path.read_bytes() for path in again.results]
    assert [path.read_bytes() for path in one.manifests] != [path.read_bytes() for path in other.manifests]


def test_a_crowd_is_what_it_says(tmp_path: Path) -> None:
    crowd = write_crowd(tmp_path, PEOPLE, 5, manifest_rows=260, result_rows=100)
    assert open_crowd(tmp_path) == crowd
    manifests = [pacsv.read_csv(path).num_rows for path in crowd.manifests]
    assert manifests == [260] * 7 + [PEOPLE - 7 * 260]
    assert sum(manifests) + sum(pacsv.read_csv(path).num_rows for path in crowd.results) == crowd.rows
    assert sum(path.stat().st_size for path in (*crowd.manifests, *crowd.results)) == crowd.bytes


@pytest.mark.parametrize(
    ("bar", "value", "word"),
    [
        (Bar("x", "few", 2), 2.0, "yes"),
        (Bar("x", "few", 2), 2.01, "**no**"),
        (Bar("x", "many", 3, is_floor=True), 3.0, "yes"),
        (Bar("x", "many", 3, is_floor=True), 2.9, "**no**"),
    ],
)
def test_a_bar_can_be_missed(bar: Bar, value: float, word: str) -> None:
    assert bar.line({"x": value}).rstrip(" |").endswith(word)
    assert "not measured" in bar.line({})


def test_every_bar_of_the_issue_stands_there_once() -> None:
    assert len({bar.key for bar in BARS}) == len(BARS) == 12


def test_figures_have_no_more_digits_than_a_measurement() -> None:
    assert figures.rounded({"a": 1.23456, "b": {"c": 1234.56}, "d": 7}) == {"a": 1.235, "b": {"c": 1235.0}, "d": 7}


def test_memory_of_a_child_and_of_who_cut_himself_loose_counts(tmp_path: Path) -> None:
    """The embedded PostgreSQL is nobody's child, but works below the folder."""
    holds = f"import sys; held = bytearray(b'x') * {HELD}; print(len(held), flush=True); sys.stdin.read()"
    loose = subprocess.Popen([sys.executable, "-c", holds], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with loose:
        assert loose.stdout is not None
        assert loose.stdout.readline().strip() == str(HELD)
        # Whose child it is, it is: of this process, not of process 1.
        nobody = memory.tree_bytes(2**22 + 1, tmp_path)
        child = memory.tree_bytes(os.getpid(), tmp_path / "elsewhere")
        assert min(nobody, child) >= HELD
        assert memory.tree_bytes(2**22 + 1, tmp_path / "elsewhere") == 0


def test_settings_of_whoever_measures_do_not_leak_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UNPOOL_MEMORY_LIMIT", "TWILIO_FROM", "AIRFLOW_HOME"):
        monkeypatch.setenv(name, "x")
    assert not {"UNPOOL_MEMORY_LIMIT", "TWILIO_FROM", "AIRFLOW_HOME"} & environment().keys()


def test_a_measurement_that_fails_is_no_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.bench.process.LOGS", tmp_path)
    with pytest.raises(RuntimeError, match="floor ended with 1"):
        measured("floor", "--crowd", tmp_path / "nowhere")
    assert "FileNotFoundError" in (tmp_path / "floor.log").read_text()


def test_the_floor_is_a_database_with_all_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.bench.process.LOGS", tmp_path)
    write_crowd(tmp_path / "files", PEOPLE, 5)
    done = measured("floor", "--crowd", tmp_path / "files")
    assert done.figures["floor_s"] > 0
    assert done.peak_gib >= 0


def test_rows_of_a_crowd_have_the_defects_that_are_asked_for(tmp_path: Path) -> None:
    crowd = write_crowd(tmp_path, 20_000, 5)
    rows = pa.concat_tables(
        [pacsv.read_csv(path, convert_options=pacsv.ConvertOptions(strings_can_be_null=False)) for path in crowd.results]
    )
    calls = set(rows["result"].to_pylist())
    assert calls == {"Detected", "Not detected", "Invalid"}
    assert len(rows["tube_code"].unique()) < rows.num_rows
