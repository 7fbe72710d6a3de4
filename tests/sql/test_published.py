"""What SQL says a second time in the domain's words, person states and purposes, must be the same in both; and what it hands to the ledger."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.domain.states import person_state, purpose_of
from pipeline.domain.words import Outcome
from tests.facts import Member, Result, Slot, store

# Every outcome at least once; P: a preliminary row, by which the lab has the tube.
FACTS = [
    Member("A", "a"),
    Member("B", "b"), Result("B", "not_detected", "P"),
    Member("C", "c"), Result("C", "detected"),
    Member("D", "d"), Member("D", "e"), Result("D", "detected"),
    Member("E", "f", own="F1"), Result("E", "inconclusive"),
    Member("G", "g"), Result("G", None, "W"),
    Member("H", "h", file=1), Member("H", "i", file=2), Result("H", "detected"),
    Member("I", "j", size=3), Slot("I"),
    Member("J", "k", day=-9),
    Member("K", "l"), Result("K", "not_detected"),
]  # fmt: skip


def test_cards_and_messages_come_in_the_order_of_the_ledgers_indexes() -> None:
    with store() as given:
        given.add(FACTS)
        given.decide(30)
        cards = [row["specimen_id"] for row in given.warehouse.dicts("decide/cards", batch_no=given.batch_no, is_new=True)]
        assert len(cards) == len(given.people) and cards == sorted(cards)
        as_of = datetime(2026, 11, 30, tzinfo=UTC)
        messages = given.warehouse.arrow("decide/messages", batch_no=given.batch_no, time_zone="Asia/Ho_Chi_Minh", as_of=as_of).to_pylist()
        keys = [(row["specimen_id"], row["message_id"]) for row in messages]
        assert len(keys) > 5 and keys == sorted(keys) and [key for _, key in keys] == sorted(key for _, key in keys)
        assert len({key for _, key in keys}) == len(keys)
        assert all(specimen[:18] == key[:18] and specimen != key for specimen, key in keys)


def test_sql_and_domain_name_states_and_purposes_alike() -> None:
    with store() as given:
        given.add(FACTS)
        given.decide(30)
        rows = given.warehouse.connection.execute(
            "SELECT outcome, publish.person_state, purpose, tube_code FROM publish JOIN outcome USING (specimen_id) JOIN membership USING (specimen_id)"
        ).fetchall()
        seen_tubes = {fact.code for fact in FACTS if isinstance(fact, Result)}
        assert {outcome for outcome, *_ in rows} == set(Outcome)
        for outcome, state, purpose, tube in rows:
            assert state == person_state(Outcome(outcome), tube in seen_tubes)
            assert purpose == purpose_of(Outcome(outcome))
