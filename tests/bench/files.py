"""The readers over what no reader can be faster than: text over DuckDB, which reads it as text into memory, a workbook over calamine.

Prints one JSON object as its last line: `python -m tests.bench.files`. One measurement: `--only ours_text FILE`.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import openpyxl
import python_calamine

from pipeline.formats import load_formats
from pipeline.intake.readers import read
from pipeline.programme import load_programme
from tests.bench.crowd import write_crowd
from tests.bench.process import Measured, measured

SEED = 20261126
TEXT_ROWS = 1_000_000
# What a large site sends of a day; a workbook of more is told to come as text when it takes the child too long.
WORKBOOK_ROWS = 20_000
TURNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=READERS, help="one reading of FILE instead")
    parser.add_argument("file", type=Path, nargs="?")
    asked = parser.parse_args()
    print(json.dumps(one(READERS[asked.only], asked.file) if asked.only else all_readers()))


def all_readers() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="unpool-bench-") as folder:
        text = write_crowd(Path(folder) / "text", TEXT_ROWS, SEED, manifest_rows=TEXT_ROWS).manifests[0]
        (rows,) = write_crowd(Path(folder) / "few", WORKBOOK_ROWS, SEED, manifest_rows=WORKBOOK_ROWS).manifests
        book = as_workbook(rows, Path(folder) / "few.xlsx")
        return compared("text", text, "duckdb_text", "ours_text") | compared("workbook", book, "calamine", "ours_workbook")


def compared(kind: str, file: Path, floor: str, ours: str) -> dict[str, Any]:
    """Ratios turn by turn; the rows must be the same."""
    turns = [(measured("files", "--only", floor, file), measured("files", "--only", ours, file)) for _ in range(TURNS)]
    (rows,) = {side.figures["rows"] for turn in turns for side in turn}
    return {
        f"reader_{kind}_ratio": median(seconds(mine) / seconds(lower) for lower, mine in turns),
        f"reader_{kind}_s": median(seconds(mine) for _, mine in turns),
        f"reader_{kind}_floor_s": median(seconds(lower) for lower, _ in turns),
        f"reader_{kind}_peak_gib": max(mine.peak_gib for _, mine in turns),
        f"reader_{kind}_floor_peak_gib": max(lower.peak_gib for lower, _ in turns),
        f"reader_{kind}_rows": rows,
        f"reader_{kind}_mb": file.stat().st_size / 1e6,
    }


def seconds(one_reading: Measured) -> float:
    return float(one_reading.figures["seconds"])


def one(reader: Callable[[Path], int], file: Path) -> dict[str, Any]:
    start = time.perf_counter()
    rows = reader(file)
    return {"rows": rows, "seconds": time.perf_counter() - start}


def duckdb_text(file: Path) -> int:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE text AS SELECT * FROM read_csv($file, all_varchar = true, header = true, delim = ',')", {"file": str(file)}
        )
        return int(connection.execute("SELECT count(*) FROM text").fetchall()[0][0])


def calamine(file: Path) -> int:
    return len(python_calamine.CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()) - 1


def ours(file: Path) -> int:
    return read(file.read_bytes(), file.name, None, load_formats(load_programme("vietnam"))).rows


def as_workbook(rows: Path, book: Path) -> Path:
    made = openpyxl.Workbook(write_only=True)
    sheet = made.create_sheet()
    with rows.open(newline="", encoding="utf-8") as lines:
        for line in csv.reader(lines):
            sheet.append(line)
    made.save(book)
    return book


READERS: dict[str, Callable[[Path], int]] = {"duckdb_text": duckdb_text, "ours_text": ours, "calamine": calamine, "ours_workbook": ours}


if __name__ == "__main__":
    main()
