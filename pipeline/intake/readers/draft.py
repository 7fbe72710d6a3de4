"""A profile drafted from an unknown file, for a person to finish: its headings, and what known profiles call them. Nothing reads by it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from pipeline.domain.columns import required_of
from pipeline.domain.names import fold_key
from pipeline.domain.words import Content, FileKind
from pipeline.formats import FormatProfile
from pipeline.intake.readers.content import content_of
from pipeline.intake.readers.decode import UTF_8, decode, nfc_strip
from pipeline.intake.readers.table import grids_of

_DELIMITERS = (",", ";", "\t", "|")
# The heading is looked for among so many rows: the one with most cells.
_LOOKED_AT = 60
# The names that instruments give to the cycle at which a target is found (Bustin et al. 2009, the MIQE guidelines: all are Cq).
_CYCLES = ("ct", "cq", "cp")
# What a draft of wells says before its columns, and after.
_WELLS = """
# The rows are wells. These are the columns of the tubes' table, which is made of the wells': leave them as they are.
[columns]
tube_code = ["tube"]
result = ["call"]
ct = ["ct"]
tested_at = ["run end"]
plate_code = ["plate"]

[constants]
status = "F"

[words]
detected = ["detected"]
not_detected = ["not detected"]
inconclusive = ["inconclusive"]
invalid = ["invalid"]

# By your kit's instructions for use.
[plate]
targets = []  # needed: as the file names them
needed = 1  # so many of them make a tube detected
cut_off = 0.0  # needed: the last cycle at which a target counts as found
internal_control = ""  # needed: as the file names it
internal_cut_off = 0.0  # needed
controls = ["negative", "positive"]  # what must be on each plate
"""
_TASKS = """
[plate.tasks]  # the words that tell samples and controls apart, all of them
sample = []
negative = []
positive = []"""


def draft(data: bytes, name: str, formats: Sequence[FormatProfile]) -> str:
    """TOML with a comment wherever a person has to decide. `formats`: what headings are told by. Raises FileRefused where the file cannot
    be opened at all."""
    content = content_of(data)
    delimiter, rows = _rows(data, content, name)
    at = max(range(len(rows)), key=lambda place: sum(1 for cell in rows[place] if cell.strip()), default=0)
    headings = [heading for cell in (rows[at] if rows else []) if (heading := nfc_strip(cell))]
    known = _known(formats)
    wells = _found(headings, _known_of_wells(formats))
    has_result = "result" in _found(headings, known[FileKind.RESULTS])
    # A list of tubes may tell a cycle beside its result.
    if "ct" in wells and (wells.keys() & {"target", "well"} or not has_result):
        kind, columns = FileKind.RESULTS, wells
        needed: Sequence[str] = ("sample", "task", "target", "ct")
    else:
        kind = FileKind.RESULTS if has_result else FileKind.MANIFEST
        columns, needed, wells = _found(headings, known[kind]), required_of(kind), {}
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
    lines.append(f"{_WELLS}\n[plate.columns]" if wells else "\n[columns]")
    for column in [*columns, *(one for one in needed if one not in columns)]:
        found = columns.get(column, [])
        lines.append(f"{column} = {_texts(found)}{'' if found else '  # needed: which heading is it?'}")
    if wells:
        lines.append(_TASKS)
    elif kind is FileKind.RESULTS:
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
    # Where the rows are wells, `columns` are not the file's.
    for profile in (one for one in formats if one.plate is None):
        for column, headings in profile.columns.items():
            for heading in headings:
                known[profile.kind].setdefault(heading, column)
    return known


def _known_of_wells(formats: Iterable[FormatProfile]) -> dict[str, str]:
    known = dict.fromkeys(_CYCLES, "ct")
    for profile in formats:
        for column, headings in profile.plate.columns.items() if profile.plate else ():
            for heading in headings:
                known.setdefault(heading, column)
    return known


def _found(headings: Iterable[str], known: Mapping[str, str]) -> dict[str, list[str]]:
    """Column → the headings, as sent, that are known as its."""
    found: dict[str, list[str]] = {}
    for heading in headings:
        if column := known.get(fold_key(heading)):
            found.setdefault(column, []).append(heading)
    return found


def _texts(texts: Sequence[str]) -> str:
    """A TOML list: quotes, backslashes and controls escaped."""
    return "[" + ", ".join('"' + "".join(map(_escaped, text)) + '"' for text in texts) + "]"


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    return letter if letter.isprintable() else f"\\u{ord(letter):04X}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08X}"
