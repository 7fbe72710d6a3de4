"""Migrations and `tables.py` make the same database; migrating is safe at any time; one writer at a time."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from pipeline.errors import LedgerUnavailable, WarehouseBusy
from pipeline.ledger.engine import Ledger, migrate, open_ledger, writer_lock
from pipeline.ledger.server import Server
from pipeline.ledger.tables import metadata


@pytest.fixture
def empty(postgres: Server) -> Iterator[Ledger]:
    """A database without tables."""
    name = f"empty_{uuid.uuid4().hex}"
    admin = create_engine(postgres.url_for("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text(f"CREATE DATABASE {name}"))
    opened = open_ledger(postgres.url_for(name))
    yield opened
    opened.close()
    with admin.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def _details(ledger: Ledger) -> set[str]:
    """What compare_metadata does not compare: checks, index predicates, storage."""
    checks = "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint"
    wheres = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
    storage = "SELECT relname || ' ' || array_to_string(reloptions, ',') FROM pg_class WHERE reloptions IS NOT NULL AND relkind = 'r'"
    with ledger.begin() as conn:
        found = {str(row[0]) for query in (checks, wheres, storage) for row in conn.execute(text(query))}
    return {line for line in found if "alembic_version" not in line and "pg_catalog" not in line}


def test_migrations_make_what_the_tables_say(ledger: Ledger, empty: Ledger) -> None:
    with ledger.begin() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
    metadata.create_all(empty.engine)
    assert _details(ledger) == _details(empty)
    assert any("ck_receipt_rows_balance" in line for line in _details(ledger))


def test_many_may_migrate_at_once(empty: Ledger) -> None:
    failures: list[Exception] = []

    def run() -> None:
        try:
            migrate(empty.engine)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(metadata.tables) <= set(inspect(empty.engine).get_table_names())
    migrate(empty.engine)


def test_one_writer_at_a_time(ledger: Ledger) -> None:
    with writer_lock(ledger.engine, 1.0), pytest.raises(WarehouseBusy), writer_lock(ledger.engine, 0.05):
        pass
    with writer_lock(ledger.engine, 0.05):
        pass


def test_the_lock_goes_back_when_its_holder_fails(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), writer_lock(ledger.engine, 1.0):
        raise ZeroDivisionError
    with writer_lock(ledger.engine, 0.05):
        pass


def test_the_next_writer_waits_for_the_first(ledger: Ledger) -> None:
    entered, order = threading.Event(), []

    def second() -> None:
        with writer_lock(ledger.engine, 30.0):
            order.append("second")

    with writer_lock(ledger.engine, 1.0):
        thread = threading.Thread(target=lambda: (entered.set(), second()))
        thread.start()
        entered.wait(5)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_C14_a_database_that_is_away_means_try_again(postgres: Server) -> None:
    away = open_ledger(Server(1, postgres.password).url_for("unpool"))
    with pytest.raises(LedgerUnavailable), away.begin():
        pass
    with pytest.raises(LedgerUnavailable):
        migrate(away.engine)
    with pytest.raises(LedgerUnavailable), writer_lock(away.engine, 1.0):
        pass


def test_C14_a_cut_connection_means_try_again_and_the_next_one_works(ledger: Ledger) -> None:
    with pytest.raises(LedgerUnavailable), ledger.begin() as conn:
        pid = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with ledger.begin() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        conn.execute(text("SELECT 1"))
    with ledger.begin() as conn:
        assert conn.execute(text("SELECT 1")).scalar_one() == 1
