"""What the tests of files share: where the real ones lie, profiles made for a test, workbooks made for a test."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import python_calamine
from openpyxl import Workbook

from pipeline.errors import FileRefused
from pipeline.formats import FormatProfile, load_format, load_formats
from pipeline.intake.readers import Reading, read
from pipeline.intake.workbook_child.__main__ import answer
from pipeline.intake.workbook_child.faults import Faulty
from pipeline.programme import load_programme

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real files of ../shared/data are not here")

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
FORMATS = load_formats(load_programme("vietnam"))


def profile(folder: Path, name: str, text: str) -> FormatProfile:
    """A profile of this text, its name put in."""
    file = folder / f"{name}.toml"
    file.write_text(f'name = "{name}"\n{text}', encoding="utf-8")
    return load_format(file)


def book(*rows: list[Any], sheet: str = "Sheet1") -> Workbook:
    made = Workbook()
    made.active.title = sheet
    for row in rows:
        made.active.append(row)
    return made


def saved(made: Workbook) -> bytes:
    sink = io.BytesIO()
    made.save(sink)
    return sink.getvalue()


def outcome(data: bytes, name: str = "a.csv", formats: tuple[FormatProfile, ...] = FORMATS) -> Reading | str:
    """The reading, or the code of the refusal."""
    try:
        return read(data, name, None, formats)
    except FileRefused as refused:
        assert refused.message.startswith(name)
        return refused.code


def column(reading: Reading | str, name: str) -> list[Any]:
    assert isinstance(reading, Reading), reading
    return list(reading.table[name].to_pylist())


def answered(data: bytes) -> str:
    """What the child would answer, without the child."""
    try:
        return answer(data)
    except (Faulty, MemoryError, python_calamine.CalamineError, OSError):
        return ""
    except BaseException as panic:
        # python-calamine's panics are none of Python's exceptions. They end the child, and so refuse the file.
        assert type(panic).__name__ == "PanicException"
        return ""
