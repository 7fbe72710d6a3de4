"""T10: a day's messages to one number are limited, whoever they are about. Those beyond it are somebody's to call; none is lost or doubled."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import text

from pipeline.domain.words import MessageState, Purpose
from pipeline.ledger import number_days, outbox
from pipeline.ledger.engine import Ledger
from pipeline.programme import load_programme, shipped_programmes
from pipeline.stages.lists import unreached
from pipeline.vault.numbers import number_print
from tests.integration.office import NOW, Office, until

SHARED = "0912345678"
WRITTEN = ("0912345678", "+84 912 345 678", "0912.345.678")
PRINT_OF = partial(number_print, b"n" * 32)


def sharing(office: Office, people: int, most: int) -> list[str]:
    """So many people of one number, however each wrote it."""
    office.programme = replace(office.programme, sending=replace(office.programme.sending, per_number_day=most))
    specimens = office.enqueue(people)
    office.phones |= {specimen: WRITTEN[number % len(WRITTEN)] for number, specimen in enumerate(specimens)}
    return specimens


def test_T10_a_number_gets_so_many_messages_a_day_and_no_more(office: Office) -> None:
    sharing(office, 12, most=5)
    others = office.enqueue(3)
    summary = office.run()
    assert (summary.sent, summary.over_limit, summary.queued) == (8, 7, 0)
    assert office.counts()["accepted"] == 8
    assert {office.message(one).state for one in others} <= {MessageState.SENT, MessageState.DELIVERED}
    assert office.run().is_anything is False
    assert Counter(one.state for one in unreached(office.ledger, office.at)) == {MessageState.OVER_LIMIT: 7}


def test_T10_the_most_urgent_are_those_that_go(office: Office) -> None:
    specimens = sharing(office, 0, most=2)
    assert specimens == []
    late = office.enqueue(3, priority=5)
    soon = office.enqueue(2, priority=1)
    office.phones |= dict.fromkeys([*late, *soon], SHARED)
    office.run()
    assert {office.message(one).state for one in late} == {MessageState.OVER_LIMIT}


def test_T10_the_next_day_is_another_day(office: Office) -> None:
    first = sharing(office, 3, most=3)
    office.run()
    office.at += timedelta(days=1)
    office.put(*({"specimen_id": specimen, "version": 2, "purpose": Purpose.WITHDRAWN.value} for specimen in first))
    assert (office.run().sent, office.counts()["accepted"]) == (3, 6)


def test_T10_a_family_and_a_care_home_are_below_the_limit_of_every_shipped_programme(office: Office) -> None:
    """Forty people on one phone, told on one day that their own test is needed and what it found, some of them corrected."""
    assert {load_programme(name).sending.per_number_day for name in shipped_programmes()} == {100}
    home = sharing(office, 40, most=load_programme("vietnam").sending.per_number_day)
    for version, people in ((2, home), (3, home[:20])):
        office.run_out()
        office.put(*({"specimen_id": specimen, "version": version} for specimen in people))
    office.run_out()
    assert (office.counts()["accepted"], office.states().get(MessageState.OVER_LIMIT, 0)) == (100, 0)


def test_T10_what_is_put_back_keeps_its_place_and_is_told_once(office: Office) -> None:
    specimens = sharing(office, 4, most=4)
    office.script("429", "500_before", "500_after", "timeout_after", reports=False)
    office.run_out()
    assert {office.message(one).state for one in specimens} <= {MessageState.SENT, MessageState.DELIVERED}
    assert (office.counts()["accepted"], office.counts()["doubled"]) == (4, 0)


def test_T10_runs_at_the_same_time_share_the_limit(office: Office) -> None:
    sharing(office, 120, most=30)
    runs = [threading.Thread(target=office.run, kwargs={"limit": 30}) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)
    assert office.counts()["accepted"] == 30
    assert office.states()[MessageState.OVER_LIMIT] == 90


def test_T10_who_loses_a_place_to_another_run_takes_the_next_one(ledger: Ledger) -> None:
    """Both found the first place free; the second waits for the first run's end, and must not be called instead for that."""
    ours, theirs = ((f"00000000-0000-4000-8000-00000000000{n}", PRINT_OF("+84912345678")) for n in (1, 2))

    def another_run() -> set[str]:
        with ledger.begin() as conn:
            return number_days.take(conn, NOW.date(), [theirs], 2)

    def is_waiting() -> bool:
        with ledger.begin() as conn:
            return bool(
                conn.execute(text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")).all()
            )

    with ThreadPoolExecutor(1) as pool:
        with ledger.begin() as conn:
            assert number_days.take(conn, NOW.date(), [ours], 2) == {ours[0]}
            other = pool.submit(another_run)
            until(is_waiting, "the other run waits")
        assert other.result(30) == {theirs[0]}


def test_T10_the_ledger_knows_no_number_and_forgets_its_mark(ledger: Ledger) -> None:
    day = NOW.date()
    with ledger.begin() as conn:
        wanted = [(f"00000000-0000-4000-8000-00000000000{n}", PRINT_OF("+84912345678")) for n in range(3)]
        assert number_days.take(conn, day, wanted, 2) == {wanted[0][0], wanted[1][0]}
        assert number_days.take(conn, day, wanted, 2) == {wanted[0][0], wanted[1][0]}
        stored = str(conn.execute(text("SELECT * FROM number_day")).all())
        assert "912345678" not in stored
        number_days.forget(conn, day)
        assert number_days.take(conn, day, wanted[2:], 2) == set()
        number_days.forget(conn, day + timedelta(days=1))
        assert number_days.take(conn, day, wanted[2:], 2) == {wanted[2][0]}


@pytest.mark.parametrize("said", [MessageState.DELIVERED, MessageState.SENDING])
def test_T10_what_is_beyond_the_limit_stays_so(office: Office, said: MessageState) -> None:
    specimens = sharing(office, 2, most=1)
    office.run()
    [over] = [office.message(one) for one in specimens if office.message(one).state is MessageState.OVER_LIMIT]
    with office.ledger.begin() as conn:
        assert not outbox.advance(conn, over.message_id, said, source="test", now=office.at)
