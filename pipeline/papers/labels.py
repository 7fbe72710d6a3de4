"""Tube labels: codes with their check character, as Code 128, QR and text, on sheets of labels as a PDF."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, islice
from pathlib import Path

from reportlab.graphics.barcode import code128
from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from pipeline.domain.tube_codes import has_check, with_check
from pipeline.errors import ActionNeeded, SettingsError
from pipeline.strict_toml import Table, read_table

SHEETS = Path(__file__).parent / "sheets.toml"
# In one document: a QR takes some 15 ms to make.
MOST = 1_000
# A number has at least six digits, and as many more as it needs.
DIGITS, LARGEST = 6, 10**9
A4 = (210.0, 297.0)
_MARGIN = 1.5
_TEXT = 3.0
# Modules of white around the QR; the label's own margin does the rest.
_QUIET = 2
# Of a bar, in millimetres, where the label has room for it: the GS1 minimum for what a hand scanner reads is 0.25.
_THINNEST, _WIDEST = 0.19, 0.33


@dataclass(frozen=True)
class Sheet:
    """One kind of sheet, in millimetres; see sheets.toml."""

    name: str
    columns: int
    rows: int
    width: float
    height: float
    left: float
    top: float
    across: float
    down: float
    qr: float

    @property
    def labels(self) -> int:
        return self.columns * self.rows

    def place(self, number: int) -> tuple[float, float]:
        """Left and bottom of the label `number` of a page, from the page's lower left corner."""
        row, column = divmod(number, self.columns)
        return self.left + column * self.across, A4[1] - self.top - row * self.down - self.height


@cache
def sheets(file: Path = SHEETS) -> Mapping[str, Sheet]:
    """All kinds by name. Raises SettingsError where one does not fit on its page."""
    table = read_table(file, SettingsError)
    found = {name: _sheet(name, table.table(name)) for name in list(table.values)}
    table.end()
    return found


def tube_codes(prefix: str, first: int, count: int) -> list[str]:
    """`count` codes of a programme, numbered from `first` on, each with its check character. Raises ActionNeeded."""
    if not prefix:
        raise ActionNeeded("This programme prints no tube codes of its own: it has no own_tube_prefix.")
    if not (1 <= count <= MOST and first > 0 and first + count <= LARGEST):
        raise ActionNeeded(f"Ask for 1 to {MOST:,} labels, numbered below {LARGEST:,}.")
    return [with_check(f"{prefix}{number:0{DIGITS}}") for number in range(first, first + count)]


def labels(codes: Sequence[str], sheet: Sheet, *, skip: int = 0) -> bytes:
    """A PDF of one label a code. skip: labels that are gone from the first sheet. The same codes give the same bytes.

    Raises ValueError for a code whose check character is wrong: it would come back as a reject.
    """
    if wrong := [code for code in codes if not has_check(code)]:
        raise ValueError(f"{len(wrong)} codes have no right check character")
    sink = io.BytesIO()
    canvas = Canvas(sink, pagesize=(A4[0] * mm, A4[1] * mm), invariant=1)
    canvas.setTitle("Tube labels")
    for page in _pages(codes, sheet, skip):
        for place, code in page:
            _draw(canvas, code, *sheet.place(place), sheet)
        canvas.showPage()
    canvas.save()
    return sink.getvalue()


def _pages(codes: Sequence[str], sheet: Sheet, skip: int) -> Iterator[list[tuple[int, str]]]:
    rest = iter(enumerate(codes, skip % sheet.labels))
    while some := list(islice(rest, sheet.labels)):
        yield from _by_page(some, sheet.labels)


def _by_page(some: Sequence[tuple[int, str]], labels_a_page: int) -> Iterator[list[tuple[int, str]]]:
    first = some[0][0] // labels_a_page
    for page in (first, first + 1):
        if on_it := [(place % labels_a_page, code) for place, code in some if place // labels_a_page == page]:
            yield on_it


def _draw(canvas: Canvas, code: str, left: float, bottom: float, sheet: Sheet) -> None:
    """QR at the left, bars at the right of it, the code in letters below the bars."""
    side = sheet.qr
    _square(canvas, code, (left + _MARGIN) * mm, (bottom + (sheet.height + side) / 2) * mm, side * mm)
    room = sheet.width - side - 3 * _MARGIN
    bars = code128.Code128(code, barWidth=1, barHeight=(sheet.height - 2 * _MARGIN - _TEXT - 1) * mm, quiet=False)
    bar = min(_WIDEST, room / bars.width)
    if bar < _THINNEST:
        raise ValueError(f"{code} has no room on a label of {sheet.name}")
    bars = code128.Code128(code, barWidth=bar * mm, barHeight=(sheet.height - 2 * _MARGIN - _TEXT - 1) * mm, quiet=False)
    middle = left + side + 2 * _MARGIN + room / 2
    bars.drawOn(canvas, middle * mm - bars.width / 2, (bottom + _MARGIN + _TEXT + 1) * mm)
    canvas.setFont("Courier-Bold", 8)
    canvas.drawCentredString(middle * mm, (bottom + _MARGIN) * mm, code)


def _square(canvas: Canvas, code: str, left: float, top: float, side: float) -> None:
    """The QR as one path of its dark runs: a rectangle a module takes a sheet's printer seconds, and us too."""
    qr = QRCode(None, QRErrorCorrectLevel.M)
    qr.addData(code)
    qr.make()
    modules = qr.getModuleCount()
    size = side / (modules + 2 * _QUIET)
    path = canvas.beginPath()
    for row in range(modules):
        column = 0
        for is_dark, run in groupby(qr.isDark(row, each) for each in range(modules)):
            length = len(list(run))
            if is_dark:
                path.rect(left + (column + _QUIET) * size, top - (row + 1 + _QUIET) * size, length * size, size)
            column += length
    canvas.drawPath(path, stroke=0, fill=1)


def _sheet(name: str, table: Table) -> Sheet:
    columns, rows = table.whole("columns"), table.whole("rows")
    sheet = Sheet(name, columns, rows, **{size: table.number(size) for size in ("width", "height", "left", "top", "across", "down", "qr")})
    table.end()
    right, bottom = sheet.place(sheet.labels - 1)
    if right + sheet.width > A4[0] or bottom < 0 or sheet.across < sheet.width or sheet.down < sheet.height:
        table.fail("width", "the labels do not fit beside each other on A4")
    return sheet
