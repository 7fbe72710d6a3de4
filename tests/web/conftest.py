"""A fresh migrated ledger for a test, on the session's PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from pipeline.ledger import server
from pipeline.ledger.engine import Ledger, open_ledger
from tests.homes import Installation, admin
from tests.web.desk import NOW, Town, town_of
from tests.web.phone import CHROMIUM, Site, served


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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's, driven by playwright: none is downloaded."""
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def site(town: Town) -> Iterator[Site]:
    """The town's desk, served."""
    with served(town) as made:
        yield made
