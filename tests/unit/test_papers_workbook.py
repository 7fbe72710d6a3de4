"""Workbooks read back by two engines: every cell is the text that was meant, and none is calculated."""

from __future__ import annotations

import io

import openpyxl
from python_calamine import CalamineWorkbook

from pipeline.papers.workbook import workbook

ROWS = [["007", "=1+1"], ["+84901234567", "@SUM(A1)"], ["1e5", "\x01\x0bđường"], ["-", "'quoted"]]
READ = [["007", "'=1+1"], ["+84901234567", "'@SUM(A1)"], ["1e5", "\ufffd\ufffdđường"], ["-", "'quoted"]]


def test_F16_every_cell_is_text_and_no_formula() -> None:
    data = workbook("worklist", ["code", "note"], ROWS)
    cells = list(openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows())
    assert {(cell.data_type, cell.number_format) for row in cells for cell in row} == {("s", "@")}
    assert [[cell.value for cell in row] for row in cells] == [["code", "note"], *READ]
    assert CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python() == [["code", "note"], *READ]


def test_an_empty_list_is_a_workbook_of_headings() -> None:
    data = workbook("worklist", ["code"], [])
    assert [[cell.value for cell in row] for row in openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows()] == [["code"]]
