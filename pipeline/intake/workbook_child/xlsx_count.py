"""An XLSX counted a second time, by a reader of XML that has nothing in common with the one that reads its cells.

A part that declares a document type is refused: that is how entities are made that unpack to gigabytes or fetch files.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat

from pipeline.intake.workbook_child.faults import CELLS, MERGES, Faulty, WorkbookFault

_LETTERS = re.compile(r"([A-Za-z]{1,3})[0-9]+")
_RANGE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})(?::([A-Za-z]{1,3})([0-9]{1,7}))?")
_PIECE = 1 << 16


@dataclass
class Count:
    """`filled`: row number (from 1) → cells that are not blank. `errors`: (row, column from 0) → #N/A and the like, not counted.
    `merged`: the ranges of merged cells, as first row, first column, last row, last column."""

    filled: Counter[int] = field(default_factory=Counter)
    hidden: set[int] = field(default_factory=set)
    bare_formulas: int = 0
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: set[tuple[int, int, int, int]] = field(default_factory=set)

    @property
    def hidden_rows(self) -> int:
        return len(self.hidden & self.filled.keys())


def counts(package: zipfile.ZipFile) -> dict[str, Count]:
    """Sheet name → its count; sheets whose part is not found are left out. Raises Faulty."""
    parts = {_plain(name): name for name in package.namelist()}
    book = next(name for name in sorted(parts, key=len) if name.endswith("workbook.xml"))
    sheets, targets, blank = [], {}, set()
    for attributes in _elements(package, parts[book], "sheet"):
        sheets.append((attributes.get("name", ""), next((value for key, value in attributes.items() if _local(key) == "id"), "")))
    folder, file = posixpath.split(book)
    for attributes in _elements(package, parts.get(f"{folder}/_rels/{file}.rels".lstrip("/")), "relationship"):
        where = attributes.get("Target", "").replace("\\", "/")
        path = where.lstrip("/") if where.startswith("/") else posixpath.normpath(posixpath.join(folder, where))
        targets[attributes.get("Id", "")] = path.lower()
        if attributes.get("Type", "").lower().endswith("/sharedstrings"):
            blank = _blank_strings(package, parts.get(path.lower()))
    found = {}
    for name, ref in sheets:
        if (part := parts.get(targets.get(ref, ""))) is not None and "worksheets/" in part.lower().replace("\\", "/"):
            found[name] = _count(package, part, blank)
    return found


def _plain(name: str) -> str:
    return name.replace("\\", "/").lower().lstrip("/")


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise Faulty(WorkbookFault.DAMAGED)

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _feed(package: zipfile.ZipFile, part: str, parser: expat.XMLParserType) -> None:
    try:
        with package.open(part) as source:
            while piece := source.read(_PIECE):
                parser.Parse(piece, False)
            parser.Parse(b"", True)
    except (expat.ExpatError, zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError, RuntimeError, zlib.error):
        raise Faulty(WorkbookFault.DAMAGED) from None


def _elements(package: zipfile.ZipFile, part: str | None, wanted: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    if part is None:
        return found
    parser = _parser()

    def start(name: str, attributes: dict[str, str]) -> None:
        if _local(name).lower() == wanted:
            found.append(attributes)

    parser.StartElementHandler = start
    _feed(package, part, parser)
    return found


def _blank_strings(package: zipfile.ZipFile, part: str | None) -> set[int]:
    """The indices of shared strings that are empty or white space."""
    blank: set[int] = set()
    if part is None:
        return blank
    number, text, reading = -1, "", False

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal number, text, reading
        match _local(name):
            case "si":
                number, text = number + 1, ""
            case "t":
                reading = True

    def end(name: str) -> None:
        nonlocal reading
        match _local(name):
            case "t":
                reading = False
            case "si" if not text:
                blank.add(number)

    def characters(piece: str) -> None:
        nonlocal text
        if reading:
            text = text or piece.strip()

    parser = _parser()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    _feed(package, part, parser)
    return blank


def _count(package: zipfile.ZipFile, part: str, blank: set[int]) -> Count:
    parser = _parser()
    handler = _Cells(blank)
    parser.StartElementHandler, parser.EndElementHandler = handler.start, handler.end
    parser.CharacterDataHandler = handler.characters
    _feed(package, part, parser)
    return handler.count


class _Cells:
    """One sheet's elements as they go by."""

    def __init__(self, blank: set[int]) -> None:
        self.count = Count()
        self._blank = blank
        self._row = self._place = self._cells = 0
        self._cell: dict[str, str] | None = None
        self._reading = self._valued = self._formula = self._phonetic = False
        self._text: list[str] = []
        self._local: Callable[[str], str] = _local

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match name if ":" not in name else _local(name):
            case "c":
                self._cell, self._text, self._valued, self._formula = attributes, [], False, False
                self._place += 1
                self._cells += 1
                if self._cells > 2 * CELLS:
                    raise Faulty(WorkbookFault.TOO_LARGE)
            case "v":
                self._valued = self._reading = True
            case "t":
                self._reading = not self._phonetic
            case "f":
                self._formula = True
            case "rPh":
                self._phonetic = True
            case "row":
                self._start_row(attributes)
            case "mergeCell":
                self._merge(attributes.get("ref", ""))

    def end(self, name: str) -> None:
        match name if ":" not in name else _local(name):
            case "v" | "t":
                self._reading = False
            case "rPh":
                self._phonetic = False
            case "c":
                if self._cell is not None:
                    self._end_cell(self._cell)
                self._cell = None

    def characters(self, piece: str) -> None:
        if self._reading and self._cell is not None:
            self._text.append(piece)

    def _start_row(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r", "")
        self._row = int(number) if number.isascii() and number.isdecimal() else self._row + 1
        self._place = 0
        if attributes.get("hidden", "0") in ("1", "true"):
            self.count.hidden.add(self._row)

    def _merge(self, ref: str) -> None:
        found = _RANGE.fullmatch(ref)
        if found is None or len(self.count.merged) >= MERGES:
            raise Faulty(WorkbookFault.DAMAGED)
        first, last = (int(found[2]), column_of(found[1])), (int(found[4] or found[2]), column_of(found[3] or found[1]))
        self.count.merged.add((*first, *last))

    def _end_cell(self, cell: dict[str, str]) -> None:
        text = "".join(self._text).strip()
        # An empty value is a cached one only of a formula that gave a text.
        if self._formula and not text and not (self._valued and cell.get("t") == "str"):
            self.count.bare_formulas += 1
        if not text or (cell.get("t") == "s" and text.isdecimal() and int(text) in self._blank):
            return
        if cell.get("t") == "e":
            letters = _LETTERS.fullmatch(cell.get("r", ""))
            self.count.errors[self._row, column_of(letters[1]) if letters else self._place - 1] = text
            return
        self.count.filled[self._row] += 1


def column_of(letters: str) -> int:
    """'A' is 0, 'AA' is 26."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - 64
    return number - 1
