"""C16 and what is in it: seeded episodes of a whole installation under any mix of faults (tests/faults/sim/), judged by a reference."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from uuid import UUID

import pytest

from pipeline.domain.words import HoldReason
from pipeline.ledger import holds, receipts
from pipeline.stages.house import House
from tests.faults.sim.episode import run_episode, tried
from tests.faults.sim.judge import Verdict
from tests.faults.sim.twilio import Twilio
from tests.tries import tries

# Whichever is first. Fewer episodes than AT_LEAST say nothing: the machine is too slow, or an episode has become so.
EPISODES = int(os.environ.get("UNPOOL_EPISODES", "2000"))
MINUTES = 4
AT_LEAST = 20


def played(play: Callable[[int], Verdict], episodes: int, minutes: float, clock: Callable[[], float] = time.monotonic) -> list[Verdict]:
    """The verdicts of seeds 0, 1, ... until there are `episodes`, or `minutes` of `clock` (seconds) are over."""
    return [play(seed) for seed in tries(episodes, minutes * 60, clock)]


# The minutes, the last episode's own time, and what a busy machine adds.
@pytest.mark.lengthy
@pytest.mark.timeout(MINUTES * 60 + 240)
def test_C16_C15_P06_P14_T01_T02_T03_T04_T05_T06_T07_nothing_lost_doubled_or_wrong(
    record_property: Callable[[str, object], None],
) -> None:
    """Rows, outcomes, lists, holds and tellings as the reference has them, verify silent, and each last word at Twilio once or in a queue."""
    verdicts = played(tried, EPISODES, MINUTES)
    met = Counter[str]()
    for verdict in verdicts:
        met += verdict.met
        met.update(lost=len(verdict.lost), doubled=len(verdict.doubled), wrong=len(verdict.wrong))
    record_property("episodes", len(verdicts))
    for figure in ("lost", "doubled", "wrong"):
        record_property(figure, met[figure])
    record_property("faulted_sends", met["faulted sends"])
    record_property("simulated_crashes", met["crash"])
    record_property("simulated_store_errors", met["store error"])
    assert not (findings := [str(verdict) for verdict in verdicts if not verdict.is_good]), "\n".join(findings)
    assert len(verdicts) >= min(AT_LEAST, EPISODES), f"only {len(verdicts)} episodes in {MINUTES} minutes"


@pytest.mark.parametrize(("episodes", "minutes", "expected"), [(5, 4, 5), (2_000, 4, 24), (2_000, 0, 0)])
def test_it_plays_until_enough_or_the_minutes_are_over(episodes: int, minutes: int, expected: int) -> None:
    """On a clock that ten seconds an episode move. An episode that broke was played too."""
    seconds = 0

    def play(seed: int) -> Verdict:
        nonlocal seconds
        seconds += 10
        return Verdict(seed, wrong=["it broke"])

    verdicts = played(play, episodes, minutes, lambda: seconds)
    assert [verdict.seed for verdict in verdicts] == list(range(expected))


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


def called_silent(house: House, _: Twilio) -> None:
    with house.ledger.begin() as conn:
        last = max(receipts.listing(conn), key=lambda one: one.receipt_no)
        row = {
            "hold_id": str(UUID(int=1)),
            "reason": HoldReason.LAB_SILENT,
            "subject": f"lab {last.sender}",
            "owner": last.sender,
            "detail": {},
        }
        holds.upsert_many(conn, [row], last.received_at)


@pytest.mark.parametrize(
    ("meddle", "kind"),
    [
        (called_silent, "wrong"),
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
