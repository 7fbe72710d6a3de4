"""Fixtures for several kinds of tests: one PostgreSQL a session, a migrated ledger to copy from, installations of one's own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.ledger import server
from pipeline.ledger.engine import migrate, open_ledger
from tests.homes import Installation, admin, new_installation

TEMPLATE = "installation_template"


@pytest.fixture(scope="session")
def embedded() -> Iterator[server.Server]:
    """A PostgreSQL for all tests of this process."""
    home = Path(tempfile.mkdtemp(prefix="unpool-pg-"))
    try:
        yield server.ensure_running(home)
    finally:
        server.stop(home)
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def ledger_template(embedded: server.Server) -> str:
    """Name of a migrated, empty database."""
    admin(embedded, f"CREATE DATABASE {TEMPLATE}")
    template = open_ledger(embedded.url_for(TEMPLATE))
    migrate(template.engine)
    template.close()
    return TEMPLATE


@pytest.fixture
def installation(embedded: server.Server, ledger_template: str, tmp_path: Path) -> Iterator[Callable[..., Installation]]:
    """Makes installations: `installation(programme="floodlamp")`, settings as changed."""
    made: list[Installation] = []

    def make(**changes: object) -> Installation:
        made.append(new_installation(tmp_path / f"home_{len(made)}", embedded, ledger_template, **changes))
        return made[-1]

    yield make
    for one in made:
        one.drop()
