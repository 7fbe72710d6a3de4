"""Rows that are appended where all are new, and put in one by one's key where some are not: the same end, never a row lost or twice."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text

from pipeline.ledger import cards, outbox, staging
from pipeline.ledger.engine import Ledger
from pipeline.ledger.tables import card, message
from tests.integration.conftest import Given

HALF, ALL = ["a", "b"], ["a", "b", "c", "d"]


def count(ledger: Ledger) -> tuple[int, int]:
    with ledger.begin() as conn:
        return tuple(conn.execute(select(func.count()).select_from(table)).scalar_one() for table in (card, message))  # type: ignore[return-value]


def publish(ledger: Ledger, given: Given, names: list[str]) -> tuple[int, int]:
    specimens = [given.key(name) for name in names]
    with ledger.begin() as conn:
        made = cards.add_many(conn, lambda: [given.cards(specimens)], given.now)
        queued = outbox.enqueue_many(conn, lambda: [given.messages(*({"specimen_id": one, "version": 1} for one in specimens))], given.now)
    return made, queued


def test_C04_what_is_partly_there_gets_its_rest(ledger: Ledger, given: Given) -> None:
    assert publish(ledger, given, HALF) == (2, 2)
    # The cards that say the same already are left alone; so are the messages.
    assert publish(ledger, given, ALL) == (2, 2)
    assert publish(ledger, given, ALL) == (0, 0)
    assert count(ledger) == (4, 4)


def test_a_key_that_is_there_adds_nothing_and_spoils_nothing(ledger: Ledger, given: Given) -> None:
    publish(ledger, given, HALF)
    columns = [card.c[name] for name in (*cards.GIVEN, "updated_at")]
    with ledger.begin() as conn:
        rows = cards._dated(given.cards([given.key(name) for name in ("c", "a")]), given.now)
        assert staging.append(conn, card, columns, [rows]) is None
        # The transaction goes on.
        assert staging.append(conn, card, columns, [cards._dated(given.cards([given.key("d")]), given.now)]) == 1
    assert count(ledger)[0] == 3


def test_another_constraint_is_no_row_that_is_there(ledger: Ledger, given: Given) -> None:
    """Only a key says "is there already". A state outside the set is a defect, and must not pass for a repetition."""
    columns = [card.c[name] for name in (*cards.GIVEN, "updated_at")]
    rows = cards._dated(given.cards([given.key("a")], state="cured"), given.now)
    with pytest.raises(Exception, match="card"), ledger.begin() as conn:
        staging.append(conn, card, columns, [rows])
    assert count(ledger)[0] == 0


@pytest.mark.parametrize("rest", [["c", "d"], ALL], ids=["all_new", "partly_there"])
def test_the_planner_knows_at_once_of_many_rows(ledger: Ledger, given: Given, monkeypatch: pytest.MonkeyPatch, rest: list[str]) -> None:
    """PostgreSQL's own round comes a minute later, and the day's next statement does not wait for it."""

    def known() -> set[float]:
        with ledger.begin() as conn:
            return set(conn.execute(text("SELECT reltuples FROM pg_class WHERE relname IN ('card', 'message')")).scalars())

    publish(ledger, given, HALF)
    assert known() == {-1}, "few rows are left to that round"
    monkeypatch.setattr(staging, "MANY_ROWS", 2)
    publish(ledger, given, rest)
    assert known() == {len(ALL)}
