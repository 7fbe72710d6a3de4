"""A delimited text as a table of texts: heading line, cells, and for every row its number as a spreadsheet shows it.

Row numbers: the heading is row 1, a `sep=;` line counts as none, a blank line counts as one (and is no row of data), a quoted line
break starts none. A row with too few or too many cells is ragged. So is a last line without its line end, unless nobody reads its last
cell: nothing shows that it was not cut ("neg" of "negative", tube 12 of tube 123; a closing quotation mark may be half of a doubled
one), and a result that may be another's is worse than a row sent back.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from pipeline.errors import FileRefused
from pipeline.intake.readers.count import MAX_CELL, QuotingBroken, count_rows

# Spreadsheets write this line to declare the delimiter.
_SEPARATOR_LINE = re.compile(rb'"?sep=([,;|\t])"?\r?\n', re.IGNORECASE)
# A row must fit into two blocks. Larger blocks are no faster: they outgrow the processor's cache.
_BLOCK = 1 << 18
FIRST_ROW = 2
ROW_COUNTS_DIFFER = "row_counts_differ"
# More than this is no heading but a stray mark.
_HEADING_LINES = 32


@dataclass(frozen=True)
class Frame:
    """Where a text's heading line and body are, in bytes. `delimiter` is '' unless a `sep=` line declares one; `titles` stand above."""

    heading: bytes
    body_start: int
    delimiter: str
    titles: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """The cells of the columns that were asked for, by position; `row_no` numbers their rows, `ragged` those that have none."""

    cells: dict[int, pa.StringArray]
    row_no: npt.NDArray[np.int64]
    ragged: npt.NDArray[np.int64]


def frame(utf8: bytes, titles: int = 0) -> Frame:
    """`titles`: how many rows to pass over before the heading line."""
    declared = _SEPARATOR_LINE.match(utf8)
    start = declared.end() if declared else 0
    above = []
    for _ in range(titles):
        end = _heading_end(utf8, start)
        above.append(utf8[start:end])
        start = end
    end = _heading_end(utf8, start)
    return Frame(utf8[start:end], end, declared[1].decode() if declared else "", tuple(above))


def headings(line: bytes, delimiter: str) -> list[str]:
    """The heading line's cells as sent. A line that is no CSV gives its text as one heading, which no profile knows."""
    csv.field_size_limit(MAX_CELL)
    try:
        return next(csv.reader(io.StringIO(line.decode(), newline=""), delimiter=delimiter, strict=True), [])
    except csv.Error:
        return [line.decode()]


def parse(body: bytes, name: str, delimiter: str, width: int, wanted: Sequence[int], *, last_is_read: bool, above: int = 0) -> Sheet:
    """Read the columns at positions `wanted` of a body of `width` columns. `last_is_read`: somebody uses the last one, so a cut matters.
    `above`: how many rows stand above the heading.

    Raises FileRefused (row_counts_differ, quoting_broken, too_large).
    """
    if not body:
        return Sheet({place: pa.array([], pa.string()) for place in wanted}, np.arange(0), np.arange(0))
    try:
        counted = count_rows(body, delimiter)
    except QuotingBroken:
        sentence = f"{name} has a quotation mark that is not closed or stands where none may be: mend it and send the file again."
        raise FileRefused("quoting_broken", sentence, file=name) from None
    table, ragged = _read(body, name, delimiter, width, wanted)
    if counted != table.num_rows + len(ragged):
        sentence = f"{name} has {counted} rows by one count and {table.num_rows + len(ragged)} by another: save it as CSV UTF-8 again."
        raise FileRefused(ROW_COUNTS_DIFFER, sentence, file=name)
    first = FIRST_ROW + above
    row_no = np.delete(np.arange(counted), ragged - 1) + first
    cells = {place: _one_array(table.column(index)) for index, place in enumerate(wanted)}
    sheet = Sheet(cells, row_no, ragged - 1 + first)
    if body[-1] in b"\r\n" or not last_is_read:
        return sheet
    return _last_is_ragged(sheet, counted - 1 + first)


def _read(body: bytes, name: str, delimiter: str, width: int, wanted: Sequence[int]) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """The rows of the right width, and the numbers (from 1) of the others."""
    ragged: list[int] = []

    def note(row: pacsv.InvalidRow) -> str:
        ragged.append(row.number)
        return "skip"

    names = [str(place) for place in range(width)]
    try:
        table = pacsv.read_csv(
            pa.BufferReader(body),
            # Threads within a file lose the rows' numbers; files are read side by side instead.
            read_options=pacsv.ReadOptions(use_threads=False, column_names=names, block_size=_BLOCK),
            parse_options=pacsv.ParseOptions(
                delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=note
            ),
            convert_options=pacsv.ConvertOptions(
                check_utf8=False,
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
                column_types={str(place): pa.string() for place in wanted},
                include_columns=[str(place) for place in wanted],
            ),
        )
    except pa.ArrowInvalid:
        # All else that it could complain of is handled above: text, quoting and width.
        sentence = f"{name} has a row of more than {_BLOCK >> 10} KiB: a row must fit a person or a tube."
        raise FileRefused("too_large", sentence, file=name) from None
    return table, np.array(ragged, np.int64)


def _last_is_ragged(sheet: Sheet, last: int) -> Sheet:
    if not len(sheet.row_no) or sheet.row_no[-1] != last:
        return sheet
    cells = {place: cell.slice(0, len(cell) - 1) for place, cell in sheet.cells.items()}
    return Sheet(cells, sheet.row_no[:-1], np.append(sheet.ragged, last))


def _heading_end(utf8: bytes, start: int) -> int:
    """A quoted heading may hold a line break: while its marks are odd in number, the line goes on."""
    end = first = _line_end(utf8, start)
    for _ in range(_HEADING_LINES):
        if utf8.count(b'"', start, end) % 2 == 0:
            return end
        end = _line_end(utf8, end)
    return first


def _line_end(utf8: bytes, start: int) -> int:
    feed, back = utf8.find(b"\n", start), utf8.find(b"\r", start, start + _BLOCK)
    if back >= 0 and (feed < 0 or back < feed - 1):
        return back + 1
    return feed + 1 if feed >= 0 else len(utf8)


def _one_array(column: pa.ChunkedArray) -> pa.StringArray:
    # Most files are one block; `combine_chunks` would copy it.
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.array([], pa.string())])
