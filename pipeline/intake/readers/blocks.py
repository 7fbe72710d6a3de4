"""Exports made of blocks of `key,value` lines (Cepheid GeneXpert Dx): one row for each block under `RESULT TABLE`.

The file's first block (export date and time) is every row's context. A block ends at a blank line or a title. A key that stands twice in
one block, or a line that is no pair, makes its row ragged; so does a last line without its line end.
"""

from __future__ import annotations

import csv
import io

from pipeline.intake.readers.count import MAX_CELL
from pipeline.intake.readers.decode import UTF_8, decode
from pipeline.intake.readers.grid import Grid

_RESULT = "RESULT TABLE"
_TITLES = frozenset({_RESULT, "ASSAY INFORMATION"})


def blocks(data: bytes, name: str) -> list[Grid]:
    """One table. Row numbers are those of the blocks' titles. Raises FileRefused."""
    (text,) = decode(data, name, (UTF_8,))
    whole = text.utf8.decode()
    csv.field_size_limit(MAX_CELL)
    context: dict[str, str] = {}
    found: list[tuple[int, dict[str, str]]] = []
    broken: set[int] = set()
    title, started = "", False
    lines = whole.splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        cells = next(csv.reader(io.StringIO(line)), [])
        while cells and not cells[-1].strip():
            cells.pop()
        if not cells:
            title = ""
        elif cells[0].strip() in _TITLES and len(cells) == 1:
            title, started = cells[0].strip(), True
            if title == _RESULT:
                found.append((number, {}))
        elif title == _RESULT:
            at, pairs = found[-1]
            # A key without a value is a pair whose value is empty.
            if len(cells) > 2 or cells[0].strip() in pairs or not line.endswith(("\n", "\r")):
                broken.add(at)
            pairs[cells[0].strip()] = cells[1].strip() if len(cells) > 1 else ""
        elif not started and len(cells) == 2:
            context[cells[0].strip()] = cells[1].strip()
    headings = list(dict.fromkeys([*context, *(key for _, pairs in found for key in pairs)]))
    rows = [headings]
    for at, pairs in found:
        every = {**context, **pairs}
        rows.append([every.get(heading, "") for heading in headings] + (["..."] if at in broken else []))
    return [Grid(rows, [0, *(at for at, _ in found)])]
