"""Opening the warehouse and running the statements of `sql/` by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pyarrow as pa

from pipeline.durable import disk_failure
from pipeline.errors import UnpoolError, WarehouseBusy, WarehouseDamaged

SQL_ROOT = Path(__file__).resolve().parents[2] / "sql"
# DuckDB's words for a file that is cut or altered.
DAMAGE = ("Could not read enough bytes", "Corrupt database file")
LARGEST_LIMIT = 4 << 30
SCHEMA = ("membership", "lab_result", "file", "slot", "batch", "outcome", "list_item", "hold", "signed_hold", "publish")


@cache
def statement(name: str) -> str:
    """Text of `sql/<name>.sql`: one statement."""
    return (SQL_ROOT / f"{name}.sql").read_text(encoding="utf-8")


class Warehouse:
    """One open warehouse. One process may hold it; who opens it holds the writer's lock (stages/house.py)."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def run(self, name: str, **params: object) -> None:
        """Execute `sql/<name>.sql`. Raises duckdb.Error; its text may quote SQL, never a parameter."""
        self.connection.execute(statement(name), params or None)

    def rows(self, name: str, **params: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement(name), params or None).fetchall()

    def dicts(self, name: str, **params: object) -> list[dict[str, Any]]:
        """Rows of `sql/<name>.sql`, a dictionary each, keyed by column."""
        result = self.connection.execute(statement(name), params or None)
        columns = [column[0] for column in result.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]

    def value(self, name: str, **params: object) -> Any:
        rows = self.rows(name, **params)
        return rows[0][0] if rows else None

    def arrow(self, name: str, **params: object) -> pa.Table:
        return self.connection.sql(statement(name), params=params or None).to_arrow_table()

    def stream(self, name: str, rows: int = 100_000, **params: object) -> pa.RecordBatchReader:
        """Rows of `sql/<name>.sql` as record batches of at most `rows`: for results as large as the day."""
        return self.connection.sql(statement(name), params=params or None).to_arrow_reader(rows)

    def batches(self) -> frozenset[int]:
        """Numbers of the batches whose work this file holds: what stands here is done, and not done again."""
        return frozenset(batch_no for (batch_no,) in self.rows("intake/batches"))

    @contextmanager
    def given(self, **tables: pa.Table) -> Iterator[None]:
        """Arrow tables readable under their names, in place, until the block ends."""
        for name, table in tables.items():
            self.connection.register(name, table)
        try:
            yield
        finally:
            for name in tables:
                self.connection.unregister(name)

    @contextmanager
    def second(self) -> Iterator[Warehouse]:
        """The same warehouse for another thread: it sees what is committed, and none of the temporary tables."""
        with self.connection.cursor() as connection:
            yield Warehouse(connection)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def forget(self, tables: Sequence[str]) -> None:
        """Drop temporary tables: what a step left for the next one of the same run."""
        for table in tables:
            self.connection.execute(f'DROP TABLE IF EXISTS temp."{table}"')


@contextmanager
def open_warehouse(path: Path, *, memory_limit: str | None, spill: Path | None) -> Iterator[Warehouse]:
    """Open `path` (made with its schema where absent) for writing; close it at the end.

    memory_limit: such as "2GB", None for half the machine, at most 4 GiB.
    spill: folder for what is larger than that, or None: intake holds names and phones in memory and
    must never write them to a temporary file in clear (DuckDB 2.0 cannot encrypt its temporary files offline).
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit or half_of(psutil.virtual_memory().total),
        "temp_directory": str(spill) if spill else "",
        "preserve_insertion_order": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    try:
        connection = duckdb.connect(str(path), config=config)
    except duckdb.Error as error:
        raise _unopened(error) from error
    try:
        connection.execute("SET enable_progress_bar = false")
        for table in SCHEMA:
            connection.execute(statement(f"schema/{table}"))
        if _columns(connection) != _own_columns():
            raise WarehouseDamaged(
                "The warehouse is of another version of unpool. Run `unpool rebuild`: it makes it anew, and nothing is lost."
            )
        yield Warehouse(connection)
    except duckdb.Error as error:
        # Damage further inside shows only when it is read, a full disk when it is written.
        if disk_failure(str(error)) or any(words in str(error) for words in DAMAGE):
            raise _unopened(error) from error
        raise
    finally:
        connection.close()


def _columns(connection: duckdb.DuckDBPyConnection) -> frozenset[tuple[str, str, str]]:
    found = ((table, connection.execute(statement("state/columns"), {"table_name": table}).fetchall()) for table in SCHEMA)
    return frozenset((table, *column) for table, columns in found for column in columns)


@cache
def _own_columns() -> frozenset[tuple[str, str, str]]:
    """Those of a warehouse that this version makes."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        for table in SCHEMA:
            connection.execute(statement(f"schema/{table}"))
        return _columns(connection)


def half_of(machine_bytes: int) -> str:
    """DuckDB's limit where none is set: half the memory, at most 4 GiB. The rest is for Python's Arrow tables, PostgreSQL and Airflow."""
    return f"{min(machine_bytes // 2, LARGEST_LIMIT) >> 20}MiB"


def _unopened(error: duckdb.Error) -> UnpoolError:
    """Another process has the file, the disk fails, or the file is damaged. DuckDB tells them apart by its words only."""
    if failure := disk_failure(str(error)):
        return failure
    if "Could not set lock" in str(error):
        return WarehouseBusy("Another program has the warehouse open. Try again in a moment.")
    return WarehouseDamaged("The warehouse does not open. Run `unpool rebuild`: it makes it anew from the archive and the ledger.")
