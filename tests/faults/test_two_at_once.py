"""C04: one task, two tries at once. The first stands still at a side effect of its own while the second goes as far as it can."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, NullPool, create_engine, text

from pipeline.stages import notify
from pipeline.stages.house import House
from tests.faults.conftest import Scenes, assert_as_if_nothing_had_happened, run_through, small_and_quick
from tests.faults.points import AFTER, BEFORE, watch
from tests.faults.test_crash_each_step import RUN
from tests.faults.town import DAY_2
from tests.homes import Figures
from tests.integration.office import until

LIMIT_S = 60.0
# Where the first try holds what it is about to say: rows that it has locked, a message that Twilio is about to get.
HOLDING = ("ledger commit in notify._claim", "twilio in sending._send", "ledger commit in sending._settle")
# The second of them is the first try's, the rest is left for the other.
CLAIM = 2

_fork = multiprocessing.get_context("fork")


def in_small_steps() -> None:
    small_and_quick()
    notify.LARGEST_CLAIM = CLAIM


def somebody_waits(engine: Engine) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with engine.connect() as conn:
        return bool(conn.execute(text(waiting)).scalar())


@pytest.mark.parametrize(("point", "when"), [*((point, AFTER) for point in RUN), *((point, BEFORE) for point in HOLDING)])
def test_C04_a_second_try_while_the_first_stands_still(
    scenes: Scenes, expected: Figures, point: str, when: str, record_property: Callable[[str, object], None]
) -> None:
    scene = scenes()
    # A connection beside the ledger's: what looks must not be watched.
    engine = create_engine(str(scene.installation.settings.database_url), poolclass=NullPool)
    go, ended = _fork.Event(), _fork.Event()

    def first(house: House) -> bool:
        stood: list[str] = []

        def stand_still() -> None:
            stood.append(point)
            go.set()
            until(lambda: ended.is_set() or somebody_waits(engine), "the second try ends, or waits for the first", LIMIT_S)

        try:
            in_small_steps()
            watch((point, when, RUN[point]), stand_still)
            run_through(house, DAY_2)
        finally:
            go.set()
        return bool(stood)

    def second(house: House) -> None:
        try:
            in_small_steps()
            assert go.wait(LIMIT_S)
            run_through(house, DAY_2)
        finally:
            ended.set()

    tries = [scene.installation.start(first), scene.installation.start(second)]
    assert tries[0](), "the point is not reached"
    tries[1]()
    assert_as_if_nothing_had_happened(scene, expected)
    record_property("overlaps", 1)
