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
# What XML 1.0 cannot hold; a cell with it would make a workbook that nobody can open.
_UNWRITABLE = {code: "\ufffd" for code in (*range(32), 0xFFFE, 0xFFFF) if code not in (9, 10, 13)}


def workbook(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """An XLSX of one sheet: headings that stay in sight, then `rows` of text cells, formulas defused as in our CSV files."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
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


def _cell(sheet: object, text: str, *, bold: bool = False) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, value=text)
    # Not what openpyxl takes it for: '=1+1' is a text too.
    cell.data_type, cell.number_format = _TEXT, _TEXT_FORMAT
    if bold:
        cell.font = Font(bold=True)
    return cell
