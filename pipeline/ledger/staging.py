"""Many rows at once: Arrow batches stream by COPY into a temporary table, from where one statement takes them.

A million rows never stand in Python: each record batch is written as CSV by Arrow and handed to PostgreSQL.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
from psycopg import sql
from sqlalchemy import Column, Connection, Enum, MetaData, Table, Text, insert, text

from pipeline.ledger.columns import Hex, Moment

MANY_ROWS = 10_000


@contextmanager
def staged(conn: Connection, name: str, columns: Sequence[Column[Any]], batches: Iterable[pa.RecordBatch]) -> Iterator[Table]:
    """A temporary table `name` with `columns`, filled from `batches` (columns found by name, others are ignored), dropped at the end.

    Raises KeyError for a missing column, ValueError for a moment without time zone.
    """
    # None of the target's constraints: those speak when the rows move on.
    bare = [Column(column.name, Text() if isinstance(column.type, Enum) else column.type) for column in columns]
    table = Table(name, MetaData(), *bare, prefixes=["TEMPORARY"])
    table.create(conn)
    if conn.dialect.name == "postgresql":
        _copy(conn, table, batches)
        # For the sort by key that follows.
        conn.execute(text("SET LOCAL work_mem = '128MB'"))
        # A new temporary table has no statistics, and a million rows joined as if they were ten take for ever.
        conn.execute(text(f"ANALYZE {name}"))
    else:
        for batch in batches:
            if rows := _arranged(batch, table, for_copy=False).to_pylist():
                conn.execute(insert(table), rows)
    yield table
    # Not in a `finally`: after an error the transaction can only be rolled back, which drops the table as well.
    table.drop(conn)


def refresh_statistics(conn: Connection, table: Table, changed: int) -> None:
    """Let PostgreSQL look at a table that just grew by many rows; its own round comes a minute later, after the next statement."""
    if changed >= MANY_ROWS and conn.dialect.name == "postgresql":
        conn.execute(text(f"ANALYZE {table.name}"))


def _copy(conn: Connection, table: Table, batches: Iterable[pa.RecordBatch]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(table.name), sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    )
    options = pv.WriteOptions(include_header=False)
    driver: Any = conn.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for batch in batches:
            buffer = io.BytesIO()
            pv.write_csv(_arranged(batch, table, for_copy=True), buffer, options)
            copy.write(buffer.getbuffer())


def _arranged(batch: pa.RecordBatch, table: Table, *, for_copy: bool) -> pa.RecordBatch:
    """The batch with the table's columns in the table's order, moments in UTC."""
    arrays = [_column(batch.column(column.name), column, for_copy=for_copy) for column in table.columns]
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in table.columns])


def _column(array: pa.Array, column: Column[Any], *, for_copy: bool) -> pa.Array:
    if isinstance(column.type, Moment):
        if getattr(array.type, "tz", None) is None:
            raise ValueError(f"column {column.name} needs a time zone")
        return array.cast(pa.timestamp("us", "UTC"))
    if isinstance(column.type, Hex) and for_copy:
        return pc.binary_join_element_wise(pa.scalar("\\x"), array, pa.scalar(""))
    return array
