"""What a later batch changes, and what it leaves: cards, versions, urgency, holds and list items over several decisions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from pipeline.warehouse.decide import Waiting, waiting
from tests.facts import CLOCKS, DAY0, Fact, Member, Result, Slot, Store, store

VAULT_DAY = date(2026, 11, 2)


def _decided(given: Store, hours: float, *facts: Fact) -> None:
    if facts:
        given.add(facts)
    given.decide(hours)


def _published(given: Store) -> dict[str, tuple[str, int, str | None, int]]:
    """person → card, version, purpose and urgency (0 first) that the last batch publishes."""
    columns = "CAST(specimen_id AS VARCHAR), person_state, version, purpose, priority"
    rows = given.warehouse.connection.execute(f"SELECT {columns} FROM publish").fetchall()
    return {given.people[specimen][0]: (state, version, purpose, priority) for specimen, state, version, purpose, priority in rows}


def _cards(given: Store, *, is_new: bool) -> dict[str, date]:
    rows = given.warehouse.dicts("decide/cards", batch_no=given.batch_no, is_new=is_new)
    assert len(rows) == len({row["specimen_id"] for row in rows})
    return {given.people[row["specimen_id"]][0]: row["vault_day"] for row in rows}


def test_a_card_is_new_until_its_specimen_was_decided_once() -> None:
    with store() as given:
        _decided(given, 20, Member("T", "a"))
        assert (_cards(given, is_new=True), _cards(given, is_new=False)) == ({"a": VAULT_DAY}, {})
        _decided(given, 21, Member("U", "b"), Result("T", "not_detected"))
        assert (_cards(given, is_new=True), _cards(given, is_new=False)) == ({"b": VAULT_DAY}, {"a": VAULT_DAY})
        _decided(given, 30, Result("U", "not_detected"))
        assert (_cards(given, is_new=True), _cards(given, is_new=False)) == ({}, {"b": VAULT_DAY})


def test_messages_are_those_of_the_rows_that_tell() -> None:
    with store() as given:
        _decided(given, 30, Member("T", "a"), Result("T", "not_detected"), Member("U", "b"))
        as_of = datetime(2026, 11, 3, tzinfo=UTC)
        rows = given.warehouse.arrow("decide/messages", batch_no=given.batch_no, time_zone="Asia/Ho_Chi_Minh", as_of=as_of).to_pylist()
        assert [(given.people[row["specimen_id"]][0], row["purpose"], row["vault_day"]) for row in rows] == [("a", "result", VAULT_DAY)]


def test_what_a_person_reads_is_published_when_it_changes_and_only_then() -> None:
    with store() as given:
        _decided(given, 20, Member("T", "a"))
        assert _published(given) == {"a": ("registered", 0, None, 2)}
        _decided(given, 26, Result("T", "not_detected", "P"))
        assert _published(given) == {"a": ("at_lab", 0, None, 2)}
        _decided(given, 27, Result("T", "detected", "P"))
        assert _published(given) == {}
        _decided(given, 30, Result("T", "not_detected"))
        assert _published(given) == {"a": ("ready", 1, "result", 2)}
        _decided(given, 32, Result("T", "not_detected", "C", told=31, ct="38.0"))
        assert _published(given) == {}
        _decided(given, 34, Result("T", "detected", "C", told=33))
        assert _published(given) == {"a": ("ready", 2, "result", 0)}
        _decided(given, 36, Result("T", "not_detected", "C", told=35))
        assert _published(given) == {"a": ("ready", 3, "result", 0)}
        _decided(given, 38, Result("T", "inconclusive", "C", told=37))
        assert _published(given) == {"a": ("come_again", 4, "come_again", 0)}
        _decided(given, 40, Result("T", None, "W", told=39))
        assert _published(given) == {"a": ("withdrawn", 5, "withdrawn", 0)}


def test_urgent_is_a_positive_result_then_the_own_test_then_the_rest() -> None:
    with store() as given:
        facts = [Member(tube, tube.lower(), own="C1" if tube == "C" else None) for tube in "ABCDE"]
        calls = {"A": "detected", "B": "not_detected", "C": "inconclusive", "D": "inconclusive"}
        _decided(given, 30, *facts, *(Result(tube, call) for tube, call in calls.items()), Member("F", "f", day=-12))
        assert {person: priority for person, (*_, priority) in _published(given).items()} == {
            "a": 0,
            "b": 2,
            "c": 1,
            "d": 1,
            "e": 2,
            "f": 2,
        }


def test_a_hold_is_told_when_it_opens_changes_closes_and_opens_again() -> None:
    def told(hours: float, *facts: Fact) -> list[tuple[object, ...]]:
        _decided(given, hours, *facts)
        rows = given.warehouse.dicts("decide/holds", batch_no=given.batch_no)
        return [(row["reason"], row["subject"], row["owner"], row["specimens"], row["closed_at"]) for row in rows]

    def since() -> float:
        ((opened_at,),) = given.warehouse.connection.execute("SELECT opened_at FROM hold WHERE reason = 'incomplete'").fetchall()
        return (opened_at - DAY0) / timedelta(hours=1)

    with store() as given:
        assert told(29, Result("X", "detected", lab="LAB2"), Result("X", "detected", lab="LAB1")) == [("unmatched", "X", "LAB1", 0, None)]
        assert told(30, Member("T", "a", size=3), Member("T", "b", size=3), Result("T", "not_detected")) == [
            ("incomplete", "T", "TEAM1", 2, None)
        ]
        assert told(30.5, Result("T", "detected", "P", hours=25)) == [] and since() == 30
        # The same question on other facts: who signs must see these.
        assert told(31, Result("T", "not_detected", hours=25)) == [("incomplete", "T", "TEAM1", 2, None)] and since() == 30
        assert told(32, Member("T", "c", size=3)) == [("incomplete", "T", "TEAM1", 2, DAY0 + timedelta(hours=32))]
        assert told(33, Result("T", "not_detected", hours=26)) == []
        assert told(34, Member("T", "d", size=5)) == [("incomplete", "T", "TEAM1", 4, None)] and since() == 34
        assert told(35, Member("T", "e", size=6)) == [("incomplete", "T", "TEAM1", 5, None)] and since() == 34
        assert told(36, Result("X", "detected", hours=25)) == []


def test_a_hold_of_two_teams_has_one_owner_whatever_came_first() -> None:
    with store() as given:
        _decided(given, 30, Member("T", "a", file=2, team="TEAM2"), Member("T", "b", file=1, team="TEAM1"))
        assert [row["owner"] for row in given.warehouse.dicts("decide/holds", batch_no=given.batch_no)] == ["TEAM1"]


def _items(given: Store) -> dict[str, tuple[str, float, float | None]]:
    """'list person' → state, hours of its opening and its end."""
    rows = given.warehouse.connection.execute(
        "SELECT list, CAST(subject_id AS VARCHAR), state, opened_at, closed_at FROM list_item"
    ).fetchall()

    def hours(at: datetime | None) -> float | None:
        return None if at is None else (at - DAY0) / timedelta(hours=1)

    return {
        f"{name} {given.people[subject][0]}" if subject in given.people else name: (state, hours(opened), hours(closed))  # type: ignore[misc]
        for name, subject, state, opened, closed in rows
    }


def test_a_tube_tested_again_is_done_and_stays_so() -> None:
    with store() as given:
        _decided(given, 30, Member("T", "a"), Member("T", "b"), Result("T", "invalid"))
        assert _items(given) == {"repeat": ("open", 30, None)}
        _decided(given, 31, Member("T", "c"))
        assert _items(given) == {"repeat": ("open", 30, None)}
        _decided(given, 32, Result("T", "not_detected", hours=28))
        assert _items(given) == {"repeat": ("done", 30, 32)}
        _decided(given, 33, Result("T", "not_detected", hours=29))
        assert _items(given) == {"repeat": ("done", 30, 32)}


def test_an_item_cancelled_stays_so_and_is_opened_again_by_the_facts() -> None:
    with store() as given:
        _decided(given, 30, Member("T", "a"), Member("T", "b"), Result("T", "detected"))
        assert _items(given) == {"callback a": ("open", 30, None), "callback b": ("open", 30, None)}
        _decided(given, 32, Result("T", "not_detected", "C", told=31))
        assert _items(given) == {"callback a": ("cancelled", 30, 32), "callback b": ("cancelled", 30, 32)}
        _decided(given, 34, Result("T", "not_detected", "C", told=33))
        assert _items(given) == {"callback a": ("cancelled", 30, 32), "callback b": ("cancelled", 30, 32)}
        _decided(given, 36, Result("T", "detected", "C", told=35))
        assert _items(given) == {"callback a": ("open", 30, None), "callback b": ("open", 30, None)}


def test_a_call_back_that_was_done_stays_done_when_its_tube_alone_is_decided_again() -> None:
    with store() as given:
        _decided(given, 30, Member("T", "a"), Member("T", "b"), Result("T", "detected"))
        _decided(given, 50, Member("U", "a", day=2, replaces="T"))
        assert _items(given) == {"callback a": ("done", 30, 50), "callback b": ("open", 30, None)}
        _decided(given, 51, Result("T", "detected", hours=25))
        assert _items(given) == {"callback a": ("done", 30, 50), "callback b": ("open", 30, None)}


def test_P03_a_contradiction_stands_when_only_a_neighbour_is_decided_again() -> None:
    """a is in S and T, b in T and V: news of S touches T, whose answer hangs on V, which nothing touches."""
    with store() as given:
        _decided(given, 30, Member("T", "a"), Member("T", "b"), Member("V", "b"), Result("T", "not_detected"), Result("V", "detected"))
        expected = {"a@T": "held contradiction", "b@T": "held contradiction", "b@V": "detected single"}
        assert given.outcomes() == expected
        _decided(given, 31, Member("S", "a"), Result("S", "not_detected"))
        assert given.outcomes() == expected | {"a@S": "not_detected single"}
        assert given.holds() == {"contradiction T"}


def test_P05_a_specimen_code_of_two_people_stays_so_when_one_tube_is_decided_again() -> None:
    with store() as given:
        _decided(
            given, 30, Member("T", "a", own="S9"), Member("U", "b", own="S9"), Result("T", "inconclusive"), Result("U", "inconclusive")
        )
        expected = {"a@T": "held shared_tube", "b@U": "held shared_tube"}
        assert given.outcomes() == expected
        _decided(given, 31, Result("T", "inconclusive", hours=25))
        assert given.outcomes() == expected and given.holds() == {"shared_tube S9"}


def test_a_rejected_rows_place_that_comes_later_mends_the_tube() -> None:
    with store() as given:
        _decided(given, 30, Member("T", "a", file=1), Member("T", "b", file=2), Result("T", "not_detected"))
        assert given.outcomes() == {"a@T": "held shared_tube", "b@T": "held shared_tube"}
        _decided(given, 31, Slot("T"))
        assert given.outcomes() == {"a@T": "not_detected pool", "b@T": "not_detected pool"} and given.holds() == set()


def test_time_alone_decides_to_the_hour() -> None:
    with store() as given:
        _decided(given, 30, Member("T", "a"))
        for hours, is_due, outcome, holds in (
            (47, False, "awaiting no_result", set()),
            (48, True, "awaiting no_result", {"overdue T"}),
            (239, False, "awaiting no_result", {"overdue T"}),
            (240, True, "lost no_result_in_time", {"overdue T"}),
            (500, False, "lost no_result_in_time", {"overdue T"}),
        ):
            assert waiting(given.warehouse, DAY0 + timedelta(hours=hours)) == Waiting(given.batch_no, False, is_due)
            assert given.decide(hours) == is_due
            assert given.outcomes() == {"a@T": outcome} and given.holds() == holds


def test_facts_wait_until_they_are_decided() -> None:
    with store() as given:
        assert waiting(given.warehouse, DAY0) == Waiting(0, False, False)
        given.add([Member("T", "a")])
        assert waiting(given.warehouse, DAY0) == Waiting(0, True, False)
        given.decide(1)
        assert waiting(given.warehouse, DAY0) == Waiting(2, False, False)


def test_of_kept_and_replacing_tubes_too_only_what_was_touched_is_decided() -> None:
    with store() as given:
        given.add([Member(f"T{n}", f"p{n}", own=f"S{n}", replaces=f"R{n}") for n in range(9)])
        given.add([Member(f"R{n}", f"q{n}") for n in range(9)])
        assert given.decide(30) == 18
        given.add([Member("U", "z")])
        assert given.decide(31) == 1
        given.add([Result("S3", "detected", hours=28), Result("S4", "detected", hours=28)])
        assert given.decide(32) == 2


def test_P05_who_comes_later_with_the_same_specimen_code_holds_the_earlier_one_too() -> None:
    with store() as given:
        _decided(given, 30, Member("U", "b", own="S9"), Result("U", "inconclusive"))
        assert given.outcomes() == {"b@U": "retest single_inconclusive"}
        _decided(given, 31, Member("T", "a", own="S9"))
        assert given.outcomes() == {"a@T": "awaiting no_result", "b@U": "held shared_tube"} and given.holds() == {"shared_tube S9"}


def test_P05_of_two_tubes_with_one_specimen_code_the_one_is_answered_and_the_other_still_asked_about() -> None:
    with store() as given:
        pair = (Member("T", "a", own="S9"), Member("U", "b", own="S9", team="TEAM2"))
        _decided(given, 30, *pair, Result("T", "inconclusive"), Result("U", "inconclusive"))
        assert given.outcomes() == {"a@T": "held shared_tube", "b@U": "held shared_tube"}
        _decided(given, 31, Result("T", "not_detected", status="C", told=29))
        assert given.outcomes() == {"a@T": "not_detected single", "b@U": "held shared_tube"}
        found = given.warehouse.connection.execute("SELECT tube_code, owner, closed_at IS NULL, hold_id FROM hold ORDER BY 1").fetchall()
        assert [row[:3] for row in found] == [("T", "TEAM1", False), ("U", "TEAM2", True)]
        assert found[0][3] != found[1][3]


def test_P03_a_contradiction_of_a_pool_mate_stands_when_news_come_by_a_specimens_code() -> None:
    with store() as given:
        pair = (Member("T", "a", own="A1"), Member("T", "b", own="B1"))
        _decided(given, 30, *pair, Member("V", "b"), Result("T", "not_detected"), Result("V", "detected"))
        expected = {"a@T": "held contradiction", "b@T": "held contradiction", "b@V": "detected single"}
        assert given.outcomes() == expected
        _decided(given, 31, Result("A1", "not_detected", hours=28))
        assert given.outcomes() == expected


def test_what_waits_are_facts_after_the_last_decision_or_a_time_that_has_come() -> None:
    with store() as given:
        as_of = DAY0 + timedelta(hours=30)
        assert not waiting(given.warehouse, as_of).is_any
        for since, code in ((0, "T"), (2, "U")):
            given.add([Member(code, code.lower())])
            found = waiting(given.warehouse, as_of)
            assert (found.since, found.has_facts, found.has_due) == (since, True, False)
            given.decide(30)
            assert not waiting(given.warehouse, as_of).is_any
        found = waiting(given.warehouse, DAY0 + timedelta(hours=CLOCKS.overdue_hours))
        assert (found.has_facts, found.has_due) == (False, True)
