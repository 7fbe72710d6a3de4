"""Suggestions for results that no manifest names: one slip of the hand, as another engine's distance knows it, of tubes that lack a result."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.facts import DAY0, Fact, Member, Result, store

WINDOW = 7


def suggested(facts: list[Fact], most: int = 100) -> list[dict[str, Any]]:
    with store() as made:
        made.add(facts)
        made.decide(1)
        made.warehouse.run("report/tube_book", since=DAY0.date(), window_days=WINDOW)
        return made.warehouse.dicts("report/near_codes", most=most, window_days=WINDOW)


@pytest.mark.parametrize(
    ("at_the_lab", "slip"),
    [
        ("TUBE8", "other_character"), ("TUB7", "lacks_a_character"), ("TUBE77", "one_character_more"), ("TUEB7", "two_swapped"),
        ("XTUBE7", "one_character_more"), ("UTBE7", "two_swapped"), ("TUBE", "lacks_a_character"),
        ("TUBE88", None), ("TEUB7", None), ("UBE7T", None), ("TUBE78X", None),
    ],
)  # fmt: skip
def test_one_slip_is_suggested_and_two_are_not(at_the_lab: str, slip: str | None) -> None:
    found = suggested([Member("TUBE7", "a", file=4), Member("TUBE7", "b", file=4), Result(at_the_lab, "detected", hours=8)])
    assert [one["slip"] for one in found] == ([] if slip is None else [slip])
    for one in found:
        assert (one["lab_label"], one["tube_label"], one["people"], one["team_receipt_no"]) == (at_the_lab, "TUBE7", 2, 4)


@pytest.mark.parametrize(
    ("facts", "tubes"),
    [
        pytest.param([Member("TUBE7", "a"), Result("TUBE7", "detected", hours=8)], [], id="a tube with its own result"),
        pytest.param([Member("TUBE7", "a", day=1)], [], id="collected after the test"),
        pytest.param([Member("TUBE7", "a"), Member("TUBE9", "b")], ["TUBE7", "TUBE9"], id="two that are as near"),
        pytest.param([Member("TUBE8", "a")], [], id="the code itself is no near miss: the result is matched"),
    ],
)
def test_only_tubes_that_wait_are_suggested(facts: list[Fact], tubes: list[str]) -> None:
    assert [one["tube_label"] for one in suggested([*facts, Result("TUBE8", "not_detected", hours=9)])] == tubes


def test_a_test_long_after_the_collection_is_not_of_that_tube() -> None:
    for days, found in ((WINDOW, 1), (WINDOW + 1, 0)):
        assert len(suggested([Member("TUBE7", "a"), Result("TUBE8", "detected", hours=24 * days)])) == found


def test_so_many_results_are_compared_and_no_more() -> None:
    facts = [Member("TUBE7", "a"), *(Result(f"TUBE{sign}", "detected", hours=9) for sign in "123")]
    assert len({one["lab_label"] for one in suggested(facts, most=2)}) == 2


CODES = st.lists(st.text("A01", min_size=3, max_size=6), min_size=1, max_size=8, unique=True)


@settings(max_examples=60, deadline=None)
@given(CODES, CODES)
def test_near_is_a_distance_of_one(teams: list[str], lab: list[str]) -> None:
    """Damerau-Levenshtein, as DuckDB counts it."""
    lab = [code for code in lab if code not in teams]
    with store() as made:
        made.add([*(Member(code, code) for code in teams), *(Result(code, "detected", hours=9) for code in lab)])
        made.decide(1)
        made.warehouse.run("report/tube_book", since=DAY0.date(), window_days=WINDOW)
        found = {(one["lab_label"], one["tube_label"]) for one in made.warehouse.dicts("report/near_codes", most=100, window_days=WINDOW)}
        pairs = made.warehouse.connection.execute(
            "SELECT lab, team FROM (SELECT unnest(?) AS lab), (SELECT unnest(?) AS team) WHERE damerau_levenshtein(lab, team) = 1",
            [lab, teams],
        ).fetchall()
    assert found == set(pairs)
