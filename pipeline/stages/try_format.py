"""Try: what would be read of a file, without taking it in. Nothing is stored, and who people are is not shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.domain.columns import IDENTITY_COLUMNS
from pipeline.errors import ActionNeeded, FileRefused
from pipeline.formats import FormatProfile, load_formats, shipped_formats
from pipeline.home import Home
from pipeline.intake.readers import read
from pipeline.intake.readers.draft import draft
from pipeline.programme import load_programme
from pipeline.settings import Settings

FIRST_ROWS = 5
# Stands for what a person is, where there is something.
FILLED = "•"


@dataclass(frozen=True)
class Tried:
    """`refusal` is '' where the file was read; `draft` is a profile to finish where its headings are unknown, else ''. `shipped` is the
    name of the shipped one that the draft is, '' where none knows the headings.

    `first` has the first rows by filled columns, `calls` and `problems` count by word; '' among the calls is a word that is no call.
    """

    refusal: str
    code: str
    draft: str
    shipped: str
    profile: str
    kind: str
    rows: int
    first: Sequence[dict[str, str]]
    calls: Counter[str]
    problems: Counter[str]
    unknown_headings: tuple[str, ...]


def try_file(settings: Settings, path: Path, profile: Path | None = None) -> Tried:
    """By the installation's formats, or by `profile` alone. Raises ActionNeeded where the file is not to be had, FormatError."""
    programme = load_programme(settings.programme)
    formats = load_formats(programme, Home(settings.home).formats)
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise ActionNeeded(f"{path}: cannot be read ({problem.strerror}).") from None
    return tried(data, path.name, formats if profile is None else load_formats(programme, only=profile))


def tried(data: bytes, name: str, formats: Sequence[FormatProfile]) -> Tried:
    try:
        found = read(data, name, None, tuple(formats))
    except FileRefused as refused:
        made, shipped = _drafted(data, name, formats) if refused.code == "unknown_format" else ("", "")
        return Tried(refused.message, refused.code, made, shipped, "", "", 0, (), Counter(), Counter(), ())
    rows = found.table.slice(0, FIRST_ROWS).to_pylist()
    filled = [column for column in found.table.column_names if any(row[column] for row in rows)]
    shown = [{column: _shown(column, str(row[column])) for column in filled} for row in rows]
    calls = Counter(found.table["call"].to_pylist()) if "call" in found.table.column_names else Counter[str]()
    problems = Counter(problem for problem in found.table["problem"].to_pylist() if problem)
    return Tried("", "", "", "", found.profile_name, found.kind.value, found.rows, shown, calls, problems, found.unknown_headings)


def _drafted(data: bytes, name: str, formats: Sequence[FormatProfile]) -> tuple[str, str]:
    """A profile to finish, and its name where it is a shipped one: of several that know the headings, the one that asks for most."""
    shipped = shipped_formats()
    fitting = [file for file, profile in shipped.items() if _knows(profile, data, name)]
    if not fitting:
        return draft(data, name, (*formats, *shipped.values())), ""
    file = max(fitting, key=lambda one: len(shipped[one].required_headings))
    return file.read_text(encoding="utf-8"), file.stem


def _knows(profile: FormatProfile, data: bytes, name: str) -> bool:
    try:
        read(data, name, None, (profile,))
    except FileRefused as refused:
        return refused.code != "unknown_format"
    return True


def _shown(column: str, text: str) -> str:
    return FILLED if text and column in IDENTITY_COLUMNS else text
