"""Column types and the one dialect difference (upsert), shared by all tables of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Connection, DateTime, Dialect, Enum, Integer, Table, TypeDecorator
from sqlalchemy.dialects import postgresql, sqlite

# SQLite numbers only INTEGER keys by itself.
Number = BigInteger().with_variant(Integer, "sqlite")


class Moment(TypeDecorator[datetime]):
    """A point in time: aware datetimes in, UTC out. A naive datetime is a ValueError: nobody knows which clock it was read from."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment in the ledger needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def word(words: type[StrEnum], name: str) -> Enum:
    """A column of one closed set's values, held to it by a CHECK called `name`."""
    return Enum(
        words,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def insert_into(conn: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT, which SQLAlchemy has for each dialect apart."""
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)
