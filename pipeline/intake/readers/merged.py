"""Merged cells among a worksheet's rows of data. Only the first cell of a range has a text; whether it is meant for the others, the sheet
says in one case alone: a list of people whose tube's cell is merged over the rows of its members."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace

from pipeline.domain.words import FileKind
from pipeline.intake.readers.grid import Grid
from pipeline.intake.readers.recognise import Plan

MERGED_CELLS = "merged_cells"


def filled_down(grid: Grid, at: int, plan: Plan) -> tuple[Grid, dict[int, str]]:
    """The grid with its merged tube cells filled down, where it is a manifest; and of every row under any other merge its number →
    `merged_cells:<column>` (`problem` where nobody reads that column)."""
    if not grid.merged:
        return grid, {}
    heading = grid.numbers[at]
    tube = plan.layout.sources.get("tube_code", ()) if plan.profile.kind is FileKind.MANIFEST else ()
    columns = {place: column for column, places in plan.layout.sources.items() for place in places}
    rows, kinds = [list(row) for row in grid.rows], [list(kind) for kind in grid.kinds]
    problems: dict[int, str] = {}
    # Ranges that overlap are no spreadsheet's. Each row is looked at once all the same, however many there are.
    told = filled = heading
    for top, left, bottom, right in grid.merged:
        is_tube = (left,) == (right,) == tube and top > filled
        span = range(bisect_left(grid.numbers, max(top, (filled if is_tube else told) + 1)), bisect_right(grid.numbers, bottom))
        filled = bottom if is_tube else filled
        if is_tube and _is_first_alone(grid, span, top, left):
            for place in span:
                _put(rows[place], left, rows[span[0]][left], "")
                _put(kinds[place], left, kinds[span[0]][left], ".")
            continue
        column = next((columns[place] for place in sorted(columns) if left <= place <= right), "problem")
        problems |= {grid.numbers[place]: f"{MERGED_CELLS}:{column}" for place in span}
        told = max(told, bottom)
    return replace(grid, rows=rows, kinds=["".join(kind) for kind in kinds]), problems


def _is_first_alone(grid: Grid, span: range, top: int, left: int) -> bool:
    """Whether the range's first cell has a text and those below it, which the sender does not see, have none."""
    filled = [place for place in span if left < len(grid.rows[place]) and grid.rows[place][left].strip()]
    return len(filled) == 1 and grid.numbers[filled[0]] == top


def _put(cells: list[str], place: int, text: str, blank: str) -> None:
    cells += [blank] * (place + 1 - len(cells))
    cells[place] = text
