"""What SQL says a second time in the domain's words, person states and purposes, must be the same in both; and what it hands to the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from pipeline.domain.states import person_state, purpose_of
from pipeline.domain.words import Basis, Outcome, PersonState, Purpose, RejectReason
from pipeline.ledger import outbox
from tests.facts import Fact, Member, Result, Slot, Store, store

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


def test_sql_and_the_ledger_give_a_message_one_id() -> None:
    with store() as given:
        given.add(FACTS)
        given.decide(30)
        as_of = datetime(2026, 11, 30, tzinfo=UTC)
        messages = given.warehouse.arrow("decide/messages", batch_no=given.batch_no, time_zone="Asia/Ho_Chi_Minh", as_of=as_of).to_pylist()
        made = [outbox.message_id(row["specimen_id"], row["version"], Purpose(row["purpose"])) for row in messages]
        assert made and made == [row["message_id"] for row in messages]


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


def _card(given: Store, person: str = "a") -> dict[str, object]:
    """What the ledger is given of one person."""
    rows = [row for is_new in (True, False) for row in given.warehouse.dicts("decide/cards", batch_no=given.batch_no, is_new=is_new)]
    (row,) = [row for row in rows if given.people[row["specimen_id"]][0] == person]
    return row


POOL = (Member("T", "a"), Member("T", "b"))
KEPT = tuple(replace(one, own=f"{one.person.upper()}1") for one in POOL)
# The facts, and what a's card says: state, result, basis.
WORDED: list[tuple[tuple[Fact, ...], tuple[str, str | None, str]]] = [
    ((Member("T", "a"),), ("registered", None, "waiting")),
    ((Member("T", "a"), Result("T", "not_detected", "P")), ("at_lab", None, "waiting")),
    ((*POOL, Result("T", "not_detected")), ("ready", "not_detected", "pool")),
    ((Member("T", "a"), Result("T", "not_detected")), ("ready", "not_detected", "single")),
    ((Member("T", "a"), Result("T", "detected")), ("ready", "detected", "single")),
    ((*KEPT, Result("T", "detected"), Result("A1", "detected", hours=28)), ("ready", "detected", "single")),
    *(((*KEPT, Result("T", call)), ("own_test_needed", None, "pool_unclear")) for call in ("detected", "inconclusive")),
    *(((*POOL, Result("T", call)), ("come_again", None, "pool_unclear")) for call in ("detected", "inconclusive")),
    ((*POOL, Result("T", "invalid"), Result("T", "invalid", hours=26)), ("come_again", None, "pool_unclear")),
    ((Member("T", "a"), Result("T", "inconclusive")), ("come_again", None, "own_unclear")),
    ((Member("T", "a", own="A1"), Result("T", "inconclusive")), ("own_test_needed", None, "own_unclear")),
    ((*KEPT, Result("T", "detected"), Result("A1", "inconclusive", hours=28)), ("come_again", None, "own_unclear")),
    ((*KEPT, Result("T", "detected"), Result("A1", "invalid", hours=28)), ("own_test_needed", None, "own_unclear")),
    *(((*POOL, Result("T", "rejected", reason=reason)), ("come_again", None, f"tube_{reason}")) for reason in RejectReason),
    ((Member("T", "a"), Result("T", None, "W")), ("withdrawn", None, "withdrawn_by_lab")),
    ((Member("T", "a", day=-12),), ("not_found", None, "no_result")),
    ((Member("T", "a", size=3), Result("T", "not_detected")), ("at_lab", None, "waiting")),
]


@pytest.mark.parametrize(
    ("facts", "said"), WORDED, ids=[f"{number} {' '.join(filter(None, said))}" for number, (_, said) in enumerate(WORDED)]
)
def test_a_card_says_what_its_person_may_know(facts: tuple[Fact, ...], said: tuple[str, str | None, str]) -> None:
    with store() as given:
        given.add(facts)
        given.decide(30)
        card = _card(given)
        assert (card["state"], card["result"], card["basis"]) == said
        assert card["collected_on"] in (date(2026, 11, 2), date(2026, 10, 21)) and card["place"] == "S1" and not card["is_corrected"]


def test_the_cases_are_all_states_and_bases() -> None:
    states, _, bases = (set(words) for words in zip(*(said for _, said in WORDED), strict=True))
    assert (states, bases) == (set(PersonState), set(Basis))


@pytest.mark.parametrize(
    ("site", "place"),
    [
        ("HCM-Q1/3.b_2", "HCM-Q1/3.b_2"), ("0123456", "TEAM1"), ("S-0912345678", "TEAM1"), ("Nguyễn Văn A", "TEAM1"), ("Tran Van A", "TEAM1"),
        ("", "TEAM1"), ("A" * 33, "TEAM1"), ("=1+1", "TEAM1"), ("A\nB", "TEAM1"),
    ],
)  # fmt: skip
def test_W14_the_place_is_a_code_and_never_what_names_somebody(site: str, place: str) -> None:
    with store() as given:
        given.add([Member("T", "a")])
        given.warehouse.connection.execute("UPDATE membership SET site_code = ?", [site])
        given.decide(30)
        assert _card(given)["place"] == place


def test_a_result_that_replaces_another_says_so_and_goes_on_saying_so() -> None:
    def corrected(hours: float, *facts: Fact) -> tuple[object, object]:
        given.add(facts)
        given.decide(hours)
        card = _card(given)
        return card["result"], card["is_corrected"]

    with store() as given:
        assert corrected(30, *KEPT, Result("T", "not_detected")) == ("not_detected", False)
        assert corrected(32, Result("T", "detected", "C", told=31)) == (None, False)
        assert corrected(34, Result("A1", "detected", hours=33)) == ("detected", True)
        assert corrected(36, Result("A1", None, "W", told=35, hours=33)) == (None, False)
        assert corrected(38, Result("A1", "detected", "C", told=37, hours=33)) == ("detected", True)


def test_a_result_found_again_in_another_way_renews_the_card_and_tells_nobody() -> None:
    with store() as given:
        given.add([*KEPT, Result("T", "not_detected")])
        given.decide(30)
        assert _card(given)["basis"] == "pool"
        given.add([Result("A1", "not_detected", hours=31)])
        given.decide(32)
        card = _card(given)
        assert (card["basis"], card["version"], card["is_corrected"]) == ("single", 1, False) and given.messages() == {}


def test_what_a_rebuild_fills_in_is_what_was_published() -> None:
    with store() as given:
        given.add(FACTS)
        given.decide(30)
        published = given.warehouse.dicts("decide/cards", batch_no=given.batch_no, is_new=True)
        now = sorted(given.warehouse.dicts("decide/cards_now"), key=lambda row: str(row["specimen_id"]))
        assert len(now) == len(given.people) and now == published


def test_a_rebuild_fills_in_whether_a_result_replaced_another() -> None:
    with store() as given:
        given.add([Member("T", "a"), Member("U", "b"), Result("T", "detected"), Result("U", "detected")])
        given.decide(30)
        given.add([Result("T", "not_detected", status="C", told=31)])
        given.decide(32)
        said = {given.people[row["specimen_id"]][0]: row["is_corrected"] for row in given.warehouse.dicts("decide/cards_now")}
        assert said == {"a": True, "b": False}


def test_a_reason_that_nobody_is_told_is_an_error() -> None:
    with store() as given, pytest.raises(Exception, match="a reason that no person is told"):
        given.add([Member("T", "a"), Result("T", "rejected", reason="lost")])
        given.decide(30)
