"""The job in SQLite: `python -m tests.bench.peers.sqlite_peer --crowd FOLDER --out FOLDER`.

One transaction into a database file, by the statements of sqlite_peer.sql. Cells and what is read once are temporary tables, in memory.
"""

from __future__ import annotations

import csv
import re
import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.bench.crowd import AS_OF
from tests.bench.peers import job

COLUMNS = {
    "manifest": [
        "tube_code",
        "collected_at",
        "full_name",
        "birth_date",
        "sex",
        "phone",
        "citizen_id",
        "pool_size",
        "pooling_mode",
        "specimen_code",
    ],
    "results": ["tube_code", "result", "tested_at", "ct"],
}
PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "temp_store = MEMORY", "cache_size = -262144")
# What the SQL asks for by name.
PARAMETERS = {
    "latest": f"{job.LATEST:{job.TIME_FORM}}",
    "oldest": f"{job.OLDEST:{job.TIME_FORM}}",
    "overdue": f"{AS_OF - job.OVERDUE:{job.TIME_FORM}}",
    "window": f"+{job.WINDOW.days} days",
    "relabel_days": job.RELABEL.days,
    "first_birth_year": job.FIRST_BIRTH_YEAR,
    "max_pool": job.MAX_POOL,
    "max_ct": job.MAX_CT,
    "ct": job.CT,
    "mobile": job.MOBILE,
}
SCRIPT = Path(__file__).with_suffix(".sql")


def run(crowd: Path, out: Path, clock: job.Clock) -> dict[str, Any]:
    connection = sqlite3.connect(out / "peer.sqlite", isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    # Rows of one tube stand together: the last codes are remembered.
    connection.create_function("is_code", 1, lru_cache(64)(job.is_code), deterministic=True)
    connection.create_function("regexp", 2, _matches, deterministic=True)
    connection.execute("BEGIN")
    with clock.step("read"):
        for kind, columns in COLUMNS.items():
            connection.execute(f"CREATE TEMP TABLE {kind}_cell (file TEXT, row INTEGER, {' TEXT, '.join(columns)} TEXT)")
            places = ", ".join("?" * (len(columns) + 2))
            connection.executemany(f"INSERT INTO {kind}_cell VALUES ({places})", _rows(job.files(crowd, kind), columns))
    with clock.step("rules"):
        _words(connection)
    for step, statement in _statements():
        with clock.step(step):
            connection.execute(statement, PARAMETERS)
    with clock.step("write"):
        connection.execute("COMMIT")
        # In WAL mode with NORMAL a commit alone is not yet on disk.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    counts = _counts(connection)
    connection.close()
    return counts


def _rows(paths: list[Path], columns: list[str]) -> Iterator[list[Any]]:
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            if next(reader) != columns:
                raise ValueError(f"{path.name} has other columns")
            for number, cells in enumerate(reader, 1):
                yield [path.name, number, *cells]


def _words(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TEMP TABLE word (result TEXT PRIMARY KEY, call TEXT)")
    connection.executemany("INSERT INTO word VALUES (?, ?)", job.WORDS.items())
    connection.execute("CREATE TEMP TABLE told (outcome TEXT PRIMARY KEY, purpose TEXT, priority INTEGER)")
    connection.executemany("INSERT INTO told VALUES (?, ?, ?)", [(outcome, *words) for outcome, words in job.TOLD.items()])


def _statements() -> Iterator[tuple[str, str]]:
    """Each statement with the step whose heading it stands under."""
    for part in re.split(r"^-- step: ", SCRIPT.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        step, _, body = part.partition("\n")
        yield from ((step, statement) for statement in body.split(";\n") if statement.strip())


@lru_cache(8)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _matches(pattern: str, cell: str) -> bool:
    return _pattern(pattern).match(cell) is not None


def _counts(connection: sqlite3.Connection) -> dict[str, Any]:
    tables = {
        "manifest_rows": "manifest_cell", "result_rows": "results_cell", "rejected_rows": "reject", "tubes": "tube",
        "worklist": "worklist", "callback": "callback", "messages": "message",
    }  # fmt: skip
    counts: dict[str, Any] = {name: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for name, table in tables.items()}
    for name, table in {"outcomes": "outcome", "holds": "hold"}.items():
        counts[name] = dict(connection.execute(f"SELECT {table}, count(*) FROM {table} GROUP BY {table} ORDER BY {table}"))
    return counts


if __name__ == "__main__":
    job.main(run)
