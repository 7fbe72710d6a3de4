"""Lists as workbooks: every cell is text, so that a code keeps its zeros and nothing is calculated."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from pipeline.quality.rejects import defuse

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TEXT, _TEXT_FORMAT = "s", "@"
_WIDEST = 40
# A code is longer than its heading.
_ROOM = 10
# Of a spreadsheet's own rules.
_LONGEST_TITLE = 31
# What XML 1.0 cannot hold; a cell with it would make a workbook that nobody can open.
_UNWRITABLE = {code: "\ufffd" for code in (*range(32), 0xFFFE, 0xFFFF) if code not in (9, 10, 13)}


def workbook(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """An XLSX of one sheet: headings that stay in sight, then `rows` of text cells, formulas defused as in our CSV files."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:_LONGEST_TITLE])
    cells = [[defuse(cell.translate(_UNWRITABLE)) for cell in row] for row in rows]
    for place, heading in enumerate(columns):
        widest = max([len(heading), *(len(row[place]) for row in cells)])
        sheet.column_dimensions[get_column_letter(place + 1)].width = min(widest + 2, _WIDEST)
    sheet.freeze_panes = "A2"
    sheet.append([_cell(sheet, heading, bold=True) for heading in columns])
    for row in cells:
        sheet.append([_cell(sheet, cell) for cell in row])
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def template(title: str, headings: Sequence[str], guide: str, explained: Sequence[tuple[str, str]]) -> bytes:
    """An XLSX to be filled in: a sheet of `headings`, whose columns are text whatever is typed there, and the sheet `guide` of headings
    with what belongs under each."""
    book = Workbook(write_only=True)
    empty = book.create_sheet(title[:_LONGEST_TITLE])
    for place, heading in enumerate(headings):
        column = empty.column_dimensions[get_column_letter(place + 1)]
        column.width, column.number_format = len(heading) + _ROOM, _TEXT_FORMAT
    empty.freeze_panes = "A2"
    empty.append([_cell(empty, heading, bold=True) for heading in headings])
    told = book.create_sheet(guide[:_LONGEST_TITLE])
    told.column_dimensions["A"].width, told.column_dimensions["B"].width = _WIDEST, 3 * _WIDEST
    for heading, what in explained:
        told.append([_cell(told, heading, bold=True), _cell(told, what)])
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _cell(sheet: object, text: str, *, bold: bool = False) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=text)
    # Not what openpyxl takes it for: '=1+1' is a text too.
    cell.data_type, cell.number_format = _TEXT, _TEXT_FORMAT
    if bold:
        cell.font = Font(bold=True)
    return cell
