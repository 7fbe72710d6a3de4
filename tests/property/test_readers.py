"""General rules of reading: whatever the cells, a file gives its rows back with their numbers, and a cut file no wrong row."""

from __future__ import annotations

import csv
import io
import unicodedata
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import FileRefused
from pipeline.formats import load_formats
from pipeline.intake.readers import Reader, raw_rows
from pipeline.intake.readers.count import QuotingBroken, count_rows
from pipeline.programme import load_programme

FORMATS = load_formats(load_programme("vietnam"))
READER = Reader(FORMATS)
HEADINGS = ["tube_code", "collected_at", "full_name", "address", "phone"]
# NUL is no text; lone surrogates cannot be written; whether the information separators are white space, libraries disagree.
CELLS = st.text(st.characters(exclude_characters="\x00\x1c\x1d\x1e\x1f", exclude_categories=["Cs"]), max_size=8) | st.text(
    '",;\n\r\t ab\u0301', max_size=6
)
ROWS = st.lists(st.lists(CELLS, min_size=0, max_size=6), min_size=1, max_size=8)


def _written(rows: list[list[str]], quoting: Literal[0, 1], line_end: str) -> bytes:
    sink = io.StringIO()
    csv.writer(sink, quoting=quoting, lineterminator=line_end).writerows([HEADINGS, *rows])
    return sink.getvalue().encode()


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS, st.sampled_from([(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\n")]))
def test_F19_rows_come_back_with_their_numbers_or_the_file_is_refused(rows: list[list[str]], dialect: tuple[Literal[0, 1], str]) -> None:
    # Not minimal quoting with LF: there Python's writer leaves a CR within a cell unquoted.
    data = _written(rows, *dialect)
    expected: dict[int, tuple[str, ...]] = {}
    for number, row in enumerate(rows, start=2):
        if len(row) not in (0, len(HEADINGS)):
            expected[number] = ("ragged_row", "", "", "", "")
        elif any(map(_clean, row)):
            expected[number] = ("", *(_clean(row[place]) for place in (0, 2, 3, 4)))
    try:
        table = READER.read(data, "a.csv", None).table
    except FileRefused as refused:
        assert refused.code == "header_only" and not expected
        return
    names = ("row_no", "problem", "tube_code", "full_name", "address", "phone")
    found = {row[0]: row[1:] for row in zip(*(table[name].to_pylist() for name in names), strict=True)}
    assert found == expected
    profile = next(one for one in FORMATS if one.name == "canonical_manifest")
    assert raw_rows(data, profile, expected)[1] == {number: rows[number - 2] for number in expected}


@settings(max_examples=500, deadline=None)
@given(st.text('ab",\n\r', max_size=24), st.booleans())
def test_F07_the_count_is_a_strict_parsers_count(text: str, quoted: bool) -> None:
    body = f'"{text}"' if quoted else text
    try:
        expected: int | None = sum(1 for _ in csv.reader(io.StringIO(body, newline=""), strict=True))
    except csv.Error:
        expected = None
    try:
        counted: int | None = count_rows(body.encode(), ",")
    except QuotingBroken:
        counted = None
    assert counted == expected


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_F19_any_bytes_are_read_or_refused_by_name(junk: bytes, with_heading: bool) -> None:
    data = ",".join(HEADINGS).encode() + b"\n" + junk if with_heading else junk
    try:
        assert READER.read(data, "a.csv", None).rows > 0
    except FileRefused as refused:
        assert "a.csv" in refused.message


WHOLE = {
    "plain": 'tube_code,collected_at,full_name,phone\nT12,2026-11-20,Đỗ Thị Ánh,0912345678\nT13,2026-11-20,"Lê, An",0912345679\n',
    "quoted last": 'tube_code,collected_at,phone,full_name\nT12,2026-11-20,0912345678,"Đỗ ""Ánh"""\nT13,2026-11-20,09,"Lê\nAn"\n',
    "unread last": "tube_code,collected_at,full_name,shoe size\nT12,2026-11-20,Ánh,42\nT13,2026-11-20,An,43\n",
    "results": "tube_code,tested_at,result\nT1,20/11/2026 8:05,âm tính\nT12,20/11/2026 8:05,not detected\nT13,20/11/2026 8:05,positive\n",
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", WHOLE)
def test_F05_a_file_cut_at_any_byte_gives_only_rows_of_the_whole_file(name: str, line_end: str, encoding: str) -> None:
    data = WHOLE[name].replace("\n", line_end).encode(encoding)
    whole = {row["row_no"]: row for row in READER.read(data, "a.csv", None).table.to_pylist()}
    assert all(row["problem"] == "" for row in whole.values())
    for end in range(len(data)):
        try:
            rows = READER.read(data[:end], "a.csv", None).table.to_pylist()
        except FileRefused:
            continue
        assert all(row == whole[row["row_no"]] for row in rows if row["problem"] == ""), f"cut at byte {end}"
