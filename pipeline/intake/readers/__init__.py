"""Read a received file: bytes in, one Arrow table in canonical columns out, or a refusal that says what to do.

Declared dialects only, all cells text. The way: decode → headings → profile → cells → canonical columns; one module each. What is no
delimited text (`content`) becomes a grid first, by a reader of its own, and goes on from its headings.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.domain.words import Content, FileKind
from pipeline.errors import FileRefused
from pipeline.formats import FormatProfile
from pipeline.intake.readers.canonical import Meaning, canonical, clean, meaning, refuse_second_heading, with_problems
from pipeline.intake.readers.content import content_of
from pipeline.intake.readers.count import MAX_CELL
from pipeline.intake.readers.grid import as_sheet
from pipeline.intake.readers.members import PER_ROW, spread
from pipeline.intake.readers.recognise import Plan, Recogniser
from pipeline.intake.readers.sheet import FIRST_ROW, ROW_COUNTS_DIFFER, Sheet, parse
from pipeline.intake.readers.table import Found, find_table, find_wells, numbers_as_codes, searchable
from pipeline.intake.workbook_child.faults import WorkbookFault

__all__ = ["COUNTS_DIFFER", "Reader", "Reading", "raw_rows", "read", "read_many", "searchable"]

# Two readings of one file gave two counts: nothing says that the sender could mend it.
COUNTS_DIFFER = frozenset({ROW_COUNTS_DIFFER, WorkbookFault.COUNTS_DIFFER.value})


@dataclass(frozen=True)
class Reading:
    """A file as rows.

    `table` has row_no (int32), problem ('' or a rule's code, some with ':' and a column) and the kind's columns (text).
    `rows` counts them all, ragged ones included, blank lines not. `unknown_headings` are those that the profile neither reads nor ignores.
    """

    kind: FileKind
    profile_name: str
    table: pa.Table
    rows: int
    unknown_headings: tuple[str, ...]
    per_row: int = 1

    def sender_row(self, row_no: int) -> int:
        """The row that the sender finds under `row_no`: where a row names several people, each has a number of their own."""
        return row_no // self.per_row


class Reader:
    """Reads files of the given formats; remembers heading lines and dates from file to file. Safe to share by threads."""

    def __init__(self, formats: Sequence[FormatProfile]) -> None:
        self._recogniser = Recogniser(tuple(formats))
        self._meanings: dict[str, Meaning] = {profile.name: meaning(profile) for profile in formats}

    def read(self, data: bytes, name: str, kind_hint: FileKind | None) -> Reading:
        """Raises FileRefused; its code is one of texts/reasons: empty, header_only, doubled_header, unknown_format, ambiguous_format,
        not_text, not_utf8, too_large, quoting_broken, one of COUNTS_DIFFER, or a WorkbookFault."""
        if (content := content_of(data)) is not Content.TEXT:
            return self._read_table(find_table(self._recogniser, data, content, name, kind_hint), name)
        text, at, plan = self._recogniser.open(data, name, kind_hint)
        body, above = text.utf8[at.body_start :], len(at.titles)
        if (plate := plan.profile.plate) is not None:
            return self._read_table(find_wells(body, name, plan, plate, at.titles), name)
        sheet = _parsed(body, name, plan, _read_places(plan), text.plain, above)
        if (blank := _blank_rows(sheet)) is not None:
            sheet = _without_blank(sheet, blank, body, name, plan, text.plain, above)
        return self._reading(sheet, plan, name)

    def _read_table(self, found: Found, name: str) -> Reading:
        """Rows that are not blank come with it; text in columns that nobody reads counts as a row, as in delimited text."""
        sheet = as_sheet(found.grid, found.at, len(found.plan.headings), _read_places(found.plan))
        cells = {place: clean(column, plain=False) for place, column in sheet.cells.items()}
        return self._reading(Sheet(cells, sheet.row_no, sheet.ragged), found.plan, name, found)

    def _reading(self, sheet: Sheet, plan: Plan, name: str, found: Found | None = None) -> Reading:
        if not len(sheet.row_no) + len(sheet.ragged):
            raise FileRefused("header_only", f"{name} has a heading line and no rows: send it again with its rows.", file=name)
        refuse_second_heading(sheet, plan, name)
        table = canonical(sheet, plan, self._meanings[plan.profile.name])
        if found is not None:
            table = with_problems(table, {**numbers_as_codes(found.grid, found.at, plan), **found.problems})
        if plan.profile.members:
            table = spread(table, plan.profile.members, name)
        per_row = PER_ROW if plan.profile.members else 1
        return Reading(plan.profile.kind, plan.profile.name, table, table.num_rows, plan.layout.unknown, per_row)


def read(data: bytes, name: str, kind_hint: FileKind | None, formats: Sequence[FormatProfile]) -> Reading:
    """`Reader.read` for one file."""
    return Reader(formats).read(data, name, kind_hint)


def read_many(
    items: Iterable[tuple[bytes, str, FileKind | None]], formats: Sequence[FormatProfile], threads: int = 2
) -> list[Reading | FileRefused]:
    """Read (data, name, kind_hint) items side by side; in order, a refusal in the place of its file. Other errors are raised."""
    reader = Reader(formats)

    def one(item: tuple[bytes, str, FileKind | None]) -> Reading | FileRefused:
        try:
            return reader.read(*item)
        except FileRefused as refused:
            return refused

    with ThreadPoolExecutor(max_workers=threads) as pool:
        return list(pool.map(one, items))


def raw_rows(data: bytes, profile: FormatProfile, row_numbers: Collection[int]) -> tuple[list[str], dict[int, list[str]]]:
    """Headings and the rows with these numbers as the sender wrote them, for the rejects file. A file that `read` took by `profile`."""
    recogniser = Recogniser((profile,))
    if (content := content_of(data)) is not Content.TEXT:
        found = find_table(recogniser, data, content, "the file", None)
        return list(found.plan.headings), found.rows(row_numbers)
    text, at, plan = recogniser.open(data, "the file", None)
    if profile.plate is not None:
        found = find_wells(text.utf8[at.body_start :], "the file", plan, profile.plate, at.titles)
        return list(found.plan.headings), found.rows(row_numbers)
    csv.field_size_limit(MAX_CELL)
    body, first = text.utf8[at.body_start :], FIRST_ROW + len(at.titles)
    if b'"' not in body:
        # A line is a row, and the few that are wanted need not be looked for among the others.
        lines = body.splitlines()
        return list(plan.headings), {number: _cells(lines[number - first], plan.delimiter) for number in sorted(row_numbers)}
    rows = csv.reader(io.StringIO(body.decode(), newline=""), delimiter=plan.delimiter)
    wanted = frozenset(row_numbers)
    numbered = enumerate(islice(rows, max(max(wanted, default=1) - first + 1, 0)), start=first)
    return list(plan.headings), {number: cells for number, cells in numbered if number in wanted}


def _cells(line: bytes, delimiter: str) -> list[str]:
    return next(csv.reader([line.decode()], delimiter=delimiter), [])


def _parsed(body: bytes, name: str, plan: Plan, wanted: Sequence[int], plain: bool, above: int) -> Sheet:
    width = len(plan.headings)
    sheet = parse(body, name, plan.delimiter, width, wanted, last_is_read=width - 1 in _read_places(plan), above=above)
    return Sheet({place: clean(cells, plain) for place, cells in sheet.cells.items()}, sheet.row_no, sheet.ragged)


def _read_places(plan: Plan) -> list[int]:
    read = {place for places in plan.layout.sources.values() for place in places}
    return sorted(read | {place for place, _ in plan.layout.filters})


def _blank_rows(sheet: Sheet) -> pa.BooleanArray | None:
    """Which rows have nothing in any column at hand; None where no row is so."""
    blank: pa.BooleanArray | None = None
    for cells in sheet.cells.values():
        empty = pc.equal(pc.binary_length(cells), 0)
        blank = empty if blank is None else pc.and_(blank, empty)
        if not pc.any(blank).as_py():
            return None
    return blank


def _without_blank(sheet: Sheet, blank: pa.BooleanArray, body: bytes, name: str, plan: Plan, plain: bool, above: int) -> Sheet:
    """Blank lines are no rows of data. A row that has text only in columns that nobody reads is one, and must be counted."""
    everywhere = _blank_rows(_parsed(body, name, plan, range(len(plan.headings)), plain, above))
    if everywhere is not None:
        full = pc.invert(pc.and_(blank, everywhere))
        rows = np.asarray(full)
        return Sheet({place: cells.filter(full) for place, cells in sheet.cells.items()}, sheet.row_no[rows], sheet.ragged)
    return sheet
