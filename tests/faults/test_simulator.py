"""C16 and what is in it: seeded episodes of a whole installation under any mix of faults (tests/faults/sim/), judged by a reference."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from itertools import count

import pytest

from pipeline.stages.house import House
from tests.faults.sim.episode import run_episode, tried
from tests.faults.sim.twilio import Twilio

# In CI: so many, or as many as these minutes allow. (The issue asks for 2,000; further seeds were not looked at yet: `make simulate`.)
EPISODES = int(os.environ.get("UNPOOL_EPISODES", "100"))
MINUTES = 4


@pytest.mark.timeout(480)
def test_C16_C15_P06_P14_T01_T02_T03_T04_T05_T06_T07_nothing_lost_doubled_or_wrong(
    record_property: Callable[[str, object], None],
) -> None:
    """Rows, outcomes, lists, holds and tellings as the reference has them, verify silent, and each last word at Twilio once or in a queue."""
    end = time.monotonic() + MINUTES * 60
    findings, met = [], Counter[str]()
    for seed in range(EPISODES):
        if time.monotonic() > end:
            break
        verdict = tried(seed)
        met += verdict.met
        met.update(lost=len(verdict.lost), doubled=len(verdict.doubled), wrong=len(verdict.wrong))
        if not verdict.is_good:
            findings.append(str(verdict))
    for figure in ("episodes", "lost", "doubled", "wrong"):
        record_property(figure, met[figure])
    record_property("faulted_sends", met["faulted sends"])
    record_property("simulated_crashes", met["crash"])
    record_property("simulated_store_errors", met["store error"])
    assert not findings, "\n".join(findings)
    assert met["episodes"] > 0


def test_a_seed_is_one_history() -> None:
    assert run_episode(1) == run_episode(1)


def twice(_: House, twilio: Twilio) -> None:
    twilio.kept.append(twilio.kept[0])


def never(_: House, twilio: Twilio) -> None:
    twilio.kept.pop()


def to_somebody_else(_: House, twilio: Twilio) -> None:
    twilio.kept[0].to = "+84900000000"


def another_outcome(house: House, _: Twilio) -> None:
    with house.warehouse(spill=True) as warehouse:
        warehouse.connection.execute("UPDATE outcome SET outcome = 'detected' WHERE outcome = 'not_detected'")


def off_the_list(house: House, _: Twilio) -> None:
    with house.warehouse(spill=True) as warehouse:
        warehouse.connection.execute("DELETE FROM list_item WHERE list = 'worklist'")


def a_row_less(house: House, _: Twilio) -> None:
    with house.ledger.begin() as conn:
        conn.exec_driver_sql(
            "UPDATE receipt SET rows_accepted = rows_accepted - 1, rows_rejected = rows_rejected + 1 WHERE rows_accepted > 0"
        )


@pytest.mark.parametrize(
    ("meddle", "kind"),
    [
        (twice, "doubled"),
        (never, "lost"),
        (to_somebody_else, "wrong"),
        (another_outcome, "wrong"),
        (off_the_list, "wrong"),
        (a_row_less, "wrong"),
    ],
)
def test_the_judge_notices(meddle: Callable[[House, Twilio], None], kind: str) -> None:
    """In the first episode that has something to meddle with."""
    for seed in count():
        try:
            verdict = run_episode(seed, meddle)
        except IndexError:
            continue
        if not verdict.is_good:
            break
        assert seed < 30, "nobody noticed"
    assert getattr(verdict, kind)
