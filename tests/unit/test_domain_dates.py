from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from pipeline.domain.dates import localise, overlap, rewrites, to_iso


@pytest.mark.parametrize(
    ("pattern", "text", "iso"),
    [
        ("yyyy-mm-dd", "2022-01-03", "2022-01-03"),
        ("yyyy-mm-dd hh:mm:ss", "2022-01-03 02:30:51", "2022-01-03T02:30:51"),
        ("yyyy-mm-ddThh:mm", "2022-01-03T02:30", "2022-01-03T02:30"),
        ("dd/mm/yyyy", "01/02/2026", "2026-02-01"),
        ("mm/dd/yyyy", "01/02/2026", "2026-01-02"),
        ("d/m/yyyy", "1/12/2026", "2026-12-01"),
        ("d/m/yyyy h:mm", "1/2/2026 7:05", "2026-02-01T07:05"),
        ("d/m/yyyy h:mm", "01/02/2026 17:05", "2026-02-01T17:05"),
        ("hh:mm dd.mm.yyyy", "17:05 01.02.2026", "2026-02-01T17:05"),
    ],
)
def test_rewrites(pattern: str, text: str, iso: str) -> None:
    assert to_iso(text, rewrites(pattern)) == iso


@pytest.mark.parametrize(
    "text", ["1/2/2026", "2026-02-01", "01/02/26", "01/02/2026 10:00", " 01/02/2026", "٠١/٠٢/٢٠٢٦", "46054", "", "01.02.2026"]
)
def test_F10_what_does_not_match_stays_as_it_is(text: str) -> None:
    assert to_iso(text, rewrites("dd/mm/yyyy")) == text


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("", "space only"),
        ("x", "space only"),
        ("%d/%m/%Y", "space only"),
        ("yyyy-mm-dd!", "space only"),
        ("yyyy", "and seconds"),
        ("dd/mm/yy", "space only"),
        ("dd/mm/yyyy hh", "and seconds"),
        ("dd/mm/yyyy ss:hh", "and seconds"),
        ("dd/mm/yyyy mm", "twice"),
        ("dd/dd/yyyy", "twice"),
        ("yyyy-mm-ddz", "^has an offset from UTC without a time"),
    ],
)
def test_patterns_that_are_none(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"{why}$"):
        rewrites(pattern)


def test_F10_day_first_and_month_first_cannot_both_be_declared() -> None:
    assert overlap(["dd/mm/yyyy", "mm/dd/yyyy"])
    assert overlap(["d/m/yyyy", "mm/dd/yyyy"])
    assert False is overlap(["dd/mm/yyyy", "yyyy-mm-dd", "dd-mm-yyyy", "dd/mm/yyyy hh:mm", "d/m/yyyy"])


HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("2026-11-12T14:00:00+0700", "2026-11-12T14:00:00"), ("2026-11-12T07:00:00Z", "2026-11-12T14:00:00"),
        ("2026-11-12T07:00UTC", "2026-11-12T14:00:00"), ("2026-11-12T07:00:30GMT", "2026-11-12T14:00:30"),
        ("2026-11-12T23:30:00+00:00", "2026-11-13T06:30:00"), ("2026-11-12T02:00:00-05:00", "2026-11-12T14:00:00"),
    ],
)  # fmt: skip
def test_a_time_with_an_offset_becomes_the_programme_s(text: str, local: str) -> None:
    assert localise(text, HANOI) == local
    assert localise(text, None) == text


@pytest.mark.parametrize(
    "text",
    ["", "x", "2026-11-12", "2026-11-12T14:00:00", "2026-13-12T14:00:00Z", "2026-11-12T25:00:00Z", "2026-11-12T14:00:00PST",
     "2026-11-12T14:00:00+07:00 ", "2026-11-12T14:00:00ZX", "2026-11-12 14:00:00Z"],
)  # fmt: skip
def test_what_is_no_time_with_an_offset_stays_as_it_is(text: str) -> None:
    assert localise(text, HANOI) == text
