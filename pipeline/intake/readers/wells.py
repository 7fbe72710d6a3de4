"""From a table of wells to a table of tubes, by a profile's assay (domain/plate).

What stands above the table as a key and its value (`Run End Data/Time`, `Barcode`) is a column of every well, under its key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.domain.names import fold_key
from pipeline.domain.plate import Unclear, Well, tubes
from pipeline.formats import Plate
from pipeline.intake.readers.grid import TEXT_KINDS, Grid

SETUP = "sample_setup"
# The headings that such a profile's columns name.
HEADINGS = ("tube", "call", "ct", "run end", "plate")
OTHER_TEST = "other_test"
# A day, hours of either kind, an abbreviated zone, and how the day was written (`M/d/yyyy`).
_MOMENT = re.compile(r"([0-9/.-]{8,10}) ([0-9]{1,2})(:[0-9]{2}:[0-9]{2})(?: (AM|PM))?(?: ([A-Z]{2,5}))?(?: ([dMy/.-]{5,10}))?")
_PARTS = re.compile(r"[/.-]")
_NOON = 12
_EVERY_TEST: Mapping[str, frozenset[str]] = {}


@dataclass(frozen=True)
class _Row:
    """A row's cells by the profile's names for them. `is_text`: the sample's cell was typed as text. `is_ours`: of the profile's test."""

    number: int
    cells: Mapping[str, str]
    by_target: Mapping[str, str]
    is_text: bool
    is_ours: bool


def as_tubes(
    grid: Grid,
    at: int,
    plate: Plate,
    *,
    only: Mapping[str, frozenset[str]] = _EVERY_TEST,
    others: Sequence[Grid] = (),
    merged: Collection[int] = (),
) -> tuple[Grid, dict[int, str]]:
    """The tubes' table, its heading first, and the rows' problems.

    A plate is not whole, and no tube of it has a result, where a row is too wide (the readers of texts make a cut one so), where one is in
    `merged` (numbers of rows under merged cells), and where the results lack a well that the setup among the `others` names.
    """
    rows = list(_rows(grid, at, plate, only))
    width = len(grid.headings(at))
    whole = not any(cell.strip() for row in grid.rows[at + 1 :] for cell in row[width:]) and not any(row.number in merged for row in rows)
    seen = {_key(row.cells) for row in rows}
    whole &= all(_planned(setup, plate) <= seen for setup in others if fold_key(setup.sheet) == SETUP)
    words = _words(others, plate)
    kept = [row for row in rows if row.cells["omit"].lower() != "true"]
    first: dict[str, _Row] = {}
    for row in kept:
        first.setdefault(row.cells["sample"], row)
    typed = {row.cells["sample"] for row in kept if not row.is_text}
    found: dict[int, tuple[list[str], str]] = {}
    for tube in tubes([well for row in kept if row.is_ours for well in _wells(row, words)], plate.assay):
        cells = first.pop(tube.code).cells
        if not whole:
            problem = Unclear.PLATE_FAILED.value
        elif tube.code in typed:
            problem = "number_as_code:tube_code"
        else:
            problem = tube.unclear.value if tube.unclear else ""
        call = "" if problem or tube.call is None else tube.call
        found[tube.row] = [tube.code, call, tube.ct, run_end(cells["run_end"], plate.zones), cells["plate"]], problem
    # What is left of the samples are controls, and those of another test.
    found |= {row.number: ([code, "", "", "", ""], OTHER_TEST) for code, row in first.items() if not row.is_ours}
    numbers = sorted(found)
    problems = {number: found[number][1] for number in numbers if found[number][1]}
    return Grid([list(HEADINGS), *(found[number][0] for number in numbers)], [0, *numbers]), problems


def run_end(text: str, zones: Mapping[str, str]) -> str:
    """`2010-10-01 01:44:54 AM EDT` in ISO with its offset; `7/18/2018 3:49:20 PM M/d/yyyy`, which names no zone, in ISO without.

    These instruments write hours of both kinds with AM or PM: 22 PM is 22, 9 PM is 21, and a text that is neither stays as it is. So does
    one whose zone the profile does not name. A day in another order that the text does not tell is left to the profile's `dates`.
    """
    found = _MOMENT.fullmatch(text)
    if found is None or (found[5] and found[5] not in zones):
        return text
    hour, is_late = int(found[2]), found[4] == "PM"
    if found[4] and hour > _NOON and not is_late:
        return text
    if found[4] and hour <= _NOON:
        hour = hour % _NOON + (_NOON if is_late else 0)
    day = _day(found[1], found[6]) if found[6] else found[1]
    return f"{day}{'T' if found[5] or found[6] else ' '}{hour:02}{found[3]}{zones.get(found[5], '')}"


def _day(text: str, written: str) -> str:
    """`7/18/2018`, written as `M/d/yyyy`, in ISO; another way of writing leaves it as it is."""
    parts = dict(zip((part[:1] for part in _PARTS.split(written)), _PARTS.split(text), strict=False))
    return f"{parts['y']}-{parts['M']:0>2}-{parts['d']:0>2}" if parts.keys() == {"y", "M", "d"} else text


def _rows(grid: Grid, at: int, plate: Plate, only: Mapping[str, frozenset[str]] = _EVERY_TEST) -> Iterator[_Row]:
    """The table's rows. What the table has no heading for may stand above it."""
    headings = [fold_key(heading) for heading in grid.headings(at)]
    head = _head(grid.rows[:at])
    places = {part: _place(headings, names) for part, names in plate.columns.items()}
    above = {part: next((head[name] for name in names if name in head), "") for part, names in plate.columns.items()}
    filters = [(headings.index(heading), words) for heading, words in only.items() if heading in headings]
    for place in range(at + 1, len(grid.rows)):
        cell = _cells_of(grid.rows[place])
        cells = dict.fromkeys(("well", "sample", "target", "task", "ct", "word", "omit", "run_end", "plate"), "")
        cells |= {part: above[part] if where is None else cell(where) for part, where in places.items()}
        by_target = {target: cell(_place(headings, (heading,))) for heading, target in plate.wide.items()}
        is_ours = all(fold_key(cell(where)) in words for where, words in filters)
        is_text = _is_text(grid, place, places["sample"])
        yield _Row(grid.numbers[place], cells, by_target or {cells["target"]: cells["ct"]}, is_text, is_ours)


def _wells(row: _Row, words: Mapping[tuple[str, str], str] | None) -> Iterator[Well]:
    """The row's wells, one for each target. `words` are those of another sheet: a well that it lacks has none."""
    for target, ct in row.by_target.items():
        word = row.cells["word"] if words is None else words.get((row.cells["well"], fold_key(target)), "")
        yield Well(row.number, row.cells["sample"], target, row.cells["task"], ct, word)


def _words(others: Sequence[Grid], plate: Plate) -> dict[tuple[str, str], str] | None:
    """The instrument's words by well and target, '' where it says two things; None where they stand in the table itself."""
    if not plate.word_sheet:
        return None
    words: dict[tuple[str, str], str] = {}
    for sheet in others:
        at = _heading_row(sheet, plate, ("well", "target", "word")) if fold_key(sheet.sheet) == plate.word_sheet else None
        for row in _rows(sheet, at, plate) if at is not None else ():
            if words.setdefault(_key(row.cells), row.cells["word"]) != row.cells["word"]:
                words[_key(row.cells)] = ""
    return words


def _planned(setup: Grid, plate: Plate) -> set[tuple[str, str]]:
    """The wells and targets that the setup names for somebody's sample."""
    at = _heading_row(setup, plate, ("well", "target", "sample"))
    return set() if at is None else {_key(row.cells) for row in _rows(setup, at, plate) if row.cells["sample"]}


def _heading_row(grid: Grid, plate: Plate, parts: Sequence[str]) -> int | None:
    """The first row that has headings for all of these."""
    for at in range(len(grid.rows)):
        headings = [fold_key(heading) for heading in grid.headings(at)]
        if all(_place(headings, plate.columns.get(part, ())) is not None for part in parts):
            return at
    return None


def _head(rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """Rows that are a key and its value, which may say more in the cells behind it. A key that stands twice says nothing."""
    pairs = [(fold_key(row[0].strip()), " ".join(cell.strip() for cell in row[1:]).strip()) for row in rows if row and row[0].strip()]
    keys = [key for key, _ in pairs]
    return {key: value for key, value in pairs if keys.count(key) == 1}


def _key(cells: Mapping[str, str]) -> tuple[str, str]:
    return cells["well"], fold_key(cells["target"])


def _place(headings: Sequence[str], names: Sequence[str]) -> int | None:
    return next((place for place, heading in enumerate(headings) if heading in names), None)


def _cells_of(row: Sequence[str]) -> Callable[[int | None], str]:
    return lambda place: row[place].strip() if place is not None and place < len(row) else ""


def _is_text(grid: Grid, place: int, sample: int | None) -> bool:
    kinds = grid.kinds[place] if grid.kinds else ""
    return sample is None or sample >= len(kinds) or kinds[sample] in TEXT_KINDS
