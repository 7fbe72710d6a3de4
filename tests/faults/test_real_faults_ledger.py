"""C14: the ledger's PostgreSQL stops and starts, and cuts off its connections, while a day is worked: whoever tries again gets it done."""

from __future__ import annotations

import os
import select
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.delivery.stand_in import ANYBODY, create_app, in_thread
from pipeline.errors import TryAgain
from pipeline.ledger import server
from pipeline.stages.house import House, open_house
from pipeline.stages.run import run_all
from pipeline.stages.status import status
from tests.faults.conftest import small_and_quick, trusting
from tests.faults.crowd import drop_crowd
from tests.faults.town import DAY_1
from tests.homes import Figures, Installation, admin, figures, in_child

PEOPLE, REACHABLE = 5_000, 300
# So long the server is not left in peace; the programme's 20 messages a second alone take 15 s.
UNREST_S = 25.0
EVERY_S = 1.5
# Each so manieth time it is not only the connections, but the server.
STOPPED_EACH = 3
TRIES = 150
CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'unpool' AND pid <> pg_backend_pid()"
IN_DOUBT = ("queued", "sending", "unknown")


@pytest.fixture
def own_home() -> Iterator[Path]:
    """For a PostgreSQL that nobody else uses."""
    home = Path(tempfile.mkdtemp(prefix="unpool-pg-"))
    try:
        yield home
    finally:
        server.stop(home)
        shutil.rmtree(home)


@pytest.mark.lengthy
def test_C14_the_ledger_restarts_and_drops_its_connections(
    warm: None,
    installation: Callable[..., Installation],
    own_home: Path,
    tmp_path: Path,
    record_property: Callable[[str, int], None],
) -> None:
    calm = installation()
    expected = undisturbed(calm, tmp_path)
    running = server.ensure_running(own_home)
    app = create_app(ANYBODY.account_sid, ANYBODY.auth_token, lambda: DAY_1 + timedelta(days=1))
    with in_thread(app) as address:
        settings = replace(calm.settings, home=own_home, database_url=None, twilio=replace(ANYBODY, api_base_url=address))
        made = Installation(settings, running)
        drop_crowd(made, PEOPLE, REACHABLE, tmp_path / "desk")
        begun, begins = os.pipe()
        with ThreadPoolExecutor(1) as beside:
            working = beside.submit(in_child, lambda: worked_until_done(made, begins))
            assert select.select([begun], [], [], 60)[0], "the work does not begin"
            cuts, stops = unrest(own_home, working)
            tries = working.result()
        os.close(begun)
        os.close(begins)
        found = made.figures()
        told = app.state.store.counts()
    record_property("ledger_cuts", cuts)
    record_property("ledger_restarts", stops)
    assert stops > 0
    assert cuts > 3
    assert tries > 2
    assert found.violations == []
    assert (found.state_hash, found.receipts, found.returns) == (expected.state_hash, expected.receipts, expected.returns)
    assert [one[:3] for one in found.messages] == [one[:3] for one in expected.messages]
    assert (told["accepted"], told["doubled"]) == (REACHABLE, 0)


def undisturbed(made: Installation, folder: Path) -> Figures:
    """The same files with nobody in the way, and without an account of Twilio's."""
    drop_crowd(made, PEOPLE, REACHABLE, folder / "desk")

    def work(house: House) -> Figures:
        small_and_quick()
        run_all(house, DAY_1, lambda *_: None)
        return figures(house)

    return made.do(work)


def worked_until_done(made: Installation, begins: int) -> int:
    """Run again after every TryAgain, until nothing is in doubt; how often. Any other error is a defect."""
    trusting()
    os.write(begins, b"!")
    for tries in range(1, TRIES):
        try:
            with open_house(made.settings) as house:
                run_all(house, DAY_1 + timedelta(minutes=3 * tries), lambda *_: None)
                messages = status(house)["messages"]
        except TryAgain:
            continue
        if not any(messages.get(state, 0) for state in IN_DOUBT):
            return tries
    raise AssertionError("it does not become quiet")


def unrest(home: Path, working: Future[int]) -> tuple[int, int]:
    """Until the work is done, or for so long: how often all connections were cut off, and how often the server was stopped."""
    end = time.monotonic() + UNREST_S
    cuts = stops = 0
    while time.monotonic() < end and not wait([working], timeout=EVERY_S).done:
        if cuts % STOPPED_EACH == STOPPED_EACH - 1:
            server.stop(home)
            stops += 1
        admin(server.ensure_running(home), CUT_OFF)
        cuts += 1
    return cuts, stops
