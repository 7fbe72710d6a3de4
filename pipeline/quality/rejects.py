"""CSV files that go out: rejected rows back to their sender, lists to labs and teams. No cell of theirs is run by a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

from pipeline.durable import make_folder, write_file
from pipeline.quality.texts import reason_text

LANGUAGES = ("vi", "en")
_OWN_COLUMNS = ("reason", "row", "column")

# A spreadsheet takes a cell that begins so for a formula (OWASP ASVS V1.2.10). Full-width forms, which an Asian locale takes for the
# plain signs, NUL, which many readers drop, and leading blanks before either are treated alike.
_FORMULA = re.compile("[\\s\x00]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n\x00]")

# Nothing to calculate: +84901234567 and the dash that stands for no Ct come back to us as they were sent.
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?|-")

# The first day of a spreadsheet's calendar, as it counts from 1900-03-01 on.
_DAY_ZERO = date(1899, 12, 30)
# As `_hint` ends a sentence.
_HINT = re.compile(r" \(([0-9]+ → [0-9.]+\?(?:, [0-9]+ → [0-9.]+\?)*)\)$")
_DATE_LIKE = re.compile(r"(?:^|[=;])\s*(4[0-9]{4})(?:\.0+)?\s*(?=;|$)")


def write_rejects(path: Path, headings: Sequence[str], rows: Iterable[tuple[int, Sequence[str], Sequence[str], Sequence[str]]]) -> None:
    """Write the rejected rows of one file: reason, row and column first, then the sender's own columns, ready to be mended.

    rows: (row number as a spreadsheet shows it, rule codes, canonical columns, the sender's cells). A ragged row keeps the cells it
    has. UTF-8 with BOM, so that a spreadsheet shows Vietnamese; there at once or not at all.
    """
    body = ((_reason(rules, cells), str(row_no), ", ".join(dict.fromkeys(columns)), *cells) for row_no, rules, columns, cells in rows)
    write_table(path, (*_OWN_COLUMNS, *headings), body)


@dataclass(frozen=True)
class Problem:
    """What is wrong with one row: its number as a spreadsheet shows it, the canonical columns, the rules it breaks; `hint`: what was
    probably meant, or ''."""

    row_no: int
    columns: str
    rules: tuple[str, ...]
    hint: str


def read_rejects(path: Path, limit: int) -> list[Problem]:
    """The first `limit` problems of a file that `write_rejects` made; none where it was erased."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            next(rows)
            return [_problem(*cells[:3]) for cells in islice(rows, limit)]
    except FileNotFoundError:
        return []


def _problem(reason: str, row_no: str, columns: str) -> Problem:
    sentences = reason.split(" | ")
    hints = [found[1] for found in map(_HINT.search, sentences) if found]
    return Problem(int(row_no), columns, tuple(one.partition(": ")[0] for one in sentences), hints[0] if hints else "")


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV of text cells, formulas defused, in one step by a rename; readable by this user alone."""
    make_folder(path.parent)
    write_file(path, table_text(columns, rows))


def table_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The same as bytes: UTF-8 with BOM."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([defuse(cell) for cell in columns])
    writer.writerows([defuse(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig", errors="replace")


def defuse(cell: str) -> str:
    """The cell with an apostrophe before it where a spreadsheet would calculate it; any other cell as it is."""
    return f"'{cell}" if _FORMULA.match(cell) and not _PLAIN_NUMBER.fullmatch(cell) else cell


def probable_ct(serial: int) -> str:
    """What a spreadsheet's day number was typed as: 41350 is 17 March 2013, so the Ct was 17.03."""
    day = _DAY_ZERO + timedelta(days=serial)
    return f"{day.day:02}.{day.month:02}"


def _reason(rules: Sequence[str], cells: Sequence[str]) -> str:
    sentences = []
    for rule in dict.fromkeys(rules):
        both = " / ".join(reason_text(rule, language) for language in LANGUAGES)
        sentences.append(f"{rule}: {both}{_hint(cells) if rule == 'ct_is_a_date' else ''}")
    return " | ".join(sentences)


def _hint(cells: Sequence[str]) -> str:
    """The one probable value, where exactly one cell holds day numbers."""
    found = {tuple(_DATE_LIKE.findall(cell)) for cell in cells} - {()}
    if len(found) != 1:
        return ""
    return f" ({', '.join(f'{serial} → {probable_ct(int(serial))}?' for serial in found.pop())})"
