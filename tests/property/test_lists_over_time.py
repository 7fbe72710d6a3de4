"""The lists as facts come in, against the reference model: at every moment each one due once and nobody else, whoever asks how often."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.facts import CLOCKS, DAY0, Fact, Member, Result, Store, store
from tests.property.by_model import by_model
from tests.property.reference_model import Decision, SpecimenKey
from tests.property.test_decide_model import PEOPLE, TUBES, own_code

LONG_AGO = date(2026, 1, 1)
# What a lab knows an item again by, beside its code; a team, beside the person.
KEPT = ("specimen_code", "tube_code", "collected_at", "team", "site_code")
CALLED = ("specimen_id", "replaces_tube", "collected_at", "team", "site_code")
Row = Mapping[str, Any]
LABS = st.sampled_from(("LAB1", "LAB2"))
CALLS = ("detected", "not_detected", "not_detected", "inconclusive", "invalid", "invalid", "rejected")
UNSETTLED = ("detected", "detected", "inconclusive", "invalid")


@st.composite
def taken_apart(draw: st.DrawFn) -> list[Fact]:
    """Pools and singles whose first test settles nothing; then whatever else is said of them, tests of what was kept, and new swabs of those of whom nothing was."""
    found: list[Fact] = []
    for tube in draw(st.lists(st.sampled_from(TUBES), min_size=1, max_size=2, unique=True)):
        is_kept = draw(st.sampled_from((True, True, False)))
        found.append(Result(tube, draw(st.sampled_from(UNSETTLED)), hours=4, lab=draw(LABS)))
        found += draw(st.lists(results(tube, (6, 8)), max_size=1))
        for person in draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True)):
            own = own_code(tube, person, 0) if is_kept else None
            found.append(Member(tube, person, own=own))
            found += draw(st.lists(results(own, (28, 30, 50)), max_size=2)) if own else []
            if draw(st.booleans()):
                found.append(Member(f"AGAIN{tube[-1]}{person}".upper(), person, day=1, replaces=tube))
    return found


def results(code: str, hours: tuple[int, ...]) -> st.SearchStrategy[Result]:
    return st.builds(
        lambda call, status, at, lab: Result(code, call, status, at, reason="leaked" if call == "rejected" else "", lab=lab),
        st.sampled_from(CALLS),
        st.sampled_from("FFFFFFFFCPWX"),
        st.sampled_from(hours),
        LABS,
    )


@pytest.mark.lengthy
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(taken_apart(), st.data())
def test_P12_every_list_names_each_one_due_once_and_what_was_handed_out_stays_the_same_item(
    stored: list[Fact], data: st.DataObject
) -> None:
    """Facts in three batches, of two labs; the lists after each batch, as the command line and as the desk have them."""
    order = data.draw(st.permutations(list(dict.fromkeys(stored))))
    cuts = sorted(data.draw(st.tuples(*[st.integers(0, len(order))] * 2)))
    moments = sorted(data.draw(st.tuples(*[st.sampled_from((31.5, 51.5, 75.5, 201.5, 300.5, 490.5))] * 3)))
    handed_out: dict[str, tuple[object, ...]] = {}
    with store() as so_far:
        for batch, known, hours in zip(
            (order[: cuts[0]], order[cuts[0] : cuts[1]], order[cuts[1] :]), (cuts[0], cuts[1], len(order)), moments, strict=True
        ):
            so_far.add(batch)
            so_far.decide(hours)
            rules = by_model(order[:known], hours)
            worklist, callback = so_far.warehouse.dicts("lists/worklist"), so_far.warehouse.dicts("lists/callback")
            assert sorted(one["specimen_code"] for one in worklist) == sorted(map(code_of, rules.worklist - rules.answered))
            assert sorted(so_far.people[str(one["specimen_id"])] for one in callback) == sorted(map(person_of, due_again(rules)))
            assert worklist == so_far.warehouse.dicts("lists/worklist")
            for one in worklist:
                item = tuple(one[name] for name in KEPT)
                assert handed_out.setdefault(str(one["specimen_code"]), item) == item
            assert items(at_the_desk(so_far, "worklist"), KEPT) == items(worklist, KEPT)
            assert items(at_the_desk(so_far, "callback"), CALLED) == items(callback, CALLED)
            assert items(at_the_desk(so_far, "repeat"), ("tube_code", "collected_at")) == items(
                so_far.warehouse.dicts("lists/repeat"), ("tube_code", "collected_at")
            )


def at_the_desk(given_facts: Store, name: str) -> list[Row]:
    """What all labs or teams together see; a lab's item is one lab's."""
    given_facts.warehouse.run("report/tube_book", since=LONG_AGO, window_days=CLOCKS.match_window_days)
    rows = given_facts.warehouse.dicts(f"published/{name}")
    assert name == "callback" or {row["lab"] for row in rows} <= {"LAB1", "LAB2"}
    return rows


def items(rows: list[Row], columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    """In an order of their own: two lists of the same items may begin with others."""
    return sorted(tuple(str(row[name]) for name in columns) for row in rows)


def due_again(rules: Decision) -> set[SpecimenKey]:
    return {key for key, done in rules.callback.items() if not done}


def code_of(key: SpecimenKey) -> str:
    tube, day, person = key
    return own_code(tube, person, (day - DAY0.date()).days)


def person_of(key: SpecimenKey) -> tuple[str, str, int]:
    tube, day, person = key
    return person, tube, (day - DAY0.date()).days
