"""Sectioned exports (QuantStudio, ViiA 7): `* key = value` lines, then `[Section]` tables parted by tabs. A grid for each section.

The lines of the head are columns of every row, under their own names. A row that is shorter than its headings is ragged, as is a last
line without its line end.
"""

from __future__ import annotations

import csv
import re

from pipeline.intake.readers.count import MAX_CELL
from pipeline.intake.readers.decode import UTF_8, decode
from pipeline.intake.readers.grid import Grid

_HEAD = re.compile(r"\* ([^=]+?) *=(.*)")
# Below the results: how they were analysed.
_TRAILER = re.compile(r"[A-Z][^=\t]* = [^\t]*")
_TITLE = re.compile(r"\[([^\]]+)\]")


def sections(data: bytes, name: str) -> list[Grid]:
    """Row numbers are lines. Raises FileRefused."""
    (text,) = decode(data, name, (UTF_8,))
    csv.field_size_limit(MAX_CELL)
    head: dict[str, str] = {}
    found: list[tuple[str, list[list[str]], list[int]]] = []
    for number, line in enumerate(text.utf8.decode().splitlines(keepends=True), start=1):
        content = line.rstrip("\r\n")
        if (title := _TITLE.fullmatch(content.strip())) is not None:
            found.append((title[1].strip(), [], []))
        elif not found and (pair := _HEAD.fullmatch(content)) is not None:
            head[pair[1].strip()] = pair[2].strip()
        elif found and content.strip() and not _TRAILER.fullmatch(content):
            _, rows, numbers = found[-1]
            cells = next(csv.reader([content], delimiter="\t"), [])
            whole = line.endswith(("\n", "\r")) and (not rows or len(cells) == len(rows[0]))
            rows.append(cells if whole or not rows else [*cells[: len(rows[0])], *[""] * (len(rows[0]) - len(cells)), "..."])
            numbers.append(number)
    return [Grid(_with_head(rows, head), numbers, sheet=title) for title, rows, numbers in found]


def _with_head(rows: list[list[str]], head: dict[str, str]) -> list[list[str]]:
    """The head's columns first, so that a row that is too wide stays so."""
    if not rows:
        return []
    return [[*head, *rows[0]], *([*head.values(), *row] for row in rows[1:])]
