"""C03: `unpool run` killed at random, again and again, over a day of 50,000 people, until a run is quick enough to end by itself."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

import pipeline
from pipeline.delivery.stand_in import ANYBODY, create_app, in_thread
from pipeline.ledger import receipts
from pipeline.stages.house import House
from pipeline.stages.status import status
from tests.faults.command import command, environment
from tests.faults.crowd import POOL, drop_crowd
from tests.faults.town import DAY_1
from tests.homes import Installation

PEOPLE, REACHABLE = 50_000, 2_000
SEED = 20261112
# The first kills come within so many seconds; each gives the next run a little longer.
FIRST_S, LONGER = 2.0, 1.15
IN_DOUBT = ("queued", "sending", "unknown")


def moments() -> Iterator[datetime]:
    """The time of each run: far enough apart for a dead sender to be noticed."""
    return (DAY_1 + timedelta(minutes=3) * number for number in count())


def quick_programme(folder: Path) -> str:
    """The shipped one, at a rate that sends 2,000 messages in seconds."""
    shipped = (Path(pipeline.__file__).parent / "shipped" / "programmes" / "vietnam" / "programme.toml").read_text()
    folder.mkdir()
    (folder / "programme.toml").write_text(shipped.replace("per_second = 20\n", "per_second = 500\n"))
    return str(folder)


def acknowledged(house: House) -> set[tuple[str, str, str]]:
    """The files for which somebody has a receipt: number, sender, content."""
    with house.ledger.begin() as conn:
        return {(one.claim_id, one.sender, one.sha256) for one in receipts.listing(conn)}


def in_doubt(house: House) -> int:
    told = status(house)["messages"]
    return sum(told.get(state, 0) for state in IN_DOUBT)


@pytest.mark.lengthy
@pytest.mark.parametrize("seed", [SEED])
def test_C03_killed_at_random_until_it_ends_by_itself(
    warm_judge: None, installation: Callable[..., Installation], tmp_path: Path, record_property: Callable[[str, int], None], seed: int
) -> None:
    # Its time is never before a claim's.
    app = create_app(ANYBODY.account_sid, ANYBODY.auth_token, lambda: DAY_1 + timedelta(days=1))
    with in_thread(app) as address:
        made = installation(programme=quick_programme(tmp_path / "quick"), twilio=replace(ANYBODY, api_base_url=address), batch_files=20)
        drop_crowd(made, PEOPLE, REACHABLE, tmp_path / "desk")
        times = moments()
        kills = killed_until_done(made, random.Random(seed), times, tmp_path / "said.txt")
        for now in [next(times) for _ in range(4)]:
            if made.do(in_doubt):
                run_whole(made, now, tmp_path / "said.txt")
        found = made.figures()
        told = app.state.store.counts()
    record_property("kills", kills)
    record_property("lost", REACHABLE - told["accepted"] + told["doubled"])
    record_property("doubled", told["doubled"])
    assert kills > 1
    assert found.violations == []
    assert sum(found.status["outcomes"].values()) == PEOPLE
    assert found.status["outcomes"] == {"not_detected": PEOPLE}
    assert (found.status["rows"]["accepted"], found.status["rows"]["received"]) == (PEOPLE + PEOPLE // POOL,) * 2
    states = found.status["messages"]
    assert states.get("sent", 0) + states.get("delivered", 0) == REACHABLE
    assert states["no_phone"] == PEOPLE - REACHABLE
    assert (told["accepted"], told["doubled"]) == (REACHABLE, 0)


def killed_until_done(made: Installation, chance: random.Random, times: Iterator[datetime], said: Path) -> int:
    """Returns the number of kills. No receipt that was ever seen may be gone after one."""
    known: set[tuple[str, str, str]] = set()
    for kills in count():
        with command(environment(made.settings, next(times)), "run", output=said) as running:
            code = running.wait(chance.uniform(0.1, 1.0) * FIRST_S * LONGER**kills)
        if code is not None:
            assert code == 0, said.read_text()
            return kills
        now_known = made.do(acknowledged)
        assert known <= now_known
        known = now_known
    raise AssertionError("unreachable: count() does not end")


def run_whole(made: Installation, now: datetime, said: Path) -> None:
    with command(environment(made.settings, now), "run", output=said) as running:
        assert running.wait(120) == 0, said.read_text()
