"""Result rules, each by a table of cells. Write one here for every rule file of sql/checks/results: good neighbours beside bad."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.words import Call, FileKind, RejectReason, Status
from pipeline.quality.rules import rule_codes
from tests.sql.checks_kit import broken

RESULTS = FileKind.RESULTS
REJECTED = {"call": "rejected", "result": "Từ chối"}

# rule → (what a single row says to break it, what it says not to)
CELLS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "ragged_row": ([{"problem": "ragged_row"}], [{}]),
    "plate_failed": ([{"problem": "plate_failed"}], [{}]),
    "calls_disagree": ([{"problem": "calls_disagree"}], [{}]),
    "wells_missing": ([{"problem": "wells_missing"}], [{}]),
    "other_test": ([{"problem": "other_test"}], [{}]),
    "merged_cells": ([{"problem": "merged_cells:result"}], [{}]),
    "number_as_code": ([{"problem": "number_as_code:tube_code"}], [{}]),
    "missing_tube_code": ([{"tube_code": ""}], [{}]),
    "bad_tube_code": ([{"tube_code": "T1"}, {"tube_code": "UP00011"}, {"tube_code": "T０００１"}], [{"tube_code": "t 001"}]),
    "missing_result": (
        [{"result": "", "call": ""}, {"result": "", "call": "", "status": "P"}],
        [{"result": "", "call": "", "status": "W"}, {"result": "", "call": "", "status": "X"}],
    ),
    "unknown_result_word": (
        [{"result": "neg", "call": ""}, {"result": "Null", "call": ""}, {"result": "x", "call": "Detected"}],
        [{"call": call.value} for call in Call] + [{"result": "", "call": ""}, {"result": "?", "call": "", "status": "W"}],
    ),
    "missing_tested_at": ([{"tested_at": ""}], [{}]),
    "bad_tested_at": ([{"tested_at": "19/11/2026"}, {"tested_at": "2026-02-30"}], [{"tested_at": "2026-11-19"}]),
    "future_tested_at": ([{"tested_at": "2026-11-20T13:01"}], [{"tested_at": "2026-11-20T13:00"}]),
    "bad_resulted_at": (
        [{"resulted_at": "soon"}, {"resulted_at": "2026-11-20T13:00:01"}],
        [{"resulted_at": ""}, {"resulted_at": "2026-11-20T13:00"}],
    ),
    "resulted_before_tested": (
        [{"resulted_at": "2026-11-19T13:59"}, {"resulted_at": "2026-11-18"}],
        [{"resulted_at": "2026-11-19T14:00"}, {"resulted_at": "2026-11-19"}],
    ),
    "bad_collected_at": ([{"collected_at": "?"}], [{"collected_at": ""}, {"collected_at": "2026-11-19 08:00"}]),
    "tested_before_collected": (
        [{"collected_at": "2026-11-19T14:01"}, {"collected_at": "2026-11-20"}],
        [{"collected_at": "2026-11-19T14:00"}, {"collected_at": "2026-11-19"}],
    ),
    "unknown_status": ([{"status": text} for text in ("", "f", "D", "Final")], [{"status": status.value} for status in Status]),
    "bad_reject_reason": (
        [REJECTED, REJECTED | {"reject_reason": "dirty"}],
        [REJECTED | {"reject_reason": reason.value} for reason in RejectReason] + [REJECTED | {"status": "W"}, {"reject_reason": "-"}],
    ),
    "bad_ct": (
        [{"ct": text} for text in ("23,5", "1e1", "high", "N=23.1;ORF1ab=x", "-5", "٢٣", "inf", "N=23.1 24.0")],
        [
            {"ct": text}
            for text in ("", "23.5", "0", "Undetermined", "NaN", "-", "n/a", "N=23.1;ORF1ab=24", "N=;E=undetermined", "N = 23.1 ; S = -")
        ],
    ),
    "ct_above_cycles": (
        [{"ct": "45.1"}, {"ct": "N=20;S=2305"}, {"ct": "39999"}, {"ct": "50001"}],
        [{"ct": "45"}, {"ct": "N=NaN"}, {"ct": "41350"}, {"ct": "high 99"}],
    ),
    "ct_is_a_date": ([{"ct": "41350"}, {"ct": "N=20.1;S=40000"}, {"ct": "50000.0"}], [{"ct": "39999"}, {"ct": "17.03"}]),
}


@pytest.mark.parametrize("rule", CELLS)
def test_single_rows_break_the_rule_and_their_good_neighbours_do_not(rule: str) -> None:
    bad, good = CELLS[rule]
    found = [rule in rules for rules in broken(RESULTS, *bad, *good)]
    assert found == [True] * len(bad) + [False] * len(good)


def test_a_good_row_breaks_nothing() -> None:
    assert broken(RESULTS, {}) == [set()]


def test_every_rule_file_has_a_case() -> None:
    assert CELLS.keys() == {rule.code for rule in rule_codes(RESULTS)}


def test_a_ragged_row_has_that_reason_alone() -> None:
    assert broken(RESULTS, {"problem": "ragged_row"}) == [{"ragged_row"}]


def test_F11_a_word_cut_short_is_never_a_call() -> None:
    assert broken(RESULTS, {"result": "Âm t", "call": ""}) == [{"unknown_result_word"}]


def test_a_withdrawal_needs_neither_result_nor_reason() -> None:
    assert broken(RESULTS, {"status": "W", "result": "", "call": ""}, {"status": "X", "result": "", "call": ""}) == [set(), set()]
