"""The judge by Great Expectations: verdicts on files, the second look at accepted rows, and what Data Docs may show."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline.domain.words import FileKind, Verdict
from pipeline.errors import Broken
from pipeline.quality.judge import NO_ROWS, Judgement, judge_files, judge_rows
from pipeline.quality.suites import load_suite, validate
from tests.sql.checks_kit import PARAMS, table

ACCEPTED = Judgement(Verdict.ACCEPTED, "")
# The real week of FloodLAMP: 30 unknown words in 828 rows, 11.6 % positive, years old; and its manifest.
REAL_RESULTS = {
    "rows": 828,
    "rejected": 30,
    "tubes": 798,
    "share_unknown_word": 30 / 828,
    "positivity": 93 / 798,
    "age_hours_max": 42_000.0,
}
REAL_MANIFEST = {"rows": 2451, "rejected": 1, "warned": 52, "tubes": 828, "people_per_tube_max": 5, "age_hours_max": 42_000.0}


def profile(**changes: Any) -> dict[str, Any]:
    """A small healthy file's profile; share_rejected follows from rows and rejected."""
    made = {
        "rows": 10, "rejected": 0, "warned": 0, "tubes": 10, "people_per_tube_max": 0,
        "share_unknown_word": 0.0, "positivity": None, "lab_positivity": None, "age_hours_max": 20.0, "share_old": 0.0,
        "shift": None, "shift_limit": None, "invalid_shift": None, "invalid_shift_limit": None,
    } | changes  # fmt: skip
    return {"share_rejected": made["rejected"] / max(made["rows"], 1)} | made


def judge(kind: FileKind, folder: Path, *changes: dict[str, Any]) -> list[tuple[str, str]]:
    frame = pd.DataFrame([profile(**one) | {"receipt_no": 100 + place} for place, one in enumerate(changes)])
    judgements = judge_files(frame, kind, folder)
    assert list(judgements) == [100 + place for place in range(len(changes))]
    return [(one.verdict.value, one.reason) for one in judgements.values()]


GOOD = ("accepted", "")


def test_manifests_are_judged_each_for_itself(tmp_path: Path) -> None:
    cases = [
        (REAL_MANIFEST, GOOD),
        ({"rows": 1}, GOOD),
        ({"rows": 0}, ("refused", "no_rows")),
        ({"rows": 3, "rejected": 3}, ("refused", "all_rows_rejected")),
        ({"rows": 40, "rejected": 40}, ("refused", "all_rows_rejected")),
        ({"rows": 20, "rejected": 11}, ("held", "many_rows_rejected")),
        ({"rows": 20, "rejected": 10}, GOOD),
        ({"rows": 19, "rejected": 18}, GOOD),
        ({"people_per_tube_max": 51}, ("held", "tube_column_suspect")),
        ({"people_per_tube_max": 50}, GOOD),
        ({"age_hours_max": 90_000.0}, ("held", "age_implausible")),
        ({"age_hours_max": -2.0}, ("held", "age_implausible")),
        ({"rows": 5, "rejected": 6}, ("held", "profile_inconsistent")),
    ]
    found = judge(FileKind.MANIFEST, tmp_path, *(changes for changes, _ in cases))
    # More rows rejected than there are is a share above 1 too, and refusing beats holding.
    assert found[:-1] == [verdict for _, verdict in cases[:-1]]
    assert found[-1] == ("refused", "all_rows_rejected")


def test_P09_result_files_are_judged_against_their_lab(tmp_path: Path) -> None:
    cases = [
        (REAL_RESULTS, GOOD),
        ({"rows": 100, "tubes": 100, "share_unknown_word": 0.21}, ("held", "many_unknown_words")),
        ({"rows": 19, "tubes": 19, "share_unknown_word": 0.9}, GOOD),
        ({"rows": 20, "tubes": 20, "positivity": 1.0}, ("held", "all_detected")),
        ({"rows": 19, "tubes": 19, "positivity": 1.0}, GOOD),
        ({"rows": 50, "tubes": 50, "positivity": 0.51}, ("held", "positivity_jumped")),
        ({"rows": 49, "tubes": 49, "positivity": 0.51}, GOOD),
        ({"rows": 60, "rejected": 11, "tubes": 49, "positivity": 0.51}, GOOD),
        ({"rows": 50, "tubes": 50, "positivity": 0.5}, GOOD),
        ({"rows": 50, "tubes": 50, "positivity": 0.51, "lab_positivity": 0.01}, ("held", "positivity_jumped")),
        ({"rows": 50, "tubes": 50, "positivity": 0.6, "lab_positivity": 0.12}, GOOD),
        ({"rows": 50, "tubes": 50, "positivity": 0.9, "lab_positivity": 0.2}, GOOD),
        ({"rows": 50, "tubes": 50, "positivity": 1.0, "lab_positivity": 0.2}, ("held", "all_detected")),
        ({"rows": 50, "tubes": 50, "positivity": None, "lab_positivity": 0.2}, GOOD),
        ({"shift": 0.08, "shift_limit": 0.07}, ("held", "lab_positivity_shifted")),
        ({"shift": 0.07, "shift_limit": 0.07, "invalid_shift": 0.0, "invalid_shift_limit": 0.05}, GOOD),
        ({"shift": 0.0, "shift_limit": 0.07, "invalid_shift": 0.06, "invalid_shift_limit": 0.05}, ("held", "lab_invalid_shifted")),
        ({"rows": 20, "share_old": 0.51}, ("held", "results_too_old")),
        ({"rows": 20, "share_old": 0.5}, GOOD),
        ({"rows": 19, "share_old": 1.0}, GOOD),
    ]
    assert judge(FileKind.RESULTS, tmp_path, *(changes for changes, _ in cases)) == [verdict for _, verdict in cases]


def test_a_batch_whose_files_have_no_answer_at_all_is_judged(tmp_path: Path) -> None:
    assert judge(FileKind.RESULTS, tmp_path, {}, {}) == [GOOD, GOOD]


def test_without_files_there_is_nothing_to_judge(tmp_path: Path) -> None:
    assert judge_files(pd.DataFrame(), FileKind.MANIFEST, tmp_path) == {}


@pytest.mark.parametrize("kind", FileKind)
def test_F03_an_empty_sample_is_not_a_good_one(kind: FileKind, tmp_path: Path) -> None:
    assert judge_rows(table(kind, []), kind, tmp_path, PARAMS) == [NO_ROWS]


@pytest.mark.parametrize("name", ["manifest_file", "result_file", "manifest_rows", "result_rows"])
def test_F03_every_suite_asks_for_rows_first(name: str) -> None:
    assert load_suite(name)["expectations"][0]["kwargs"] == {"min_value": 1}


def test_F03_a_suite_that_does_not_is_refused(tmp_path: Path) -> None:
    (tmp_path / "late.json").write_text('{"expectations": [{"type": "expect_column_values_to_not_be_null"}]}', encoding="utf-8")
    with pytest.raises(Broken):
        load_suite("late", tmp_path)


def test_F03_a_suite_over_no_rows_fails() -> None:
    empty = pd.DataFrame([profile() | {"receipt_no": 1}]).iloc[:0]
    assert not validate(empty, "manifest_file")[0].success


def test_what_could_not_be_computed_has_not_passed() -> None:
    with pytest.raises(Broken) as error:
        validate(pd.DataFrame({"rows": [1]}), "manifest_file")
    assert error.value.fields["suite"] == "manifest_file"


def test_good_rows_and_warnings_pass_the_second_judge_and_a_bad_row_does_not(tmp_path: Path) -> None:
    good = table(FileKind.MANIFEST, [{}, {"phone": "024 3825 1234"}])
    assert judge_rows(good, FileKind.MANIFEST, tmp_path, PARAMS) == []
    bad = table(FileKind.MANIFEST, [{}, {"tube_code": "?", "sex": "?"}])
    assert judge_rows(bad, FileKind.MANIFEST, tmp_path, PARAMS) == ["bad_tube_code", "bad_sex"]


def test_good_results_pass_the_second_judge_and_a_bad_row_does_not(tmp_path: Path) -> None:
    assert judge_rows(table(FileKind.RESULTS, [{}, {"status": "X", "result": "", "call": ""}]), FileKind.RESULTS, tmp_path, PARAMS) == []
    assert judge_rows(table(FileKind.RESULTS, [{"ct": "23,5"}]), FileKind.RESULTS, tmp_path, PARAMS) == ["bad_ct"]


def test_W14_data_docs_hold_counts_and_no_cell_and_load_nothing(tmp_path: Path) -> None:
    canary = "CANARY7Q"
    cells = {"full_name": canary, "address": canary, "tube_code": f"{canary}?", "phone": canary, "sex": canary, "citizen_id": canary}
    judge_rows(table(FileKind.MANIFEST, [cells, cells]), FileKind.MANIFEST, tmp_path, PARAMS)
    judge(FileKind.RESULTS, tmp_path, {"rows": 20, "tubes": 20, "positivity": 1.0}, {})
    pages = {file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    assert sorted(pages) == [
        "index.html", "manifest_rows-1-1.html", "manifest_rows-1-1.json", "result_file-100-101.html", "result_file-100-101.json",
    ]  # fmt: skip
    together = "".join(pages.values())
    assert canary not in together
    assert re.findall(r"https?:|//[a-z]|<script|<link|<img|@import|url\(", together) == []
    assert "default-src 'none'" in pages["index.html"]
    assert "manifest_rows-1-1.html" in pages["index.html"] and "held 1" in pages["index.html"]
    assert "all_detected" in pages["result_file-100-101.html"]


def test_I7_judged_again_the_pages_are_the_same(tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        judge(FileKind.MANIFEST, tmp_path, REAL_MANIFEST)
        seen.append({file.name: file.read_bytes() for file in tmp_path.iterdir()})
    assert seen[0] == seen[1]


def test_great_expectations_is_not_imported_with_the_package() -> None:
    """It takes 4 seconds: a DAG file or a web process must not pay them."""
    code = "import sys, pipeline.quality.judge, pipeline.quality.rejects; sys.exit('great_expectations' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode == 0


def test_great_expectations_says_nothing_of_its_own(tmp_path: Path) -> None:
    """On a command line, where nobody asked for it. In a process of its own: here it is imported already."""
    code = (
        "import logging; logging.basicConfig(level=logging.WARNING); import pandas; from pathlib import Path; "
        "from pipeline.domain.words import FileKind; from pipeline.quality.judge import judge_files; "
        f"judge_files(pandas.DataFrame([{profile() | {'receipt_no': 1}!r}]), FileKind.MANIFEST, Path({str(tmp_path)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
