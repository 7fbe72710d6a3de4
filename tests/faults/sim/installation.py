"""A whole installation in memory: real stages over real stores, in one thread, on a virtual clock.

Replaced are only: Great Expectations as the judge (every file passes, as in tests/faults/conftest.py: it takes most of a run's time
and reads only), threads (work is done where it is handed over, so that a seed is one history), ids and clocks. The ledger is SQLite
in memory, through the product's own statements; its migrations are run once a process and copied.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import duckdb

from pipeline.delivery.sms import Provider
from pipeline.domain.words import Verdict
from pipeline.formats import FormatProfile, load_formats
from pipeline.home import Home
from pipeline.intake import archive, readers
from pipeline.ledger.engine import Ledger, migrate, open_ledger
from pipeline.programme import Programme, load_programme
from pipeline.quality.judge import Judgement
from pipeline.settings import Settings, TwilioSettings
from pipeline.stages import decide_batch, intake, intake_batch, lookup, notify, notify_due, returns, sending
from pipeline.stages.house import House
from pipeline.vault.keys import Keys, load_master
from pipeline.web import callbacks
from tests.faults.sim.reports import at_once
from tests.faults.sim.world import Clock
from tests.homes import MASTER_KEY

ACCOUNT = TwilioSettings("AC" + "0" * 32, "not a secret", "CDC")
MEMORY = Path("/dev/shm")


class AtOnce:
    """Stands for ThreadPoolExecutor. What is no Exception is a death: it goes straight through, as it ends all threads."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def map(self, work: Callable[..., Any], *given: Any) -> Iterator[Any]:
        return iter([work(*args) for args in zip(*given, strict=False)])


@contextmanager
def quick(clock: Clock, chance: Random, provider: Provider) -> Iterator[None]:
    """The product with one thread, virtual clocks, seeded ids and no Great Expectations, until the block ends."""
    ids = Random(chance.random())
    sent = partial(notify.notify, clock=clock.seconds, sleep=clock.sleep, chance=chance.random)
    with ExitStack() as stack:
        for room in (archive, readers, returns, decide_batch, sending, lookup, notify):
            stack.enter_context(patch.object(room, "ThreadPoolExecutor", AtOnce))
        for owner, name, instead in (
            (uuid, "uuid4", lambda: uuid.UUID(int=ids.getrandbits(128), version=4)),
            (duckdb, "connect", _single_threaded(duckdb.connect)),
            (intake, "ARCHIVE_FILES", 2),
            (intake_batch, "judge_files", _all_pass),
            (intake_batch, "judge_rows", lambda *_: []),
            (notify_due, "Sms", lambda _: provider),
            (notify_due, "notify", sent),
            (callbacks, "run_in_threadpool", at_once),
        ):
            stack.enter_context(patch.object(owner, name, instead))
        # Faults are what happens here: nobody need be warned of them.
        stack.enter_context(patch.object(logging.getLogger("unpool"), "disabled", True))
        yield


def _all_pass(profiles: Any, *_: object) -> dict[int, Judgement]:
    return {int(number): Judgement(Verdict.ACCEPTED, "") for number in profiles["receipt_no"]}


def _single_threaded(connect: Callable[..., Any]) -> Callable[..., Any]:
    return lambda path, config: connect(path, config=config | {"threads": 1})


@contextmanager
def installation(ledger: Ledger | None = None, **changes: Any) -> Iterator[House]:
    """A house of its own, gone at the end. `changes` are of Settings. Without a `ledger` (which is closed at the end) one in memory."""
    root = Path(tempfile.mkdtemp(prefix="unpool-sim-", dir=MEMORY if MEMORY.is_dir() else None))
    settings = Settings(home=root / "home", programme="vietnam", master_key=MASTER_KEY, memory_limit="512MB", twilio=ACCOUNT, **changes)
    home = Home(settings.home)
    home.make()
    programme, formats = _shipped(settings.programme, settings.result_url)
    keys = Keys(load_master(settings, home), home)
    ledger = ledger or _in_memory()
    try:
        yield House(settings, home, programme, formats, keys, archive.Archive(home.archive, keys.derive("archive"), keys), ledger)
    finally:
        ledger.close()
        shutil.rmtree(root)


@cache
def _shipped(name: str, result_url: str) -> tuple[Programme, tuple[FormatProfile, ...]]:
    programme = load_programme(name, result_url)
    return programme, load_formats(programme)


def _in_memory() -> Ledger:
    ledger = open_ledger("sqlite://")
    _migrated().backup(_driver(ledger))
    return ledger


@cache
def _migrated() -> sqlite3.Connection:
    ledger = open_ledger("sqlite://")
    migrate(ledger.engine)
    return _driver(ledger)


def forget_connection(ledger: Ledger) -> None:
    """What the end of a connection does: SQLite's temporary tables survive the rollback of the transaction that made them."""
    driver = _driver(ledger)
    driver.rollback()
    for (table,) in driver.execute("SELECT name FROM sqlite_temp_master WHERE type = 'table'").fetchall():
        driver.execute(f"DROP TABLE temp.{table}")


def _driver(ledger: Ledger) -> sqlite3.Connection:
    with ledger.engine.connect() as conn:
        driver = conn.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
