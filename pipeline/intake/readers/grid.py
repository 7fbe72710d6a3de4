"""A table that did not come as delimited text: rows of text cells, each with the number under which its sender finds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.intake.readers.decode import nfc_strip
from pipeline.intake.readers.sheet import Sheet

# Kinds of workbook cells whose text is what was typed.
TEXT_KINDS = frozenset("t.")


@dataclass(frozen=True)
class Grid:
    """`rows` holds those that are not blank, headings among them; `numbers` (from 1) and `kinds` run beside it.

    `kinds` has a letter a cell (workbook_child), and is '' where all cells were text. The other fields are a worksheet's; `merged` has its
    ranges of merged cells in order: first row's number, first column (from 0), last row's, last column.
    """

    rows: Sequence[Sequence[str]]
    numbers: Sequence[int]
    kinds: Sequence[str] = ()
    sheet: str = ""
    visible: bool = True
    hidden_rows: int = 0
    bare_formulas: int = 0
    agree: bool = True
    merged: Sequence[Sequence[int]] = ()

    def headings(self, at: int) -> tuple[str, ...]:
        """The row at index `at` as headings, blank ones at its end left out."""
        cells = [nfc_strip(cell) for cell in self.rows[at]]
        while cells and not cells[-1]:
            cells.pop()
        return tuple(cells)


def is_title(cells: Sequence[str], width: int) -> bool:
    """Whether this row may stand above a heading of `width` cells: a title fills at most half of them."""
    return 2 * sum(1 for cell in cells if cell.strip()) <= max(width, 2)


def as_sheet(grid: Grid, at: int, width: int, wanted: Sequence[int]) -> Sheet:
    """The rows below the heading row at index `at`. A row with a cell beyond the headings is ragged; a short one ends in empty cells."""
    body = range(at + 1, len(grid.rows))
    ragged = [place for place in body if any(cell.strip() for cell in grid.rows[place][width:])]
    whole = [place for place in body if place not in set(ragged)] if ragged else list(body)
    cells = {
        column: pa.array([grid.rows[place][column] if column < len(grid.rows[place]) else "" for place in whole], pa.string())
        for column in wanted
    }
    numbers = np.array(grid.numbers, np.int64)
    return Sheet(cells, numbers[whole] if whole else np.arange(0), numbers[ragged] if ragged else np.arange(0))


def not_typed(grid: Grid, at: int, columns: Sequence[int]) -> dict[int, int]:
    """Row number → the first of `columns` in which the row has a number or a date where a code should be."""
    if not grid.kinds:
        return {}
    found = {}
    for place in range(at + 1, len(grid.rows)):
        kinds = grid.kinds[place]
        for column in columns:
            if column < len(kinds) and kinds[column] not in TEXT_KINDS:
                found[grid.numbers[place]] = column
                break
    return found
