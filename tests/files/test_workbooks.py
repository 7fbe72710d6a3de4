"""Workbooks: opened by a program of their own, counted twice, refused in words, and never repaired."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from openpyxl import Workbook

from pipeline.errors import FileRefused
from pipeline.intake.readers import Reading, raw_rows, read_many, searchable
from pipeline.intake.readers.content import content_of
from pipeline.intake.readers.grid import Grid
from pipeline.intake.readers.workbook import CHILD, worksheets
from pipeline.intake.workbook_child import xlsx_count
from pipeline.intake.workbook_child.__main__ import answer
from pipeline.intake.workbook_child.faults import UNPACKED_BYTES
from tests.files.kit import DATA, FORMATS, book, column, needs_data, outcome, saved

TABLE = tomllib.loads((Path(__file__).parent / "workbooks.toml").read_text("utf-8"))
HEADINGS = ["Mã ống", "Ngày lấy mẫu", "Họ và tên", "Ngày sinh", "Số điện thoại", "Số CCCD"]
TAKEN, BORN = dt.datetime(2026, 11, 12, 8, 30), dt.date(1980, 5, 17)
GOOD = ["TUBE01", TAKEN, "Nguyễn Thị Ánh", BORN, "0912 345 678", "079180001234"]


def told(grids: list[Grid]) -> str:
    """A workbook as its line in workbooks.toml says it."""
    words = [
        f"{len(one.rows)}{f'h{one.hidden_rows}' if one.hidden_rows else ''}{f'f{one.bare_formulas}' if one.bare_formulas else ''}"
        f"{'' if one.agree else '!'}"
        for one in grids
    ]
    words = [word if one.visible else f"({word})" for word, one in zip(words, grids, strict=True)]
    cells = json.dumps([[list(one.rows), list(one.numbers), list(one.kinds)] for one in grids])
    return " ".join([*words, hashlib.sha256(cells.encode()).hexdigest()[:8]])


def fate(data: bytes) -> str:
    if content_of(data) != "workbook":
        return "no workbook"
    try:
        return told(worksheets(data, "a.xlsx"))
    except FileRefused as refused:
        return refused.code


@needs_data
@pytest.mark.real_data
def test_F04_F14_F15_F20_every_workbook_ends_as_tabled() -> None:
    folders = [DATA / "corpora/calamine", DATA / "corpora/own-traps", DATA / "lab_exports"]
    files = {path.name: path for folder in folders for path in folder.iterdir() if path.name in TABLE}
    assert files.keys() == TABLE.keys()
    assert sum(1 for path in folders[0].iterdir() if path.suffix != ".md") == sum(1 for path in files.values() if path.parent == folders[0])
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(files, pool.map(lambda path: fate(path.read_bytes()), files.values()), strict=True))
    assert found == TABLE


@needs_data
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "row", "cells"),
    [
        ("date_1904.xlsx", 1, ["2021-01-01", "15"]),
        ("date.xls", 1, ["2021-01-01", "15"]),
        ("strict_iso_paths.xlsx", 2, ["150-031260-001_B", "1.5"]),
        ("errors.xlsx", 1, ["#DIV/0!"]),
        ("no-header.xlsx", 3, ["a", "0"]),
        ("temperature-in-middle.xlsx", 5, ["", "celsius", "22.2222"]),
    ],
)
def test_F20_cells_keep_their_place_and_are_as_they_are_shown(name: str, row: int, cells: list[str]) -> None:
    (grid, *_) = worksheets((DATA / "corpora/calamine" / name).read_bytes(), name)
    assert list(grid.rows[list(grid.numbers).index(row)])[: len(cells)] == cells


def test_F04_a_list_as_a_workbook_is_read_as_the_same_list_in_text() -> None:
    reading = outcome(saved(book(HEADINGS, GOOD)), "danh sách.csv")
    assert isinstance(reading, Reading)
    assert (reading.profile_name, reading.rows) == ("canonical_manifest", 1)
    assert reading.table.to_pylist()[0] == {
        "row_no": 2,
        "problem": "",
        "tube_code": "TUBE01",
        "collected_at": "2026-11-12T08:30",
        "full_name": "Nguyễn Thị Ánh",
        "birth_date": "1980-05-17",
        "phone": "0912 345 678",
        "citizen_id": "079180001234",
    } | dict.fromkeys(("sex", "address", "person_code", "pool_size", "specimen_code", "replaces_tube", "pooling_mode", "site_code"), "")


@pytest.mark.parametrize(
    ("cell", "place", "problem"),
    [
        (123456789012345, 0, "number_as_code:tube_code"),
        (1e20, 0, "number_as_code:tube_code"),
        (12.0, 0, "number_as_code:tube_code"),
        (dt.date(2026, 3, 17), 0, "number_as_code:tube_code"),
        (True, 0, "number_as_code:tube_code"),
        (79180001234, 5, "number_as_code:citizen_id"),
        ("079180001234", 5, ""),
        (None, 5, ""),
        (1980, 3, ""),
    ],
)
def test_F08_a_number_or_a_date_in_a_code_column_is_a_reject_with_its_place(cell: object, place: int, problem: str) -> None:
    row = [*GOOD[:place], cell, *GOOD[place + 1 :]]
    assert column(outcome(saved(book(HEADINGS, GOOD, row))), "problem") == ["", problem]


def test_F10_a_date_cell_is_unambiguous_and_a_year_alone_stays_one() -> None:
    rows = [[*GOOD[:3], born, *GOOD[4:]] for born in (dt.date(1980, 2, 1), 1980, "1/2/1980", 29252.5)]
    assert column(outcome(saved(book(HEADINGS, *rows))), "birth_date") == ["1980-02-01", "1980", "1980-02-01", "29252.5"]


def test_row_numbers_are_the_sender_s_and_titles_above_the_headings_are_passed_over() -> None:
    made = book(["DANH SÁCH LẤY MẪU"], ["Đội:", "Đội A"], [], HEADINGS, GOOD, [], ["TUBE02", *GOOD[1:]])
    made.active.merge_cells("A1:F1")
    reading = outcome(saved(made))
    assert column(reading, "row_no") == [5, 7]
    assert isinstance(reading, Reading)


def test_F03_titles_are_at_most_ten_rows_and_no_row_of_data_is_taken_for_one() -> None:
    assert outcome(saved(book(*[["Tiêu đề"]] * 11, HEADINGS, GOOD))) == "unknown_format"
    assert outcome(saved(book(GOOD, HEADINGS, GOOD))) == "unknown_format"
    assert outcome(saved(book(HEADINGS))) == "header_only"
    assert outcome(saved(book())) == "empty"


def test_F07_a_row_wider_than_the_headings_is_ragged() -> None:
    assert column(outcome(saved(book(HEADINGS, GOOD, [*GOOD, "?"]))), "problem") == ["", "ragged_row"]


def _hide_row(made: Workbook) -> None:
    made.active.row_dimensions[2].hidden = True


def _hidden_table(made: Workbook) -> None:
    other = made.create_sheet("Cũ")
    other.append(HEADINGS)
    other.append(GOOD)
    other.sheet_state = "hidden"


def _hidden_choices(made: Workbook) -> None:
    other = made.create_sheet("Chọn")
    other.append(["Nam"])
    other.sheet_state = "veryHidden"


def _second_table(made: Workbook) -> None:
    other = made.create_sheet("Đội B")
    other.append(HEADINGS)
    other.append(GOOD)


def _second_text(made: Workbook) -> None:
    made.create_sheet("Trang 2").append(["TUBE09", "còn một người nữa"])


def _instructions(made: Workbook) -> None:
    made.create_sheet("Hướng dẫn").append(["Điền mỗi người một dòng"])


def _formula(made: Workbook) -> None:
    made.active["A3"] = '="TUBE"&"02"'


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_hide_row, "workbook_hidden"),
        (_hidden_table, "workbook_hidden"),
        (_hidden_choices, None),
        (_second_table, "workbook_sheets"),
        (_second_text, "workbook_sheets"),
        (_instructions, None),
        (_formula, "workbook_formula"),
    ],
)
def test_F04_what_the_sender_does_not_see_is_never_read_nor_lost(change: Callable[[Workbook], None], expected: str | None) -> None:
    made = book(HEADINGS, GOOD)
    change(made)
    found = outcome(saved(made))
    assert (found if isinstance(found, str) else None) == expected


MEMBERS = [[f"TUBE0{tube}" if first else None, TAKEN, f"Người Số {tube}{member}", BORN, "0912 345 678", ""]
           for tube in (1, 2) for member, first in enumerate((True, False, False))]  # fmt: skip


def merged(*ranges: str, sheet: Callable[[Workbook], None] = lambda made: None) -> Reading | str:
    """Two tubes of three people, the tube's code in the first row of each, and these ranges merged. Rows 3 to 8 below a title."""
    made = book(["DANH SÁCH"], HEADINGS, *MEMBERS)
    sheet(made)
    for one in ranges:
        made.active.merge_cells(one)
    return outcome(saved(made))


def test_F04_a_tube_s_cell_merged_over_its_members_is_each_one_s() -> None:
    found = merged("A1:F1", "A3:A5", "A6:A8")
    assert column(found, "tube_code") == ["TUBE01"] * 3 + ["TUBE02"] * 3
    assert column(found, "problem") == [""] * 6
    (manifest,) = [one for one in FORMATS if one.name == "canonical_manifest"]
    made = book(HEADINGS, *MEMBERS[:3])
    made.active.merge_cells("A2:A4")
    assert raw_rows(saved(made), manifest, [4])[1][4][0] == "TUBE01"
    # Without the merge, a blank is a blank.
    assert column(merged("A3:A5"), "tube_code") == ["TUBE01"] * 3 + ["TUBE02", "", ""]


@pytest.mark.parametrize(
    ("ranges", "problems"),
    [
        (["B3:B5"], ["merged_cells:collected_at"] * 3 + [""] * 3),
        (["A3:B5"], ["merged_cells:tube_code"] * 3 + [""] * 3),
        (["C4:D4"], ["", "merged_cells:full_name", *[""] * 4]),
        (["A2:A3"], ["merged_cells:tube_code", *[""] * 5]),
        (["A4:A5"], ["", *["merged_cells:tube_code"] * 2, *[""] * 3]),
        (["H4:H5"], ["", *["merged_cells:problem"] * 2, *[""] * 3]),
        (["A3:A5", "E4:E8"], ["", *["merged_cells:phone"] * 5]),
        (["A3:A5", "A5:A8"], [""] * 2 + ["merged_cells:tube_code"] * 4),
        (["A3:A8"], ["merged_cells:tube_code"] * 6),
        (["A5:A6"], [*[""] * 2, *["merged_cells:tube_code"] * 2, *[""] * 2]),
        (["A9:A12"], [""] * 6),
    ],
)
def test_F04_any_other_merge_among_the_rows_is_a_problem_of_each_row_with_its_place(ranges: list[str], problems: list[str]) -> None:
    """TUBE02 stands in row 6: a range over both tubes hides it, so nobody is put into TUBE01 by it."""

    data = saved(book(["DANH SÁCH"], HEADINGS, *MEMBERS))
    # Written by hand: openpyxl empties the cells that a range covers.
    cells = "".join(f'<mergeCell ref="{one}"/>' for one in ranges)
    data = repacked(data, _sheet(b"</sheetData>", f'</sheetData><mergeCells count="{len(ranges)}">{cells}</mergeCells>'.encode()))
    assert column(outcome(data), "problem") == problems


def test_F04_a_merged_tube_that_is_a_number_is_one_in_every_row() -> None:
    def number(made: Workbook) -> None:
        made.active["A3"] = 12

    assert column(merged("A3:A5", sheet=number), "problem") == ["number_as_code:tube_code"] * 3 + [""] * 3


def test_F04_a_result_s_tube_is_its_own_row_s() -> None:
    made = book(["Mã ống", "Kết quả", "Ngày xét nghiệm"], ["TUBE01", "Âm tính", TAKEN], [None, "Dương tính", TAKEN])
    made.active.merge_cells("A2:A3")
    found = outcome(saved(made))
    assert column(found, "problem") == ["merged_cells:tube_code"] * 2 and column(found, "tube_code") == ["TUBE01", ""]


def test_F04_two_readers_of_other_ranges_do_not_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    made = book(HEADINGS, *MEMBERS[:3])
    made.active.merge_cells("A2:A4")
    assert '"agree": true, "merged": [[2, 0, 4, 0]]' in answer(saved(made))
    monkeypatch.setattr(xlsx_count._Cells, "_merge", lambda *_: None)
    assert '"agree": false' in answer(saved(made))


def test_F13_a_hundred_thousand_ranges_over_all_rows_end_in_bounded_time() -> None:
    cells = "".join(f'<mergeCell ref="A{row}:A1048576"/>' for row in range(3, 90_000)).encode()
    data = repacked(saved(book(HEADINGS, *[GOOD] * 500)), _sheet(b"</sheetData>", b"</sheetData><mergeCells>" + cells + b"</mergeCells>"))
    began = time.monotonic()
    assert column(outcome(data), "problem") == ["", *["merged_cells:tube_code"] * 499]
    assert time.monotonic() - began < 30


def repacked(data: bytes, change: Callable[[str, bytes], bytes | None] = lambda name, part: part, **more: bytes) -> bytes:
    """The workbook's zip again, its parts changed or (None) left out, and with `more` parts (`__` stands for `/`, `_DOT_` for `.`)."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if (part := change(name, old.read(name))) is not None:
                new.writestr(name, part)
        for name, part in more.items():
            new.writestr(name.replace("__", "/").replace("_DOT_", "."), part)
    return sink.getvalue()


def _sheet(old: bytes, new: bytes) -> Callable[[str, bytes], bytes]:
    return lambda name, part: part.replace(old, new) if "worksheets/sheet1" in name else part


PLAIN = saved(book(HEADINGS, GOOD))
DOCTYPE = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]><worksheet'
EXTERNAL = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><worksheet'


def _part(name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(PLAIN)) as package:
        return package.read(name)


def _saying(data: bytes, unpacked: int) -> bytes:
    """The directory says of the sheet that it unpacks to so many bytes."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        size = package.getinfo("xl/worksheets/sheet1.xml").file_size
    return data.replace(size.to_bytes(4, "little"), unpacked.to_bytes(4, "little"))


def _bomb() -> bytes:
    zeros = b"<row><c><v>1</v></c></row>" * 80_000
    return repacked(PLAIN, _sheet(b"</sheetData>", zeros + b"</sheetData>"))


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "macro": (lambda: repacked(PLAIN, xl__vbaProject_DOT_bin=b"\xd0\xcf"), "workbook_macros"),
    "bomb_by_ratio": (_bomb, "workbook_too_large"),
    "bomb_by_size": (lambda: _saying(PLAIN, UNPACKED_BYTES + 1), "workbook_too_large"),
    "entities": (lambda: repacked(PLAIN, _sheet(b"<worksheet", DOCTYPE)), "workbook_damaged"),
    "external_entity": (lambda: repacked(PLAIN, _sheet(b"<worksheet", EXTERNAL)), "workbook_damaged"),
    "merge_of_nothing": (lambda: repacked(PLAIN, _sheet(b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A"/></mergeCells>')), "workbook_damaged"),
    "no_xml": (lambda: repacked(PLAIN, _sheet(b"<worksheet", b"worksheet")), "workbook_damaged"),
    "bytes_after": (lambda: PLAIN + b"<script>alert(1)</script>", "workbook_damaged"),
    "two_zips": (lambda: PLAIN + PLAIN, "workbook_damaged"),
    "lying_size": (lambda: _saying(PLAIN, 300), "workbook_damaged"),
    "path_above": (lambda: repacked(PLAIN, **{"..__..__etc__passwd": b"x"}), "workbook_damaged"),
    "same_part_twice": (lambda: repacked(PLAIN, XL__workbook_DOT_xml=_part("xl/workbook.xml")), "workbook_damaged"),
    "no_workbook": (lambda: repacked(PLAIN, lambda name, part: None if name == "xl/workbook.xml" else part), "workbook"),
    "cut_in_the_middle": (lambda: PLAIN[: len(PLAIN) // 2], "workbook_damaged"),
    "cell_twice": (lambda: repacked(PLAIN, _sheet(b"</row></sheetData>", b'<c r="A2"><v>9</v></c></row></sheetData>')), "workbook_counts_differ"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_F13_F14_hostile_workbooks_are_refused_by_name_in_bounded_time(name: str) -> None:
    data, expected = HOSTILE[name][0](), HOSTILE[name][1]
    began = time.monotonic()
    assert outcome(data) == expected
    assert time.monotonic() - began < 30


CHILDREN = {
    "killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "workbook_too_large"),
    "aborted": ("import os; os.abort()", "workbook_unreadable"),
    "panicked": ("raise BaseException('rust')", "workbook_unreadable"),
    "hung": ("import time; time.sleep(60)", "workbook_unreadable"),
    "silent": ("", "workbook_unreadable"),
    "cut_short": ('print(\'{"sheet": "a"}\'); print(\'{"end": 1}\')', "workbook_unreadable"),
}


@pytest.mark.parametrize("name", CHILDREN)
def test_F15_the_child_s_death_is_the_file_s_refusal(tmp_path: Path, name: str) -> None:
    program, expected = CHILDREN[name]
    child = tmp_path / "child.py"
    child.write_text(program, encoding="utf-8")
    with pytest.raises(FileRefused) as refused:
        worksheets(PLAIN, "a.xlsx", child, wall_s=1 if name == "hung" else 30)
    assert refused.value.code == expected


def test_F15_what_takes_more_memory_than_allowed_ends_the_child_alone() -> None:
    """A sheet as large as the size limit lets through, with a row of 16,384 columns and one far below: a grid of 17 thousand million cells."""
    wide = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    assert outcome(repacked(PLAIN, _sheet(b"</sheetData>", wide))) in {"workbook_too_large", "workbook_unreadable"}


def test_the_child_is_told_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the environment, the master key least of all; and it imports nothing that is slow."""
    seen: dict[str, object] = {}
    real = subprocess.run

    def spy(*args: object, **options: object) -> object:
        seen.update(options)
        return real(*args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr("pipeline.intake.readers.workbook.subprocess.run", spy)
    worksheets(PLAIN, "a.xlsx")
    assert seen["env"] == {}
    loaded = real([sys.executable, "-I", "-X", "importtime", str(CHILD)], input=PLAIN, capture_output=True, check=True).stderr
    assert b"pyarrow" not in loaded and b"pipeline.intake.readers" not in loaded


def test_raw_rows_of_a_workbook_are_the_sender_s_with_their_numbers() -> None:
    data = saved(book(["Tiêu đề"], HEADINGS, GOOD, [12345, *GOOD[1:]]))
    (manifest,) = [one for one in FORMATS if one.name == "canonical_manifest"]
    headings, rows = raw_rows(data, manifest, [4])
    assert headings == HEADINGS
    assert rows == {4: ["12345", "2026-11-12T08:30", "Nguyễn Thị Ánh", "1980-05-17", "0912 345 678", "079180001234"]}


def test_titles_above_the_headings_of_a_text_are_passed_over_with_the_numbers_kept() -> None:
    text = "DANH SÁCH LẤY MẪU,,\n\nMã ống,Ngày lấy mẫu,Họ tên\nTUBE01,12/11/2026,An\nTUBE02,12/11/2026,Bình\n".encode()
    (manifest,) = [one for one in FORMATS if one.name == "canonical_manifest"]
    for data in (text, text.replace(b"An\n", b'"An"\n')):
        assert column(outcome(data), "row_no") == [4, 5]
        assert raw_rows(data, manifest, [5])[1] == {5: ["TUBE02", "12/11/2026", "Bình"]}
    assert outcome(text.replace(b"\n\n", b",x,y\n1,2,3\n")) == "unknown_format"


def test_a_person_is_looked_for_in_a_workbook_s_cells_also_where_nobody_reads_them() -> None:
    made = book(["x"], ["1"])
    made.create_sheet("y").append(["gọi 0912 345 678"])
    made["y"].sheet_state = "hidden"
    assert b"0912 345 678" in searchable(saved(made), "a.xlsx")
    assert searchable(PLAIN[:100], "a.xlsx") == PLAIN[:100] and searchable(b"a,b", "a.csv") == b"a,b"


def test_a_workbook_among_texts_is_one_answer_among_others() -> None:
    items = [(PLAIN, "a.xlsx", None), (b"x", "b.csv", None), (PLAIN[:100], "c.xlsx", None)]
    found = read_many(items, FORMATS)
    assert [one.code if isinstance(one, FileRefused) else one.rows for one in found] == [1, "unknown_format", "workbook_damaged"]
