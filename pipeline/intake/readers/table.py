"""From a file that is no delimited text to the one table in it that a profile reads. One reader for each content."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from pipeline.domain.names import fold_key
from pipeline.domain.words import Content, FileKind
from pipeline.errors import FileRefused
from pipeline.formats import FormatProfile, Plate
from pipeline.intake.readers.blocks import blocks
from pipeline.intake.readers.canonical import second_heading
from pipeline.intake.readers.content import content_of
from pipeline.intake.readers.grid import Grid, not_typed
from pipeline.intake.readers.merged import filled_down
from pipeline.intake.readers.messages import messages
from pipeline.intake.readers.recognise import Plan, Recogniser, best, unknown
from pipeline.intake.readers.sections import sections
from pipeline.intake.readers.sheet import headings, parse
from pipeline.intake.readers.wells import HEADINGS, as_tubes
from pipeline.intake.readers.workbook import refused, worksheets
from pipeline.intake.workbook_child.faults import WorkbookFault

NUMBER_AS_CODE = "number_as_code"
# What tells tubes, people and plates apart: as a number it may have lost its zeros or its end.
CODES = ("tube_code", "specimen_code", "replaces_tube", "person_code", "citizen_id", "plate_code")


@dataclass(frozen=True)
class Found:
    """A table and how it is read: `at` is the index of its heading row, `problems` what is already wrong with rows, by number."""

    grid: Grid
    at: int
    plan: Plan
    problems: Mapping[int, str] = field(default_factory=dict)

    def rows(self, numbers: Collection[int]) -> dict[int, list[str]]:
        wanted = frozenset(numbers)
        return {number: list(row) for number, row in zip(self.grid.numbers, self.grid.rows, strict=True) if number in wanted}


def find_table(recogniser: Recogniser, data: bytes, content: Content, name: str, kind_hint: FileKind | None) -> Found:
    """Raises FileRefused."""
    grids = grids_of(data, content, name)
    if not any(grid.rows for grid in grids):
        raise FileRefused("empty", f"{name} is empty: send it again with a heading line and at least one row.", file=name)
    found = [((grid, at), plan) for grid in grids for at, plan in recogniser.plans_of(grid, content, kind_hint)]
    if not found:
        others = kind_hint and any(recogniser.plans_of(grid, content, None) for grid in grids)
        raise unknown(name, kind_hint if others else None)
    if not all(grid.visible for (grid, _), _ in found):
        raise refused(WorkbookFault.HIDDEN, name)
    if len({grid.sheet for (grid, _), _ in found}) > 1:
        raise refused(WorkbookFault.SHEETS, name)
    (grid, at), plan = best(found, name)
    _refuse_doubtful(grid, plan, grids, name)
    besides = [one for one in grids if one is not grid]
    grid, merged = filled_down(grid, at, plan)
    if plan.profile.plate is None:
        return Found(grid, at, plan, merged)
    return _of_tubes(grid, at, plan.profile, plan.profile.plate, besides, merged, name)


def find_wells(body: bytes, name: str, plan: Plan, plate: Plate, titles: Sequence[bytes]) -> Found:
    """The tubes of a delimited text whose rows are wells of `plate`; `titles` are the lines above its headings. Raises FileRefused.

    Counted as any text. A ragged row, and a last one without its line end, is too wide here, and so the plate is not whole.
    """
    width = len(plan.headings)
    sheet = parse(body, name, plan.delimiter, width, range(width), last_is_read=True, above=len(titles))
    rows = dict(zip(sheet.row_no.tolist(), zip(*(sheet.cells[place].to_pylist() for place in range(width)), strict=True), strict=True))
    rows |= dict.fromkeys(sheet.ragged.tolist(), ("",) * width + ("...",))
    kept = sorted(number for number, cells in rows.items() if any(cell.strip() for cell in cells))
    if not kept:
        raise FileRefused("header_only", f"{name} has a heading line and no rows: send it again with its rows.", file=name)
    above = [headings(line, plan.delimiter) for line in titles]
    grid = Grid([*above, list(plan.headings), *(rows[number] for number in kept)], [*range(1, len(above) + 2), *kept])
    return _of_tubes(grid, len(above), plan.profile, plate, [], {}, name)


def _of_tubes(
    grid: Grid, at: int, profile: FormatProfile, plate: Plate, others: Sequence[Grid], merged: Mapping[int, str], name: str
) -> Found:
    own = grid.headings(at)
    for place in range(at + 1, len(grid.rows)):
        if grid.headings(place) == own:
            raise second_heading(name, grid.numbers[place])
    made, problems = as_tubes(grid, at, plate, only=profile.only, others=others, merged=merged)
    return Found(made, 0, Plan(profile, "", HEADINGS, profile.layout(HEADINGS)), problems)


def searchable(data: bytes, name: str) -> bytes:
    """The bytes in which a number stands as it was written: a workbook's cells, hidden ones too, unpacked; any other file as it is.

    A workbook that is refused is not opened, and so is given as it is.
    """
    if content_of(data) is not Content.WORKBOOK:
        return data
    try:
        return "\n".join(cell for grid in worksheets(data, name) for row in grid.rows for cell in row).encode()
    except FileRefused:
        return data


def numbers_as_codes(grid: Grid, at: int, plan: Plan) -> dict[int, str]:
    """Row number → `number_as_code:<column>` for the rows that have a number or a date where a code should be."""
    places = {place: column for column in CODES for place in plan.layout.sources.get(column, ())}
    return {number: f"{NUMBER_AS_CODE}:{places[place]}" for number, place in not_typed(grid, at, tuple(places)).items()}


def grids_of(data: bytes, content: Content, name: str) -> list[Grid]:
    """The tables that the file holds, whatever they are. Raises FileRefused."""
    match content:
        case Content.WORKBOOK:
            return worksheets(data, name)
        case Content.MESSAGES:
            return messages(data, name)
        case Content.BLOCKS:
            return blocks(data, name)
        case Content.SECTIONS:
            return sections(data, name)
        case Content.TEXT:
            raise AssertionError("delimited text has its own way")
        case _:
            assert_never(content)


def _refuse_doubtful(grid: Grid, plan: Plan, grids: list[Grid], name: str) -> None:
    if grid.hidden_rows:
        raise refused(WorkbookFault.HIDDEN, name)
    if grid.bare_formulas:
        raise refused(WorkbookFault.FORMULA, name)
    if not grid.agree:
        raise refused(WorkbookFault.COUNTS_DIFFER, name)
    ignored = plan.profile.ignored_sheets
    others = [one for one in grids if one is not grid and one.visible and one.rows]
    if "*" not in ignored and any(fold_key(one.sheet) not in ignored for one in others):
        raise refused(WorkbookFault.SHEETS, name)
