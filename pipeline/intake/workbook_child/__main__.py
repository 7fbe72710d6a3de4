"""Standard input: the workbook. Standard output: one JSON line a sheet's facts, one a row, and a last one that says it is whole.

{"sheet": name, "visible": bool, "hidden_rows": n, "bare_formulas": n, "agree": bool, "merged": [[first row, first column, last row, last
column]]} (rows from 1, columns from 0), then [row number, [texts], kinds] for each row
that is not blank; {"end": rows} at last. Or {"refused": WorkbookFault}. `kinds` has a letter a cell: t text, n number, d date or time,
b true or false, e error, . empty.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from collections import Counter
from datetime import date, datetime, time, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import python_calamine

from pipeline.intake.workbook_child import xls_count, xlsx_count
from pipeline.intake.workbook_child.faults import CELLS, CPU_SECONDS, MEMORY_BYTES, TEXT_BYTES, Faulty, WorkbookFault
from pipeline.intake.workbook_child.package import open_package

_ZIP = b"PK"


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        sys.stdout.write(answer(sys.stdin.buffer.read()))
        sys.stdout.flush()
        return 0
    except Faulty as faulty:
        return _refuse(faulty.fault)
    except MemoryError:
        return _refuse(WorkbookFault.TOO_LARGE)
    except python_calamine.PasswordError:
        return _refuse(WorkbookFault.ENCRYPTED)
    except (python_calamine.CalamineError, OSError):
        return _refuse(WorkbookFault.DAMAGED)


def _refuse(fault: WorkbookFault) -> int:
    print(json.dumps({"refused": fault.value}), flush=True)  # noqa: T201  # the protocol
    return 0


def answer(data: bytes) -> str:
    """Raises Faulty, MemoryError and what python-calamine raises."""
    by_name: dict[str, xlsx_count.Count] = {}
    in_order: list[xlsx_count.Count] = []
    if data.startswith(_ZIP):
        with open_package(data) as package:
            by_name = xlsx_count.counts(package)
    else:
        in_order = xls_count.counts(data)
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    lines: list[str] = []
    rows = cells = size = 0
    worksheets = [one for one in book.sheets_metadata if one.typ == python_calamine.SheetTypeEnum.WorkSheet]
    for place, meta in enumerate(worksheets):
        count = by_name.get(meta.name) if by_name else in_order[place] if len(in_order) == len(worksheets) else None
        sheet = book.get_sheet_by_name(meta.name)
        found, filled = _rows(sheet, count.errors if count else {})
        merged = {(top + 1, left, bottom + 1, right) for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()}
        if count is not None and not data.startswith(_ZIP) and max(count.filled, default=0) >= xls_count.LAST_ROW:
            raise Faulty(WorkbookFault.FULL)
        lines.append(
            json.dumps(
                {
                    "sheet": meta.name,
                    "visible": meta.visible == python_calamine.SheetVisibleEnum.Visible,
                    "hidden_rows": count.hidden_rows if count else 0,
                    "bare_formulas": count.bare_formulas if count else 0,
                    "agree": count is not None and count.filled == filled and count.merged == merged,
                    "merged": sorted(merged),
                }
            )
        )
        lines += found
        rows, cells, size = rows + len(found), cells + filled.total(), size + sum(map(len, found))
        if cells > CELLS or size > TEXT_BYTES:
            raise Faulty(WorkbookFault.TOO_LARGE)
    return "\n".join([*lines, json.dumps({"end": rows})]) + "\n"


def _rows(sheet: python_calamine.CalamineSheet, errors: dict[tuple[int, int], str]) -> tuple[list[str], Counter[int]]:
    """The rows as JSON, and how many cells of each are filled. Cells of errors come out of calamine as empty."""
    top, left = sheet.start or (0, 0)
    by_row: dict[int, dict[int, str]] = {}
    for (row, column), text in errors.items():
        by_row.setdefault(row, {})[column] = text
    found, filled = [], Counter[int]()
    for number, cells in enumerate(sheet.to_python(skip_empty_area=True) if sheet.start else [], start=top + 1):
        texts, kinds = [""] * left, ["."] * left
        for value in cells:
            text, kind = shown(value)
            texts.append(text)
            kinds.append(kind)
        count = len(kinds) - kinds.count(".")
        if count:
            filled[number] = count
        for column, text in by_row.get(number, {}).items():
            if column < len(texts) and kinds[column] == ".":
                texts[column], kinds[column] = text, "e"
                count += 1
        if count:
            found.append(json.dumps([number, texts, "".join(kinds)]))
    return found, filled


def shown(value: object) -> tuple[str, str]:
    """A cell as text and its kind. Days in ISO; a number as a spreadsheet's plain format shows it, at most 15 digits."""
    match value:
        case str():
            return value, "t" if value.strip() else "."
        case bool():
            return str(value).upper(), "b"
        case int() | float():
            return _number(value), "n"
        case datetime():
            return value.isoformat(timespec="seconds" if value.second else "minutes"), "d"
        case date() | time():
            return value.isoformat(), "d"
        case timedelta():
            return str(value), "d"
        case _:
            return "", "."


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e11 else format(value, ".15g").upper()


if __name__ == "__main__":
    sys.exit(main())
