"""Fixtures for several kinds of tests: one PostgreSQL a session, a migrated ledger to copy from, installations of one's own."""

from __future__ import annotations

import gc
import importlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from twilio.rest import Client

from pipeline.delivery.stand_in import ANYBODY
from pipeline.ledger import server
from pipeline.ledger.engine import migrate, open_ledger
from pipeline.stages import intake_batch, notify
from tests.faults.longer import is_long
from tests.faults.mutants.nursery import POSTGRES
from tests.faults.reliability import Record
from tests.forks import import_before_logging
from tests.homes import TRUSTING, Installation, a_thousand_a_second, admin, databases, new_installation
from tests.tries import BEGAN, PATIENCE_S

TEMPLATE = "installation_template"
_faults = Record()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", metavar="FILE", help="write there what the fault tests found: for a whole run, `make test`")


def pytest_configure() -> None:
    """Every process of a run knows when it began. Two runs of one commit try the same, unless `--hypothesis-profile=random` asks for more."""
    os.environ.setdefault(BEGAN, str(time.time()))
    import_before_logging()
    settings.register_profile("same", derandomize=True)
    settings.register_profile("random")
    settings.load_profile("same")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """On a machine that others use too a run takes several times as long: then it must end, and says what it has not tried."""
    gone = time.time() - float(os.environ[BEGAN])
    if item.get_closest_marker("lengthy") and gone > PATIENCE_S and not is_long():
        pytest.skip(f"the tests have taken {gone / 60:.0f} minutes already; on a quieter machine this one is tried too")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """In the process that prints the reports, whoever ran the tests."""
    _faults.spend(report.nodeid, report.duration)
    if report.when == "call":
        _faults.note(report.nodeid, report.outcome, report.user_properties)


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--record")
    if path and not hasattr(session.config, "workerinput"):
        _faults.write(Path(path))


@pytest.fixture(scope="session")
def embedded_home() -> Iterator[Path]:
    """Where the tests' PostgreSQL lives. Whoever judges mutants has one that many sessions use (tests/faults/mutants/nursery.py)."""
    if given := os.environ.get(POSTGRES):
        yield Path(given)
        return
    home = Path(tempfile.mkdtemp(prefix="unpool-pg-"))
    try:
        yield home
    finally:
        server.stop(home)
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def embedded(embedded_home: Path) -> server.Server:
    """A PostgreSQL for all tests of this process. Nobody pulls the machine's plug: it need not wait for the disk."""
    running = server.ensure_running(embedded_home)
    admin(running, "ALTER SYSTEM SET fsync = off")
    admin(running, "SELECT pg_reload_conf()")
    return running


@pytest.fixture(scope="session")
def ledger_template(embedded: server.Server) -> str:
    """Name of a migrated, empty database."""
    if TEMPLATE in databases(embedded):
        return TEMPLATE
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


@pytest.fixture(scope="session")
def warm() -> Iterator[None]:
    """What every child would import for itself, imported once before it forks."""
    importlib.import_module("pandas")
    Client(ANYBODY.account_sid, ANYBODY.auth_token).messages  # noqa: B018 - the client imports on first use
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test, and the children that it forks, in which every file passes its judgement."""
    for name, answer in TRUSTING.items():
        monkeypatch.setattr(intake_batch, name, answer)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test, and the children that it forks, that need not wait for the pace of a country's Twilio."""
    monkeypatch.setattr(notify, "Pace", a_thousand_a_second)


@pytest.fixture(scope="session")
def warm_judge(warm: None) -> None:
    """The same with Great Expectations, which takes seconds."""
    importlib.import_module("great_expectations")
    gc.freeze()
