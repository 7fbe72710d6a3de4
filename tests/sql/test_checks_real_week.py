"""The rules on a real week of a pooled programme: what a person counted in it, they find."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from pipeline.domain.words import FileKind
from tests.sql.checks_kit import GOOD, problems, table

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "floodlamp_cosp"
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER.exists(), reason="../shared/data/floodlamp_cosp is absent"),
]
PROGRAMME = {"required": ["person_code"], "modes": ["field"], "max_pool_size": 5, "own_prefix": "", "max_collected_age_days": 3650}
WORDS = {"Negative": "not_detected", "Positive": "detected", "Inconclusive": "inconclusive"}
EMPTY = dict.fromkeys(GOOD[FileKind.MANIFEST], "")


def lines(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_one_row_in_2451_is_rejected_and_52_person_days_are_warned() -> None:
    rows = [
        {**EMPTY, "receipt_no": 1, "row_no": number, "tube_code": line["tube_id"], "person_code": line["participant_id"],
         "collected_at": f"{line['collection_date']}T{line['collection_time']}"}
        for number, line in enumerate(lines("floodlamp_COSP_2022w01_swabs-in-tubes.csv"), start=2)
    ]  # fmt: skip
    found = problems(FileKind.MANIFEST, table(FileKind.MANIFEST, rows), **PROGRAMME)
    rules = [rule for rule, _, _ in found]
    assert len(rows) == 2451
    assert {rule: rules.count(rule) for rule in rules} == {"person_twice_in_tube": 1, "two_tubes_one_day": 52}


def test_30_results_in_828_are_rejected_for_their_word() -> None:
    rows = [
        {"row_no": number, "tube_code": line["tube_id"], "result": line["final_result"], "call": WORDS.get(line["final_result"], ""),
         "status": "F", "tested_at": iso(line["result_date"], line["result_time"]), "collected_at": iso(line["collection_date"], line["collection_time"])}
        for number, line in enumerate(lines("floodlamp_COSP_2022w01_tubes.csv"), start=2)
    ]  # fmt: skip
    found = problems(FileKind.RESULTS, table(FileKind.RESULTS, rows), **PROGRAMME)
    assert len(rows) == 828
    assert len({row_no for _, _, row_no in found}) == 30
    assert {row_no for rule, _, row_no in found if rule in ("unknown_result_word", "missing_result")} == {row_no for _, _, row_no in found}


def iso(day: str, time: str) -> str:
    return f"{day}T{time}" if day and time else day
