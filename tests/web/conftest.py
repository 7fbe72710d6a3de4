"""What tests of pages begin with: a fresh ledger, a desk with its people, a desk after a day, a browser."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pipeline.ledger import server
from pipeline.ledger.engine import Ledger, open_ledger
from tests.homes import Installation, admin, new_installation
from tests.web import screens
from tests.web.desk import NOW, Town, town_of
from tests.web.operators import after_a_day, operators_town
from tests.web.phone import Site, served


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
def settled(warm: None, embedded: server.Server, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation after a small day, for all tests of a file."""
    folder = tmp_path_factory.mktemp("settled")
    made = new_installation(folder / "home", embedded, ledger_template, now=NOW)
    after_a_day(made, folder)
    yield made
    made.drop()


@pytest.fixture
def day(settled: Installation, tmp_path: Path) -> Iterator[Town]:
    """The day's desk, to change."""
    copy = settled.copy(tmp_path / "copy")
    with operators_town(copy) as town:
        yield town
    copy.drop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's, driven by playwright: none is downloaded."""
    with screens.chromium() as started:
        yield started


@pytest.fixture
def site(town: Town) -> Iterator[Site]:
    """The town's desk, served."""
    with served(town) as made:
        yield made
