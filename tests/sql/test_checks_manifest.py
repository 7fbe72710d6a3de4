"""Manifest rules, each by a table of cells. Write one here for every rule file of sql/checks/manifest: good neighbours beside bad."""

from __future__ import annotations

from typing import Any

import pytest
from stdnum.iso7064 import mod_37_36

from pipeline.domain.words import FileKind
from pipeline.quality.rules import rule_codes
from tests.sql.checks_kit import broken

MANIFEST = FileKind.MANIFEST
OWN = "UPHN0042"
OWN_CODE = OWN + mod_37_36.calc_check_digit(OWN)
LAB = {"pooling_mode": "lab"}

# rule → (what a single row says to break it, what it says not to)
CELLS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {
    "ragged_row": ([{"problem": "ragged_row"}], [{}]),
    "merged_cells": ([{"problem": "merged_cells:phone"}], [{}]),
    "number_as_code": ([{"problem": "number_as_code:citizen_id"}], [{}]),
    "missing_tube_code": ([{"tube_code": ""}], [{}]),
    "bad_tube_code": (
        [
            {"tube_code": code}
            for code in ("AB", "A" * 33, "T_0001é", "Τ0001", "T０００１", "T-0001\u200b", "--", "ſ0001", "UPHN00420", OWN)
        ],
        [{"tube_code": code} for code in ("abc", "T 0001/2.3-4_5", "A" * 32, OWN_CODE, OWN_CODE.lower(), f"UP-HN 0042{OWN_CODE[-1]}")],
    ),
    "missing_collected_at": ([{"collected_at": ""}], [{}]),
    "bad_collected_at": (
        [
            {"collected_at": text}
            for text in (
                "2026-11-31",
                "19/11/2026",
                "2026-11-19T24:00",
                "2026-11-19T08:60",
                "2026-1-19",
                "46345",
                "2026-11-19T08",
                "hôm qua",
            )
        ],
        [{"collected_at": text} for text in ("2026-11-19", "2026-11-19 08:30", "2026-11-19T08:30:59", "2026-10-31")],
    ),
    "future_collected_at": (
        [{"collected_at": "2026-11-20T13:01"}, {"collected_at": "2026-11-21"}],
        [{"collected_at": "2026-11-20T13:00"}, {"collected_at": "2026-11-20"}],
    ),
    "too_old_collected": ([{"collected_at": "2026-10-20T23:59"}], [{"collected_at": "2026-10-21T00:00"}]),
    "missing_identity": ([{"full_name": ""}, {"birth_date": ""}, {"phone": ""}], [{"address": "", "person_code": ""}]),
    "bad_birth_date": (
        [{"birth_date": text} for text in ("1986-02-30", "17/05/1986", "2026-11-20", "2027", "1879", "1879-12-31", "86", "1986-5-17")],
        [{"birth_date": text} for text in ("1986", "2026", "2026-11-19", "1880-01-01")],
    ),
    "bad_sex": ([{"sex": "nma"}, {"sex": "1"}], [{"sex": word} for word in ("", "NỮ", "nam", "F", "Male", "Khác")]),
    "bad_citizen_id": (
        [{"citizen_id": text} for text in ("79086001234", "0790860012345", "07908600123A", "079186001234 ", "7.9186E+10")],
        [{"citizen_id": "079186001234"}],
    ),
    "citizen_id_disagrees": (
        [
            {"citizen_id": "079086001234"},
            {"citizen_id": "079187001234"},
            {"citizen_id": "079386001234"},
            {"citizen_id": "079186001234", "birth_date": "2086"},
        ],
        [
            {"citizen_id": "079186001234"},
            {"citizen_id": "079086001234", "sex": ""},
            {"citizen_id": "079310001234", "birth_date": "2010"},
            {"citizen_id": "079086001234", "sex": "Khác"},
        ],
    ),
    "bad_pool_size": (
        [{"pool_size": text} for text in ("0", "5", "-1", "2.0", "2x5", "30:1", "mười", "9999999")],
        [{"pool_size": text} for text in ("", "1", "4", "03")],
    ),
    "unknown_mode": ([{"pooling_mode": "gộp"}, {"pooling_mode": "fields"}], [{"pooling_mode": text} for text in ("", "field", "Lab")]),
    "bad_specimen_code": ([{"specimen_code": "S1"}, {"specimen_code": OWN}], [{"specimen_code": "s-01"}, {"specimen_code": OWN_CODE}]),
    "bad_replaces_tube": ([{"replaces_tube": "?"}, {"replaces_tube": OWN}], [{"replaces_tube": "t 0001"}, {"replaces_tube": OWN_CODE}]),
    "unknown_province": ([{"citizen_id": "003186001234"}], [{"citizen_id": "001186001234"}, {"citizen_id": "138186001234"}]),
    "bad_phone": (
        [{"phone": text} for text in ("O901234567", "٠٩٠١٢٣٤٥٦٧", "0901", "không có")],
        [{"phone": text} for text in ("0901234567", "+84 90 123-45.67", "024 (3825) 1234")],
    ),
    "no_mobile": ([{"phone": "024 (3825) 1234"}, {"phone": "0601234567"}], [{"phone": "+84 90 123-45.67"}, {"phone": "0351234567"}]),
}

SAME = {"full_name": "Một Người", "birth_date": "1990", "phone": "0901234567"}

# rule → several rows of one file, and which of them break it
TUBES: dict[str, list[tuple[list[dict[str, Any]], set[int]]]] = {
    "pool_too_large": [
        ([{}] * 4, set()),
        ([{}] * 5, {0, 1, 2, 3, 4}),
        ([{}] * 4 + [{"tube_code": "t 0001"}], {0, 1, 2, 3, 4}),
        ([{}] * 3 + [SAME, SAME], set()),
        ([{}] * 4 + [{"collected_at": "2026-11-18"}], set()),
        ([{}] * 4 + [{"receipt_no": 2}], set()),
        ([{}] * 2 + [{"full_name": "", "birth_date": "", "phone": ""}] * 3, {0, 1, 2, 3, 4}),
    ],
    "declared_size_exceeded": [
        ([{"pool_size": "2"}] * 2, set()),
        ([{"pool_size": "2"}, {"pool_size": ""}, {}], {0, 1, 2}),
        ([{"pool_size": "2"}, SAME, SAME], set()),
        ([{"pool_size": "3"}, {}, {}], set()),
    ],
    "mixed_tube": [
        ([{"pool_size": "3"}, {"pool_size": "4"}, {"tube_code": "T-0002", "pool_size": "2"}], {0, 1}),
        ([LAB, {}], {0, 1}),
        ([SAME | LAB, SAME], {0, 1}),
        ([SAME | {"pool_size": "3"}, SAME | {"pool_size": "4"}], {0, 1}),
        ([{"pooling_mode": "field"}, {}], set()),
        ([{"pool_size": "3"}, {"pool_size": ""}], set()),
        ([{"pool_size": "3"}, {"pool_size": "03"}], set()),
    ],
    "missing_specimen_code": [
        ([LAB | {"specimen_code": "S01"}, LAB], {1}),
        ([{"pooling_mode": "double"}, {"pooling_mode": "double"}], {0, 1}),
        ([LAB, LAB | {"tube_code": "T-0002"}], set()),
        ([{}, {}], set()),
    ],
    "specimen_code_repeated": [
        ([{"specimen_code": "S01"}, {"specimen_code": "s-01", "tube_code": "T-0002"}, {"specimen_code": "S02"}], {0, 1}),
        ([{"specimen_code": "S01"}, {"specimen_code": "S01", "collected_at": "2026-11-18"}], set()),
        ([{"specimen_code": "S01"}, {"specimen_code": "S01", "receipt_no": 2}], set()),
        ([{"specimen_code": "T0002"}, {"tube_code": "T-0002"}], {0}),
        ([{"specimen_code": "T0001"}], set()),
        ([{"specimen_code": "T0001"}, {}], {0}),
        ([SAME | {"specimen_code": "S01"}, SAME | {"specimen_code": "S01", "tube_code": "T-0002"}], set()),
    ],
    "person_twice_in_tube": [
        ([SAME, SAME, {}, SAME], {1, 3}),
        ([SAME, SAME | {"full_name": "MỘT  người "}], {1}),
        ([SAME | {"full_name": "Đỗ Đạt"}, SAME | {"full_name": "do dat"}], {1}),
        ([SAME, SAME | {"full_name": "Hai Người"}], set()),
        ([SAME, SAME | {"birth_date": "1991"}], set()),
        ([SAME, SAME | {"tube_code": "T-0002"}], set()),
        ([SAME, SAME | {"collected_at": "2026-11-18"}], set()),
        ([SAME, SAME | {"receipt_no": 2}], set()),
        ([{"person_code": "P1"}, {"person_code": "P1"}], {1}),
        ([{"citizen_id": "079086001234", "person_code": "P1"}, {"citizen_id": "079086001234", "person_code": "P2"}], {1}),
        ([{"full_name": "", "birth_date": "", "phone": ""}] * 2, set()),
    ],
    "two_tubes_one_day": [
        ([SAME, {}, SAME | {"tube_code": "T-0002"}], {2}),
        ([SAME, SAME | {"tube_code": "T-0002"}, SAME | {"tube_code": "T-0003"}, SAME | {"tube_code": "T-0002"}], {1}),
        ([SAME, SAME | {"tube_code": "t 0001"}], set()),
        ([SAME, SAME | {"tube_code": "T-0002", "collected_at": "2026-11-18"}], set()),
        ([SAME, SAME | {"tube_code": "T-0002", "receipt_no": 2}], set()),
    ],
}


@pytest.mark.parametrize("rule", CELLS)
def test_single_rows_break_the_rule_and_their_good_neighbours_do_not(rule: str) -> None:
    bad, good = CELLS[rule]
    apart = [cells | {"receipt_no": number} for number, cells in enumerate([*bad, *good], start=1)]
    found = [rule in rules for rules in broken(MANIFEST, *apart)]
    assert found == [True] * len(bad) + [False] * len(good)


@pytest.mark.parametrize(("rule", "case"), [(rule, place) for rule, cases in TUBES.items() for place in range(len(cases))])
def test_rows_that_are_looked_at_together(rule: str, case: int) -> None:
    rows, expected = TUBES[rule][case]
    assert {place for place, rules in enumerate(broken(MANIFEST, *rows)) if rule in rules} == expected


def test_a_good_row_breaks_nothing() -> None:
    assert broken(MANIFEST, {}) == [set()]


def test_every_rule_file_has_a_case() -> None:
    assert CELLS.keys() | TUBES.keys() == {rule.code for rule in rule_codes(MANIFEST)}


def test_a_ragged_row_has_that_reason_alone() -> None:
    assert broken(MANIFEST, {"problem": "ragged_row"}) == [{"ragged_row"}]


def test_a_row_breaks_several_rules_and_each_is_told() -> None:
    assert broken(MANIFEST, {"tube_code": "", "sex": "?", "birth_date": "2030"}) == [{"missing_tube_code", "bad_sex", "bad_birth_date"}]


def test_the_programme_says_what_identity_it_needs() -> None:
    assert broken(MANIFEST, {"full_name": "", "birth_date": "", "phone": ""}, required=["person_code"]) == [{"missing_identity"}]
    assert broken(MANIFEST, {"full_name": "", "birth_date": "", "phone": "", "person_code": "P1"}, required=["person_code"]) == [set()]


def test_without_a_prefix_of_its_own_a_programme_asks_for_no_check_character() -> None:
    assert broken(MANIFEST, {"tube_code": OWN}, own_prefix="") == [set()]


def test_F08_every_single_typo_in_a_code_of_ours_is_found() -> None:
    """ISO 7064 promises it; here it is asked of the SQL."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    typos = [OWN_CODE[:at] + letter + OWN_CODE[at + 1 :] for at in range(2, len(OWN_CODE)) for letter in alphabet if letter != OWN_CODE[at]]
    rows = [{"tube_code": code, "receipt_no": number} for number, code in enumerate(typos, start=1)]
    assert all("bad_tube_code" in rules for rules in broken(MANIFEST, *rows))
