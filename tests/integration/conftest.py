"""A real PostgreSQL for tests: one embedded server a session, one fresh migrated ledger a test, copied from a template.

`ledger` gives a `pipeline.ledger.engine.Ledger`; `postgres` the server, for tests that start and stop things of their own; `given`
makes rows in the shape that the ledger takes.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import create_engine, text

from pipeline.ledger import server
from pipeline.ledger.engine import Ledger, migrate, open_ledger

TEMPLATE = "ledger_template"


@pytest.fixture(scope="session")
def postgres() -> Iterator[server.Server]:
    home = Path(tempfile.mkdtemp(prefix="unpool-pg-"))
    try:
        running = server.ensure_running(home)
        _admin(running, f"CREATE DATABASE {TEMPLATE}")
        template = open_ledger(running.url_for(TEMPLATE))
        migrate(template.engine)
        template.close()
        yield running
    finally:
        server.stop(home)
        shutil.rmtree(home)


@pytest.fixture
def ledger(postgres: server.Server) -> Iterator[Ledger]:
    name = f"ledger_{uuid.uuid4().hex}"
    _admin(postgres, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    opened = open_ledger(postgres.url_for(name))
    yield opened
    opened.close()
    _admin(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _admin(running: server.Server, statement: str) -> None:
    engine = create_engine(running.url_for("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(statement))
    engine.dispose()


class Given:
    """Rows for the ledger, in a few words."""

    now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    day = date(2026, 11, 20)

    @staticmethod
    def key(*parts: object) -> str:
        """The same id for the same parts."""
        return str(uuid.UUID(bytes=hashlib.sha256(repr(parts).encode()).digest()[:16]))

    def cards(self, specimens: list[str], state: str = "registered", version: int = 0) -> pa.RecordBatch:
        tokens = [hashlib.sha256(specimen.encode()).hexdigest() for specimen in specimens]
        common = {"state": state, "version": version, "vault_day": self.day, "vault_batch": 1}
        pairs = zip(specimens, tokens, strict=True)
        return pa.RecordBatch.from_pylist([{"specimen_id": specimen, "token_hash": token} | common for specimen, token in pairs])

    def message_id(self, specimen: str, version: int, purpose: str = "result") -> str:
        return self.key(specimen, version, purpose)

    def messages(self, *rows: dict[str, object]) -> pa.RecordBatch:
        """Rows need `specimen_id` and `version`; the rest is filled in."""
        usual: dict[str, object] = {
            "purpose": "result", "reachable": True, "vault_day": self.day, "vault_batch": 1,
            "collected_at": self.now, "due_at": self.now, "priority": 5,
        }  # fmt: skip
        filled = [usual | row for row in rows]
        for row in filled:
            row.setdefault("message_id", self.key(row["specimen_id"], row["version"], row["purpose"]))
        return pa.RecordBatch.from_pylist(filled, schema=MESSAGES)


MESSAGES = pa.schema(
    [
        ("message_id", pa.string()), ("specimen_id", pa.string()), ("version", pa.int32()), ("purpose", pa.string()),
        ("reachable", pa.bool_()), ("vault_day", pa.date32()), ("vault_batch", pa.int64()),
        ("collected_at", pa.timestamp("us", "Asia/Ho_Chi_Minh")), ("due_at", pa.timestamp("us", "UTC")), ("priority", pa.int32()),
    ]
)  # fmt: skip


@pytest.fixture(scope="session")
def given() -> Given:
    return Given()
