"""What SQL says a second time in the domain's words: link tokens, person states and purposes must be the same in both."""

from __future__ import annotations

import hashlib

from pipeline.delivery.link import token
from pipeline.domain.states import person_state, purpose_of
from pipeline.domain.words import Outcome
from tests.facts import Member, Result, Slot, store

KEY = b"a key of thirty-two bytes, or so"
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


def test_a_card_keeps_the_hash_of_the_token_in_the_link() -> None:
    with store() as given:
        given.add(FACTS)
        given.decide(30)
        rows = given.warehouse.dicts("decide/cards", batch_no=given.batch_no, token_key=KEY)
        assert len(rows) == len(given.people)
        for row in rows:
            assert row["token_hash"] == hashlib.sha256(token(KEY, row["specimen_id"]).encode()).hexdigest()


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
