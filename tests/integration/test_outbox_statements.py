"""What the outbox asks of PostgreSQL: a claim walks the queue's index, and nobody asks or writes more than there is to know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from pipeline.domain.words import MessageState
from pipeline.ledger import outbox
from pipeline.ledger.engine import Ledger
from pipeline.ledger.staging import MANY_ROWS

from .conftest import Given

S = MessageState


@contextmanager
def _heard(conn: Connection) -> Iterator[list[tuple[str, Any]]]:
    """Each statement with its parameters, as the server gets them. COPY goes another way."""
    heard: list[tuple[str, Any]] = []

    def note(_conn: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        heard.append((statement, parameters))

    event.listen(conn, "before_cursor_execute", note)
    yield heard
    event.remove(conn, "before_cursor_execute", note)


def _enqueue(conn: Connection, given: Given, specimens: int, version: int = 1) -> None:
    batch = given.messages(*({"specimen_id": given.key(i), "version": version} for i in range(specimens)))
    assert outbox.enqueue_many(conn, lambda: [batch], given.now) == specimens


def test_a_claim_walks_the_queue_whatever_the_planner_believes_of_it(ledger: Ledger, given: Given) -> None:
    """In one transaction, which no autovacuum sees into: the planner only guesses, and left to itself would sort the whole queue."""
    with ledger.begin() as conn:
        _enqueue(conn, given, MANY_ROWS - 1)
        with _heard(conn) as heard:
            assert len(outbox.claim(conn, 100, "w", given.now)) == 100
        (look,) = [said for said in heard if "FOR UPDATE" in said[0]]
        as_claimed = _plan(conn, *look)
        conn.execute(text("SET LOCAL enable_sort = on"))
        left_to_itself = _plan(conn, *look)
    assert "Index Scan using ix_message_due on message " in as_claimed and "Sort" not in as_claimed and "Seq Scan" not in as_claimed
    assert "Sort" in left_to_itself, "this queue would not have shown the difference"


def _plan(conn: Connection, statement: str, parameters: Any) -> str:
    return "\n".join(conn.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())


def test_what_a_claim_asks_of_the_planner_ends_with_it(ledger: Ledger, given: Given) -> None:
    """The connection is used again, also by what has to sort."""
    with ledger.engine.connect() as conn:
        with conn.begin():
            outbox.claim(conn, 1, "w", given.now)
        assert conn.execute(text("SHOW enable_sort")).scalar_one() == "on"


@pytest.mark.parametrize(("n", "looks"), [(2, 1), (5, 2)])
def test_a_claim_that_has_what_it_asked_for_looks_no_further(ledger: Ledger, given: Given, n: int, looks: int) -> None:
    with ledger.begin() as conn:
        _enqueue(conn, given, 3)
        with _heard(conn) as heard:
            assert len(outbox.claim(conn, n, "w", given.now)) == min(n, 3)
    assert sum("FOR UPDATE" in statement for statement, _ in heard) == looks


def test_only_who_is_told_again_is_looked_for_in_the_queue(ledger: Ledger, given: Given) -> None:
    with ledger.begin() as conn:
        for version, is_looked_for in ((1, False), (2, True)):
            with _heard(conn) as heard:
                _enqueue(conn, given, 3, version)
            assert any("FOR UPDATE" in statement for statement, _ in heard) is is_looked_for


def test_T05_a_doubled_callback_writes_nothing(ledger: Ledger, given: Given) -> None:
    with ledger.begin() as conn:
        _enqueue(conn, given, 1)
        (claimed,) = outbox.claim(conn, 1, "w", given.now)
        for verbs in ({"SELECT", "INSERT", "UPDATE"}, {"SELECT"}):
            with _heard(conn) as heard:
                outbox.advance(conn, claimed.message_id, S.SENT, sid="SM1", source="callback", now=given.now)
            assert {statement.split()[0] for statement, _ in heard} == verbs
