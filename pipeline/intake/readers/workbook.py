"""Workbooks: opened by a program of their own (workbook_child), under limits. Its death is the file's refusal, never ours."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import assert_never

from pipeline.errors import FileRefused
from pipeline.intake.readers.grid import Grid
from pipeline.intake.workbook_child.faults import WorkbookFault

CHILD = Path(__file__).parents[1] / "workbook_child" / "__main__.py"
# The child's own limit is 10 s of the processor. This one is for a child that hangs, on a machine that is busy.
WALL_SECONDS = 60


def worksheets(data: bytes, name: str, child: Path = CHILD, wall_s: float = WALL_SECONDS) -> list[Grid]:
    """Every worksheet, hidden ones included. Raises FileRefused (see `refused`)."""
    try:
        # Nothing of ours in its environment: no key, no address.
        done = subprocess.run([sys.executable, "-I", str(child)], input=data, capture_output=True, timeout=wall_s, check=False, env={})
    except subprocess.TimeoutExpired:
        raise refused(WorkbookFault.FAILED, name) from None
    if done.returncode != 0:
        too_long = done.returncode in (-signal.SIGXCPU, -signal.SIGKILL)
        raise refused(WorkbookFault.TOO_LARGE if too_long else WorkbookFault.FAILED, name)
    return _grids(done.stdout, name)


def _grids(answer: bytes, name: str) -> list[Grid]:
    found: list[tuple[dict[str, object], list[list[str]], list[int], list[str]]] = []
    whole = rows = 0
    for line in answer.splitlines():
        item = json.loads(line)
        if isinstance(item, list):
            number, texts, kinds = item
            found[-1][1].append(texts)
            found[-1][2].append(number)
            found[-1][3].append(kinds)
            rows += 1
        elif "refused" in item:
            raise refused(WorkbookFault(item["refused"]), name)
        elif "end" in item:
            whole = item["end"] == rows
        else:
            found.append((item, [], [], []))
    if not whole:
        raise refused(WorkbookFault.FAILED, name)
    return [Grid(texts, numbers, kinds, **facts) for facts, texts, numbers, kinds in found]  # type: ignore[arg-type]  # the child's own fields


def refused(fault: WorkbookFault, name: str, sheet: str = "") -> FileRefused:
    """The sentence for a fault. `sheet` is named in none of them: its name may be a person's."""
    return FileRefused(fault.value, f"{name} {_sentence(fault)}.", file=name)


def _sentence(fault: WorkbookFault) -> str:
    match fault:
        case WorkbookFault.OTHER_KIND:
            return "is a workbook of a kind that is not read: save it as XLSX or as CSV UTF-8 and send that"
        case WorkbookFault.ENCRYPTED:
            return "is protected by a password: take it off and send the file again"
        case WorkbookFault.MACROS:
            return "holds macros, which are not taken: save it as XLSX or as CSV UTF-8 and send that"
        case WorkbookFault.DAMAGED:
            return "is a damaged workbook, or something hidden in one: save it anew as XLSX and send that"
        case WorkbookFault.TOO_LARGE:
            return "is too large for a workbook or takes too long to open: save the table as CSV UTF-8 and send that"
        case WorkbookFault.FAILED:
            return "is a workbook that could not be read to its end: save the table as CSV UTF-8 and send that"
        case WorkbookFault.COUNTS_DIFFER:
            return "gives other cells by one reading than by another: save the table as CSV UTF-8 and send that"
        case WorkbookFault.HIDDEN:
            return "has hidden rows or a hidden sheet with a table: show or delete them and send the file again"
        case WorkbookFault.FORMULA:
            return "has formulas whose values were never calculated: open and save it in a spreadsheet and send it again"
        case WorkbookFault.SHEETS:
            return "has more than one sheet with something on it: send each table as a file of its own"
        case WorkbookFault.FULL:
            return "fills all rows that an old XLS can hold, so rows may be missing: save the table as XLSX or CSV UTF-8 and send that"
        case _:
            assert_never(fault)
