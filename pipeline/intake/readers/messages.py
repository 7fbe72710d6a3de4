"""HL7 v2 result messages (ORU^R01) as a table: one row for each coded observation. Source: HL7 v2.5.1, chapters 2 and 7.

A row's cells are fields by their own names (`OBX-5.1` is the first component of the fifth field). Segments above an observation are its
context. Numbers and texts beside it in its order are details: a number of Ct is given as `Ct`, all others are left. PID stays unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.errors import FileRefused
from pipeline.intake.readers.decode import UTF_8, decode
from pipeline.intake.readers.grid import Grid

# Row numbers are lines; the headings are the same whatever a file holds, so that one profile knows them all.
FIELDS = ("MSH-9", "MSH-11.1", "MSH-12.1", "OBR-2.1", "OBR-3.1", "OBR-7", "SPM-2.1", "OBX-3.1", "OBX-3.3", "OBX-5.1", "OBX-5.3", "OBX-11",
          "OBX-14", "OBX-19")  # fmt: skip
HEADINGS = (*FIELDS, "Ct")
_CODED = ("CE", "CWE", "CNE")
# LOINC's class of cycle thresholds is told by the name, which every sender gives: OBX-3.2.
_CYCLES = re.compile(r"\b(ct|cycle threshold|cq)\b", re.IGNORECASE)
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|$)")
_WRAPPING = frozenset({"FHS", "BHS", "BTS", "FTS"})


@dataclass
class _Order:
    """What stands above the observations of one OBR: segment name → its fields."""

    segments: dict[str, list[str]]
    rows: list[tuple[int, dict[str, list[str]]]] = field(default_factory=list)
    cycles: list[str] = field(default_factory=list)
    line: int = 0


def messages(data: bytes, name: str) -> list[Grid]:
    """One table. The last segment counts only with its line end: nothing else shows that it was not cut. Raises FileRefused."""
    (text,) = decode(data, name, (UTF_8,))
    rows: list[list[str]] = [list(HEADINGS)]
    numbers = [0]
    ragged = 0
    for order in _orders(text.utf8.decode(), name):
        if order is None:
            ragged = 1
            continue
        for line, segments in order.rows or [(order.line, order.segments)]:
            rows.append([*(_cell(segments, one) for one in FIELDS), order.cycles[0] if len(order.cycles) == len(order.rows) == 1 else ""])
            numbers.append(line)
    if ragged:
        # Wider than the headings: nobody reads it, and it comes back.
        rows.append([""] * len(HEADINGS) + ["..."])
        numbers.append(max(numbers) + 1)
    return [_only_filled_specimens(rows, numbers)]


def _only_filled_specimens(rows: list[list[str]], numbers: list[int]) -> Grid:
    """Without the specimen's column where no message has the segment: which of two profiles reads the file hangs on it."""
    place = HEADINGS.index("SPM-2.1")
    if not any(row[place] for row in rows[1:]):
        rows = [row[:place] + row[place + 1 :] for row in rows]
    return Grid(rows, numbers)


def _orders(text: str, name: str) -> Iterator[_Order | None]:
    """The orders in turn; None for a last segment that has no line end."""
    head: dict[str, list[str]] = {}
    order: _Order | None = None
    separators = "|^~\\&"
    for line, (content, end) in enumerate((found.groups() for found in _LINE.finditer(text)), start=1):
        if not content.strip():
            continue
        if not end:
            if order is not None:
                yield order
            yield None
            return
        segment = content[:3]
        if segment == "MSH":
            if order is not None:
                yield order
            order, separators = None, content[3:8]
            if len(set(separators)) != 5 or _part(_fields(content, separators), 9, 1, separators) != "ORU":
                raise FileRefused("unknown_format", f"{name} has a message that is no ORU^R01: send results as ORU^R01.", file=name)
            head = {"MSH": _fields(content, separators)}
        elif segment == "OBR":
            if order is not None:
                yield order
            order = _Order({**head, "OBR": _fields(content, separators)}, line=line)
        elif segment in ("OBX", "SPM") and order is not None:
            _add(order, segment, line, content, separators)
        elif not head and segment not in _WRAPPING:
            raise FileRefused("unknown_format", f"{name} has a segment before its first MSH: send whole messages.", file=name)
    if order is not None:
        yield order


def _add(order: _Order, segment: str, line: int, content: str, separators: str) -> None:
    fields = _fields(content, separators)
    if segment == "SPM":
        # The specimen stands after its observations (2.5.1): it is theirs, too.
        order.segments["SPM"] = fields
        for _, segments in order.rows:
            segments["SPM"] = fields
    elif _get(fields, 2) in _CODED:
        order.rows.append((line, {**order.segments, "OBX": fields}))
    elif _get(fields, 2) == "NM" and _CYCLES.search(_part(fields, 3, 2, separators)):
        order.cycles.append(_get(fields, 5))


def _fields(content: str, separators: str) -> list[str]:
    """Field n at place n. MSH-1 is the separator itself. The separators are kept at place 0, for the parts."""
    cells = content.split(separators[0])
    return [separators, separators[0], *cells[1:]] if cells[0] == "MSH" else [separators, *cells[1:]]


def _get(fields: Sequence[str], place: int) -> str:
    return fields[place] if place < len(fields) else ""


def _part(fields: Sequence[str], place: int, part: int, separators: str) -> str:
    """One component. A field that repeats says two things at once: it is given whole, and no profile knows it."""
    whole = _get(fields, place)
    if separators[2] in whole and place != 2:
        return whole
    parts = whole.split(separators[1])
    return _unescaped(parts[part - 1], separators) if part <= len(parts) else ""


def _cell(segments: dict[str, list[str]], named: str) -> str:
    segment, _, place = named.partition("-")
    fields = segments.get(segment)
    if fields is None:
        return ""
    number, _, part = place.partition(".")
    return _part(fields, int(number), int(part), fields[0]) if part else _get(fields, int(number))


def _unescaped(text: str, separators: str) -> str:
    """From left to right: what an escape brings in begins no other one."""
    escape = separators[3]
    if escape not in text:
        return text
    meant = dict(zip("FSRET", separators, strict=True))
    mark = re.escape(escape)
    return re.sub(f"{mark}([FSRTE]){mark}", lambda found: meant[found[1]], text)
