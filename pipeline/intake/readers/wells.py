"""From a table of wells to a table of tubes, by a profile's assay (domain/plate)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pipeline.domain.names import fold_key
from pipeline.domain.plate import Well, tubes
from pipeline.formats import Plate
from pipeline.intake.readers.grid import Grid

SETUP = "sample_setup"
# The headings that such a profile's columns name.
HEADINGS = ("tube", "call", "ct", "run end", "plate")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2})(:[0-9]{2}:[0-9]{2}) (AM|PM) ([A-Z]{2,5})")
_NOON = 12


def as_tubes(grid: Grid, at: int, plate: Plate, setups: Sequence[Grid] = ()) -> tuple[Grid, dict[int, str]]:
    """The tubes' table, its heading first, and the rows' problems. A plate whose results lack a well of its `setups` is not whole."""
    headings = [fold_key(heading) for heading in grid.headings(at)]
    places = {part: _place(headings, names) for part, names in plate.columns.items()}
    rows = [(grid.numbers[place], grid.rows[place]) for place in range(at + 1, len(grid.rows))]
    # A well that is cut short may be any tube's: the plate is not whole.
    broken = any(any(cell.strip() for cell in row[len(headings) :]) for _, row in rows)
    broken |= any(not _planned(setup, plate) <= {_key(row, places) for _, row in rows} for setup in setups)
    wells = [_well(number, row, places) for number, row in rows if _cell(row, places.get("omit")).lower() != "true"]
    made, problems = [list(HEADINGS)], {}
    numbers = [0]
    for tube in tubes(wells, plate.assay):
        first = next(row for number, row in rows if number == tube.row)
        moment = run_end(_cell(first, places.get("run_end")), plate.zones)
        made.append([tube.code, tube.call or "", tube.ct, moment, _cell(first, places.get("plate"))])
        numbers.append(tube.row)
        if broken or tube.unclear:
            problems[tube.row] = "plate_failed" if broken or tube.unclear is None else tube.unclear.value
    return Grid(made, numbers), problems


def run_end(text: str, zones: Mapping[str, str]) -> str:
    """`2010-10-01 01:44:54 AM EDT` in ISO with its offset. These instruments write hours of both kinds with AM or PM: 22 PM is 22, 9 PM
    is 21, and a text that is neither stays as it is. So does one whose zone the profile does not name."""
    found = _MOMENT.fullmatch(text)
    if found is None or found[5] not in zones:
        return text
    hour, is_late = int(found[2]), found[4] == "PM"
    if hour > _NOON and not is_late:
        return text
    hour = hour % _NOON + _NOON if is_late and hour <= _NOON else 0 if hour == _NOON and not is_late else hour
    return f"{found[1]}T{hour:02}{found[3]}{zones[found[5]]}"


def _planned(setup: Grid, plate: Plate) -> set[tuple[str, str]]:
    """The wells and targets that the setup names for somebody's sample."""
    if not setup.rows:
        return set()
    headings = [fold_key(heading) for heading in setup.headings(0)]
    places = {part: _place(headings, names) for part, names in plate.columns.items()}
    return {_key(row, places) for row in setup.rows[1:] if _cell(row, places["sample"])}


def _key(row: Sequence[str], places: Mapping[str, int | None]) -> tuple[str, str]:
    return _cell(row, places["well"]), fold_key(_cell(row, places["target"]))


def _well(number: int, row: Sequence[str], places: Mapping[str, int | None]) -> Well:
    cells = {part: _cell(row, places.get(part)) for part in ("sample", "target", "task", "ct", "word")}
    return Well(number, **cells)


def _place(headings: Sequence[str], names: Sequence[str]) -> int | None:
    return next((place for place, heading in enumerate(headings) if heading in names), None)


def _cell(row: Sequence[str], place: int | None) -> str:
    return row[place].strip() if place is not None and place < len(row) else ""
