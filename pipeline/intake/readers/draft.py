"""A profile drafted from an unknown file, for a person to finish: its headings, and what known profiles call them. Nothing reads by it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from pipeline.domain.columns import columns_of, required_of
from pipeline.domain.names import fold_key
from pipeline.domain.words import Content, FileKind
from pipeline.formats import FormatProfile
from pipeline.intake.readers.content import content_of
from pipeline.intake.readers.decode import UTF_8, decode, nfc_strip
from pipeline.intake.readers.table import grids_of

_DELIMITERS = (",", ";", "\t", "|")
# The heading is looked for among so many rows: the one with most cells.
_LOOKED_AT = 60


def draft(data: bytes, name: str, formats: Iterable[FormatProfile]) -> str:
    """TOML with a comment wherever a person has to decide. Raises FileRefused where the file cannot be opened at all."""
    content = content_of(data)
    delimiter, rows = _rows(data, content, name)
    at = max(range(len(rows)), key=lambda place: sum(1 for cell in rows[place] if cell.strip()), default=0)
    headings = [heading for cell in (rows[at] if rows else []) if (heading := nfc_strip(cell))]
    known = _known(formats)
    kind = FileKind.RESULTS if any(known[FileKind.RESULTS].get(fold_key(one)) == "result" for one in headings) else FileKind.MANIFEST
    columns = {column: [one for one in headings if known[kind].get(fold_key(one)) == column] for column in columns_of(kind)}
    rest = [one for one in headings if not any(one in ours for ours in columns.values())]
    lines = [
        '# A draft: nothing here is sure. name must be the file\'s name without .toml.\nname = "..."',
        f'kind = "{kind.value}"',
        f'contents = ["{content.value}"]',
        f"required = {_texts(headings[:3])}  # what it is recognised by: choose headings that no other file has",
        "allows_unknown = false",
        f"ignored = {_texts(rest)}  # what nobody reads, or a heading that belongs below",
        'dates = ["yyyy-mm-dd"]  # as the file writes them; 01/02/2026 is what you say here',
    ]
    if content is Content.TEXT:
        lines.append(f"delimiters = {_texts([delimiter])}")
    if at:
        lines.append(f"title_rows = {at}")
    lines.append("\n[columns]")
    for column, found in columns.items():
        if found or column in required_of(kind):
            lines.append(f"{column} = {_texts(found)}{'' if found else '  # needed: which heading is it?'}")
    if kind is FileKind.RESULTS:
        lines.append("\n[words]  # the laboratory's own words, all of them: any other comes back\ndetected = []\nnot_detected = []")
    return "\n".join(lines) + "\n"


def _rows(data: bytes, content: Content, name: str) -> tuple[str, Sequence[Sequence[str]]]:
    if content is not Content.TEXT:
        grids = sorted(grids_of(data, content, name), key=lambda grid: (grid.visible, len(grid.rows)))
        return "", grids[-1].rows[:_LOOKED_AT] if grids else []
    text = decode(data, name, (UTF_8,))[0].utf8.decode()
    lines = text.splitlines()[:_LOOKED_AT]
    delimiter = max(_DELIMITERS, key=lambda one: max(line.count(one) for line in lines))
    return delimiter, list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter))


def _known(formats: Iterable[FormatProfile]) -> dict[FileKind, dict[str, str]]:
    known: dict[FileKind, dict[str, str]] = {kind: {} for kind in FileKind}
    for profile in formats:
        for column, headings in profile.columns.items():
            for heading in headings:
                known[profile.kind].setdefault(heading, column)
    return known


def _texts(texts: Sequence[str]) -> str:
    """A TOML list: quotes, backslashes and controls escaped."""
    return "[" + ", ".join('"' + "".join(map(_escaped, text)) + '"' for text in texts) + "]"


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    return letter if letter.isprintable() else f"\\u{ord(letter):04X}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08X}"
