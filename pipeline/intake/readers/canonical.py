"""From a sheet to the canonical columns: composed, stripped, dates in ISO, result words as calls. Vectorised: no Python a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.domain.columns import DATE_COLUMNS, columns_of
from pipeline.domain.dates import localise, to_iso
from pipeline.domain.names import fold_key
from pipeline.errors import FileRefused
from pipeline.formats import FormatProfile
from pipeline.intake.readers.recognise import Plan
from pipeline.intake.readers.sheet import Sheet

RAGGED = "ragged_row"
OTHER_TEST = "other_test"
_ISO = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?)?$"
# Days and minutes repeat within a file and from file to file.
_REMEMBERED = 1 << 17


@dataclass(frozen=True)
class Meaning:
    """What a profile makes of single cells. Each is asked once a distinct text, not once a row."""

    iso: Callable[[str], str]
    call: Callable[[str], str]
    reject_reason: Callable[[str], str]


def meaning(profile: FormatProfile) -> Meaning:
    """The profile's reading of dates, result words and reject reasons; what it does not know stays as it is, or '' for a call."""
    return Meaning(
        iso=lru_cache(_REMEMBERED)(lambda text: localise(to_iso(text, profile.date_rewrites), profile.zone)),
        call=lambda word: profile.call_of(word) or "",
        reject_reason=lambda word: profile.reject_reason_of(word) or word,
    )


def clean(cells: pa.StringArray, plain: bool) -> pa.StringArray:
    """Composed (NFC) and without white space around. A plain text needs ASCII's strip only, four times as fast."""
    if plain:
        return pc.ascii_trim_whitespace(cells)
    return pc.utf8_trim_whitespace(pc.utf8_normalize(cells, form="NFC"))


def refuse_second_heading(sheet: Sheet, plan: Plan, name: str) -> None:
    """Raises FileRefused (doubled_header) where a row repeats the headings: two files in one, or a heading line sent as data."""
    places = list(sheet.cells)
    rows = np.flatnonzero(pc.equal(sheet.cells[places[0]], plan.headings[places[0]]))
    for row in rows:
        if all(sheet.cells[place][row].as_py() == plan.headings[place] for place in places):
            raise second_heading(name, int(sheet.row_no[row]))


def second_heading(name: str, row: int) -> FileRefused:
    sentence = f"{name} has its heading line again in row {row}: send each table as a file of its own."
    return FileRefused("doubled_header", sentence, file=name, row=row)


def canonical(sheet: Sheet, plan: Plan, means: Meaning) -> pa.Table:
    """`row_no`, `problem` and the canonical columns of the plan's kind, in order of rows; ragged rows have empty cells."""
    count = len(sheet.row_no)
    columns: dict[str, pa.Array] = {}
    for column in columns_of(plan.profile.kind):
        columns[column] = _column(sheet, plan, column, count)
        if column in DATE_COLUMNS and column in plan.layout.sources:
            columns[column] = _iso(columns[column], means.iso)
        if column == "result":
            columns["call"] = _each_distinct(columns[column], means.call)
        if column == "reject_reason" and column in plan.layout.sources:
            columns[column] = _each_distinct(columns[column], means.reject_reason)
    table = pa.table({"row_no": pa.array(sheet.row_no.astype(np.int32)), "problem": _problem(sheet, plan, count), **columns})
    return _with_ragged(table, sheet) if len(sheet.ragged) else table


def _problem(sheet: Sheet, plan: Plan, count: int) -> pa.Array:
    """`other_test` where a cell says that the row is not of the programme's test."""
    problem = _same("", count)
    for place, words in plan.layout.filters:
        others = _each_distinct(sheet.cells[place], lambda text, words=words: "" if fold_key(text) in words else OTHER_TEST)  # type: ignore[misc]
        problem = pc.if_else(pc.equal(others, ""), problem, others)
    return problem


def with_problems(table: pa.Table, problems: Mapping[int, str]) -> pa.Table:
    """`problems`: row number → what the reader itself found wrong with the row. A ragged row stays ragged."""
    if not problems:
        return table
    pairs = zip(table["row_no"].to_pylist(), table["problem"].to_pylist(), strict=True)
    changed = pa.array([had or problems.get(number, "") for number, had in pairs], pa.string())
    return table.set_column(table.column_names.index("problem"), "problem", changed)


def _column(sheet: Sheet, plan: Plan, column: str, count: int) -> pa.Array:
    places = plan.layout.sources.get(column, ())
    if not places:
        return _same(plan.layout.constants.get(column, ""), count)
    if len(places) == 1:
        return sheet.cells[places[0]]
    return pc.ascii_trim_whitespace(pc.binary_join_element_wise(*(sheet.cells[place] for place in places), " "))


def _iso(column: pa.Array, iso: Callable[[str], str]) -> pa.Array:
    distinct = column.dictionary_encode()
    if pc.all(pc.match_substring_regex(distinct.dictionary, _ISO)).as_py() is not False:
        return column
    return _mapped(distinct, iso)


def _each_distinct(column: pa.Array, change: Callable[[str], str]) -> pa.Array:
    return _mapped(column.dictionary_encode(), change)


def _mapped(distinct: pa.DictionaryArray, change: Callable[[str], str]) -> pa.Array:
    changed = pa.array([change(text) for text in distinct.dictionary.to_pylist()], pa.string())
    return changed.take(distinct.indices)


def _same(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), count)


def _with_ragged(table: pa.Table, sheet: Sheet) -> pa.Table:
    count = len(sheet.ragged)
    empty = {name: _same("", count) for name in table.column_names}
    empty |= {"row_no": pa.array(sheet.ragged.astype(np.int32)), "problem": _same(RAGGED, count)}
    return pa.concat_tables([table, pa.table(empty)]).sort_by("row_no").combine_chunks()
