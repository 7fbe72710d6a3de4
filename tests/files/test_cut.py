"""Files cut at every byte: nothing but a reading or a refusal, and no row that was not sent."""

from __future__ import annotations

import pytest

from pipeline.formats import FormatProfile
from pipeline.intake.readers import Reading
from tests.files.kit import DATA, answered, book, needs_data, outcome, saved
from tests.files.test_exports import PROFILES
from tests.files.whole import ROWS, WHOLE

REAL = {
    "uk_lighthouse_garbage_row.csv": "uk_lighthouse",
    "uk_lighthouse_whitespace_header.csv": "uk_lighthouse",
    "genexpert_utf8_fixture_openelis.csv": "genexpert_csv",
}
# What a cut may take from a row that stays: a detail in a later line of its message, an empty cell read as such.
DETAILS = ("ct",)


def rows(found: Reading) -> dict[int, dict[str, str]]:
    """The rows without a problem, by number. A row that lacks its tube, its result or its time is the rules' to reject."""
    needed = [name for name in ("tube_code", "result", "tested_at", "collected_at") if name in found.table.column_names]
    if found.kind == "results":
        needed.remove("collected_at")
    kept = [row for row in found.table.to_pylist() if row["problem"] == "" and all(row[name] for name in needed)]
    return {row["row_no"]: {name: value for name, value in row.items() if name not in DETAILS} for row in kept}


def assert_only_what_was_sent(data: bytes, profiles: tuple[FormatProfile, ...]) -> None:
    whole = outcome(data, formats=profiles)
    assert isinstance(whole, Reading)
    sent = rows(whole)
    for length in range(len(data)):
        found = outcome(data[:length], formats=profiles)
        if isinstance(found, Reading):
            for number, row in rows(found).items():
                assert row == sent.get(number), (length, number)


@pytest.mark.parametrize("name", WHOLE)
def test_F05_cut_at_every_byte_a_file_gives_no_row_that_was_not_sent(name: str) -> None:
    assert_only_what_was_sent(*WHOLE[name])


@needs_data
@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_F05_a_real_file_cut_at_every_byte_gives_no_row_that_was_not_sent(name: str) -> None:
    assert_only_what_was_sent((DATA / "lab_exports" / name).read_bytes(), (PROFILES[REAL[name]],))


def test_F05_a_workbook_cut_at_any_byte_is_refused() -> None:
    data = saved(book(*ROWS))
    assert answered(data)
    assert [length for length in range(4, len(data)) if answered(data[:length])] == []


@needs_data
@pytest.mark.real_data
def test_F05_an_old_workbook_cut_at_any_byte_is_refused_or_whole() -> None:
    data = (DATA / "lab_exports/quantstudio_qs7_fixture_openelis.xls").read_bytes()
    whole = answered(data)
    assert whole
    for length in range(8, len(data), 3):
        found = answered(data[:length])
        assert found in ("", whole) or '"agree": false' in found, length
