"""A fresh migrated ledger for a test, on the session's PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from pipeline.ledger import server
from pipeline.ledger.engine import Ledger, open_ledger
from tests.homes import Installation, admin
from tests.web.desk import NOW, Town, town_of


@pytest.fixture
def ledger(embedded: server.Server, ledger_template: str) -> Iterator[Ledger]:
    name = f"web_{uuid.uuid4().hex}"
    admin(embedded, f"CREATE DATABASE {name} TEMPLATE {ledger_template} STRATEGY FILE_COPY")
    opened = open_ledger(embedded.url_for(name))
    yield opened
    opened.close()
    admin(embedded, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def town(installation: Callable[..., Installation]) -> Iterator[Town]:
    """A desk with its people."""
    with town_of(installation(now=NOW)) as made:
        yield made
