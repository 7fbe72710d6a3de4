"""A fresh migrated ledger for a test, on the session's PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from pipeline.ledger import server
from pipeline.ledger.engine import Ledger, open_ledger
from tests.homes import admin


@pytest.fixture
def ledger(embedded: server.Server, ledger_template: str) -> Iterator[Ledger]:
    name = f"web_{uuid.uuid4().hex}"
    admin(embedded, f"CREATE DATABASE {name} TEMPLATE {ledger_template} STRATEGY FILE_COPY")
    opened = open_ledger(embedded.url_for(name))
    yield opened
    opened.close()
    admin(embedded, f"DROP DATABASE {name} WITH (FORCE)")
