"""A fresh migrated ledger for a test, on the session's PostgreSQL (tests/conftest.py).

`ledger` gives a `pipeline.ledger.engine.Ledger`; `postgres` the server, for tests that start and stop things of their own; `given`
makes rows in the shape that the ledger takes.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from fastapi import FastAPI

from pipeline.delivery.stand_in import create_app, in_thread
from pipeline.ledger import server
from pipeline.ledger.engine import Ledger, open_ledger
from pipeline.programme import load_programme
from pipeline.web import callbacks
from tests.cards import card_row, card_rows
from tests.homes import Installation, admin
from tests.integration.office import ACCOUNT, SECRET, Office, assert_tells_nothing


@pytest.fixture(scope="session")
def postgres(embedded: server.Server) -> server.Server:
    return embedded


@pytest.fixture
def ledger(embedded: server.Server, ledger_template: str) -> Iterator[Ledger]:
    name = f"ledger_{uuid.uuid4().hex}"
    admin(embedded, f"CREATE DATABASE {name} TEMPLATE {ledger_template} STRATEGY FILE_COPY")
    opened = open_ledger(embedded.url_for(name))
    yield opened
    opened.close()
    admin(embedded, f"DROP DATABASE {name} WITH (FORCE)")


class Given:
    """Rows for the ledger, in a few words."""

    now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    day = date(2026, 11, 20)

    @staticmethod
    def key(*parts: object) -> str:
        """The same id for the same parts."""
        return str(uuid.UUID(bytes=hashlib.sha256(repr(parts).encode()).digest()[:16]))

    def cards(self, specimens: list[str], state: str = "registered", version: int = 0) -> pa.RecordBatch:
        return card_rows(*(card_row(specimen, state, version) for specimen in specimens))

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


@pytest.fixture
def office(ledger: Ledger) -> Iterator[Office]:
    programme = load_programme("vietnam")
    programme = replace(programme, sending=replace(programme.sending, per_second=500.0, quiet_from=None, quiet_to=None))
    app = create_app(ACCOUNT, SECRET, lambda: made.at, timeout_s=4.0)
    with in_thread(app) as address:
        made = Office(ledger, app.state.store, address, programme)
        yield made
        assert_tells_nothing(message.body for message in app.state.store.messages.values())


@pytest.fixture
def reported(office: Office) -> Iterator[Office]:
    """The same with a web application that takes callbacks."""
    app = FastAPI()
    with in_thread(app) as address:
        office.callback_url = f"{address}/twilio/status"
        app.mount("/", callbacks.create_app(office.settings, office.ledger, lambda: office.at))
        yield office


@pytest.fixture
def copy(day: Installation, tmp_path: Path) -> Iterator[Installation]:
    """The file's day, to change."""
    made = day.copy(tmp_path / "copy")
    yield made
    made.drop()
