"""Opening the ledger, its migrations, and the lock that keeps two writers apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, StaticPool, create_engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from pipeline.errors import Broken, LedgerUnavailable, UnpoolError, WarehouseBusy

MIGRATIONS = Path(__file__).parent / "migrations"
# Keys of PostgreSQL's advisory locks: any numbers, each used once.
MIGRATION_LOCK = 0x756E_0001
WRITER_LOCK = 0x756E_0002
LOCK_NOT_AVAILABLE = "55P03"
# SQLSTATE classes that waiting heals: connection, serialization and deadlock, resources, operator's doing.
PASSING = frozenset({"08", "40", "53", "57"})
Answer = TypeVar("Answer")
# What `begin` gives, by a name for the rooms that do not know SQLAlchemy.
Transaction = Connection


@dataclass(frozen=True)
class Ledger:
    """An engine for transactions, and one for questions. `close` it before forking."""

    engine: Engine
    asker: Engine

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction, committed at the end of the block.

        What the database refuses is raised as LedgerUnavailable where trying again may help, else as Broken: with the names of the
        error, table and constraint, since the driver's own text quotes the row.
        """
        with self._translating(), self.engine.begin() as conn:
            yield conn

    @contextmanager
    def asking(self) -> Iterator[Callable[[Callable[[Connection], Answer]], Answer]]:
        """A way to ask many short questions, each seeing what is committed by then, over one connection. Errors as for `begin`.

        A question that finds its connection lost, as after a restart of the database, is asked once more over a new one.
        """
        if self.engine.dialect.name != "postgresql":
            # One connection for all there is: in a transaction of its own.
            def ask_in_turn(question: Callable[[Connection], Answer]) -> Answer:
                with self.begin() as conn:
                    return question(conn)

            yield ask_in_turn
            return
        with self._translating(), self.asker.connect() as conn:

            def ask(question: Callable[[Connection], Answer]) -> Answer:
                with self._translating():
                    try:
                        return question(conn)
                    except (DBAPIError, psycopg.Error):
                        if not _is_lost(conn):
                            raise
                        conn.invalidate()
                        conn.rollback()
                        return question(conn)

            yield ask

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, psycopg.Error) as error:
            raise translated(error) from None

    def close(self) -> None:
        self.engine.dispose()
        self.asker.dispose()


def open_ledger(url: str) -> Ledger:
    """A ledger at a SQLAlchemy URL. Nothing is connected yet. `sqlite://` (in memory) is for unit tests."""
    if url.startswith("sqlite"):
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False}, hide_parameters=True)
        return Ledger(engine, engine)
    shared: dict[str, Any] = {
        "pool_size": 5,
        "max_overflow": 15,
        # An error message of SQLAlchemy would quote the bound values.
        "hide_parameters": True,
        "connect_args": {"options": "-c timezone=UTC", "connect_timeout": 10, "application_name": "unpool"},
    }
    return Ledger(
        create_engine(url, pool_pre_ping=True, **shared),
        # A question holds no transaction and is asked again where its connection was lost: nothing to look after before or behind it.
        create_engine(url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None, **shared),
    )


def _is_lost(conn: Connection) -> bool:
    """Also where the driver was asked itself, and SQLAlchemy has not heard of it."""
    driver: Any = None if conn.invalidated else conn.connection.driver_connection
    return driver is None or bool(driver.closed)


def migrate(engine: Engine) -> None:
    """Bring the tables up to date in one transaction. Several processes may call this at once; a second call does nothing."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.begin() as conn:
            if conn.dialect.name == "postgresql":
                conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise translated(error) from None


@contextmanager
def writer_lock(engine: Engine, wait_s: float) -> Iterator[None]:
    """Be the only writer of the warehouse, among all processes that use this ledger. Raises WarehouseBusy after `wait_s` seconds.

    The lock lives as long as its connection: a killed process gives it back. SQLite has no second process: nothing to lock.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    try:
        conn = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    except DBAPIError as error:
        raise translated(error) from None
    try:
        # Out of the pool: whatever happens, closing it ends the session and so the lock.
        conn.detach()
        _take(conn, wait_s)
        yield
    finally:
        conn.close()


def _take(conn: Connection, wait_s: float) -> None:
    try:
        # 0 would mean to wait for ever.
        conn.execute(text("SELECT set_config('lock_timeout', :limit, false)"), {"limit": f"{max(1, int(wait_s * 1000))}ms"})
        conn.execute(text("SELECT pg_advisory_lock(:key)"), {"key": WRITER_LOCK})
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise WarehouseBusy("Another unpool process is writing to the warehouse. Try again in a moment.") from None
        raise translated(error) from None


def translated(error: DBAPIError | psycopg.Error) -> UnpoolError:
    """What the database refused, in our words: LedgerUnavailable where trying again may help, else Broken."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None)
    # Without a state: no connection at all.
    if state[:2] in PASSING if state else isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError):
        return LedgerUnavailable("The ledger's database does not answer or gave up a transaction. Try again in a moment.", sqlstate=state)
    known = getattr(cause, "diag", None)
    table, constraint = getattr(known, "table_name", None), getattr(known, "constraint_name", None)
    kind = type(cause).__name__
    return Broken(f"The ledger refused a statement: {kind}, table {table}, constraint {constraint}.", sqlstate=state)
