"""Many rows at once: Arrow batches stream by COPY, straight into the table where all rows are new, else by way of a temporary one.

A million rows never stand in Python: each record batch is written as CSV by Arrow and handed to PostgreSQL.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
from psycopg import sql
from sqlalchemy import Column, Connection, Enum, MetaData, Table, Text, insert, text
from sqlalchemy.exc import IntegrityError

from pipeline.ledger.columns import Moment

# Record batches, as often as they are asked for: what could not be appended is read a second time.
Rows = Callable[[], Iterable[pa.RecordBatch]]

MANY_ROWS = 10_000


def append(conn: Connection, table: Table, columns: Sequence[Column[Any]], batches: Iterable[pa.RecordBatch]) -> int | None:
    """Add rows that are all new to `table`; returns how many, or None, and adds nothing, where a key is there already.

    Half the time of `staged` and an INSERT with ON CONFLICT. Errors as for `staged`.
    """
    savepoint = conn.begin_nested()
    try:
        rows = _copy(conn, table.name, columns, batches) if _is_postgresql(conn) else _insert(conn, table, columns, batches)
    except (psycopg.errors.UniqueViolation, IntegrityError) as error:
        savepoint.rollback()
        if isinstance(error, IntegrityError) and "UNIQUE" not in str(error.orig):
            raise
        if isinstance(batches, Generator):
            # A stream of the warehouse is busy until it is closed, and the error's own traceback would keep it open.
            batches.close()
        return None
    savepoint.commit()
    refresh_statistics(conn, table, rows)
    return rows


@contextmanager
def staged(conn: Connection, name: str, columns: Sequence[Column[Any]], batches: Iterable[pa.RecordBatch]) -> Iterator[Table]:
    """A temporary table `name` with `columns`, filled from `batches` (columns found by name, others are ignored), dropped at the end.

    Raises KeyError for a missing column, ValueError for a moment without time zone.
    """
    # None of the target's constraints: those speak when the rows move on.
    bare = [Column(column.name, Text() if isinstance(column.type, Enum) else column.type) for column in columns]
    table = Table(name, MetaData(), *bare, prefixes=["TEMPORARY"])
    table.create(conn)
    if _is_postgresql(conn):
        _copy(conn, name, columns, batches)
        # A new temporary table has no statistics, and a million rows joined as if they were ten take for ever.
        conn.execute(text(f"ANALYZE {name}"))
    else:
        _insert(conn, table, columns, batches)
    yield table
    # Not in a `finally`: after an error the transaction can only be rolled back, which drops the table as well.
    table.drop(conn)


def refresh_statistics(conn: Connection, table: Table, changed: int) -> None:
    """Let PostgreSQL look at a table that just grew by many rows; its own round comes a minute later, after the next statement."""
    if changed >= MANY_ROWS and _is_postgresql(conn):
        conn.execute(text(f"ANALYZE {table.name}"))


def _copy(conn: Connection, table: str, columns: Sequence[Column[Any]], batches: Iterable[pa.RecordBatch]) -> int:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    )
    options = pv.WriteOptions(include_header=False)
    driver: Any = conn.connection.driver_connection
    with driver.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for batch in batches:
                buffer = io.BytesIO()
                arranged = _arranged(batch, columns)
                pv.write_csv(pa.RecordBatch.from_arrays([*map(_worded, arranged.columns)], names=arranged.schema.names), buffer, options)
                copy.write(buffer.getbuffer())
        return int(cursor.rowcount)


def _insert(conn: Connection, table: Table, columns: Sequence[Column[Any]], batches: Iterable[pa.RecordBatch]) -> int:
    """For SQLite, which has no COPY: unit tests are small."""
    count = 0
    for batch in batches:
        if rows := _arranged(batch, columns).to_pylist():
            conn.execute(insert(table), rows)
            count += len(rows)
    return count


def _arranged(batch: pa.RecordBatch, columns: Sequence[Column[Any]]) -> pa.RecordBatch:
    """The batch with the table's columns in the table's order, moments in UTC."""
    arrays = [_column(batch.column(column.name), column) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns])


def _column(array: pa.Array, column: Column[Any]) -> pa.Array:
    if isinstance(column.type, Moment):
        if getattr(array.type, "tz", None) is None:
            raise ValueError(f"column {column.name} needs a time zone")
        return array.cast(pa.timestamp("us", "UTC"))
    return array


def _worded(array: pa.Array) -> pa.Array:
    """Moments as text. Arrow's CSV writer looks the zone up for each of them: a million takes it 2 s, this way 0.2 s."""
    if not pa.types.is_timestamp(array.type):
        return array
    in_utc = array.cast(pa.timestamp("us")).cast(pa.string())
    return pc.binary_join_element_wise(in_utc, pa.scalar("Z"), pa.scalar(""))


def _is_postgresql(conn: Connection) -> bool:
    return conn.dialect.name == "postgresql"
