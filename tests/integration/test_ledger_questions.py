"""Short questions to the ledger, each on what is committed by then; one that finds its connection lost is asked again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from pipeline.domain.words import PersonState
from pipeline.errors import Broken
from pipeline.ledger import cards, openings, switches
from pipeline.ledger.engine import Ledger
from tests.cards import card_row, card_rows

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
MINE = str(uuid.UUID(int=1))


def by_sqlalchemy(conn: Connection) -> bool:
    return switches.stopped_by(conn) is switches.Stop.PAUSED


def by_the_driver(conn: Connection) -> bool:
    return MINE in openings.shown(conn, [MINE])


def become_true(ledger: Ledger) -> None:
    with ledger.begin() as conn:
        switches.set_paused(conn, True, reason="tried", who="op", now=NOW)
        cards.upsert_many(conn, [card_rows(card_row(MINE, PersonState.AT_LAB, 0))], NOW)


def end_all_others(ledger: Ledger) -> int:
    """How many connections of this database the server has ended."""
    with ledger.begin() as conn:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return len(conn.execute(text(f"SELECT pg_terminate_backend(pid, 5000) {others}")).all())


@pytest.mark.parametrize("question", [by_sqlalchemy, by_the_driver])
def test_each_question_sees_what_is_committed_by_then(ledger: Ledger, question: Callable[[Connection], bool]) -> None:
    with ledger.asking() as ask:
        assert ask(question) is False
        become_true(ledger)
        assert ask(question) is True


@pytest.mark.parametrize("question", [by_sqlalchemy, by_the_driver])
def test_C14_a_lost_connection_is_made_anew_and_asked_again(ledger: Ledger, question: Callable[[Connection], bool]) -> None:
    become_true(ledger)
    with ledger.asking() as ask:
        assert ask(question) is True
        assert end_all_others(ledger) == 1
        assert ask(question) is True
        assert ask(question) is True
    # And one that lay in the pool meanwhile.
    assert end_all_others(ledger) == 1
    with ledger.asking() as ask:
        assert ask(question) is True


def test_a_question_that_is_wrong_is_asked_once(ledger: Ledger) -> None:
    asked = []

    def wrong(conn: Connection) -> None:
        asked.append(1)
        conn.execute(text("SELECT nothing"))

    with ledger.asking() as ask, pytest.raises(Broken):
        ask(wrong)
    assert asked == [1]
