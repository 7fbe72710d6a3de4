"""Opening the ledger, its migrations, and the lock that keeps two writers apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, StaticPool, create_engine, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from pipeline.errors import LedgerUnavailable, WarehouseBusy

MIGRATIONS = Path(__file__).parent / "migrations"
# Keys of PostgreSQL's advisory locks: any numbers, each used once.
MIGRATION_LOCK = 0x756E_0001
WRITER_LOCK = 0x756E_0002
LOCK_NOT_AVAILABLE = "55P03"
# SQLSTATE classes that waiting heals: connection, resources, operator's doing, serialization and deadlock. None: no connection at all.
PASSING = frozenset({"08", "53", "57", "40", None})


@dataclass(frozen=True)
class Ledger:
    """An engine, and transactions on it. `close` it before forking."""

    engine: Engine

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction, committed at the end of the block. Raises LedgerUnavailable where trying again may help."""
        try:
            with self.engine.begin() as conn:
                yield conn
        except (OperationalError, InterfaceError) as error:
            raise _translated(error) from None

    def close(self) -> None:
        self.engine.dispose()


def open_ledger(url: str) -> Ledger:
    """A ledger at a SQLAlchemy URL. Nothing is connected yet. `sqlite://` (in memory) is for unit tests."""
    if url.startswith("sqlite"):
        return Ledger(create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False}, hide_parameters=True))
    return Ledger(
        create_engine(
            url,
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=15,
            # An error message of SQLAlchemy would quote the bound values.
            hide_parameters=True,
            connect_args={"options": "-c timezone=UTC", "connect_timeout": 10, "application_name": "unpool"},
        )
    )


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
    except (OperationalError, InterfaceError) as error:
        raise _translated(error) from None


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
    except (OperationalError, InterfaceError) as error:
        raise _translated(error) from None
    try:
        # Out of the pool: whatever happens, closing it ends the session and so the lock.
        conn.detach()
        _take(conn, wait_s)
        yield
    finally:
        conn.close()


def _take(conn: Connection, wait_s: float) -> None:
    # 0 would mean to wait for ever.
    conn.execute(text("SELECT set_config('lock_timeout', :limit, false)"), {"limit": f"{max(1, int(wait_s * 1000))}ms"})
    try:
        conn.execute(text("SELECT pg_advisory_lock(:key)"), {"key": WRITER_LOCK})
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise WarehouseBusy("Another unpool process is writing to the warehouse. Try again in a moment.") from None
        raise _translated(error) from None


def _translated(error: DBAPIError) -> Exception:
    state = getattr(error.orig, "sqlstate", None)
    if (state and state[:2]) in PASSING:
        return LedgerUnavailable("The ledger's database does not answer or gave up a transaction. Try again in a moment.")
    return error
