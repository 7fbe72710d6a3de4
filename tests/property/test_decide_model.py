"""sql/decide against the reference model: any facts, in any batches, at any time give what the rules of domain.md give."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.facts import DAY0, Fact, Member, Result, Slot, store
from tests.property import reference_model as model
from tests.property.by_model import by_model

# Few tubes and people, so that they meet; specimen codes are the person's own, as the intake's rules make sure.
TUBES, PEOPLE = ("TUBE1", "TUBE2", "TUBE3"), ("a", "b", "c", "d")
CALLS = ("detected", "detected", "not_detected", "not_detected", "inconclusive", "invalid", "rejected")


def own_code(tube: str, person: str, day: int) -> str:
    return f"{tube[-1]}{person.upper()}{day}X"


@st.composite
def members(draw: st.DrawFn) -> list[Member]:
    """Whole tubes as teams list them: one mode and one declared size a tube, nobody twice in one."""
    found: list[Member] = []
    keys = st.tuples(st.sampled_from(TUBES), st.sampled_from((0, 0, 0, 1, 20)))
    for tube, day in draw(st.lists(keys, min_size=1, max_size=3, unique=True)):
        people = draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4, unique=True))
        is_kept = draw(st.booleans())
        size = draw(st.sampled_from((None, None, len(people), len(people) + 1)))
        replaces = draw(st.sampled_from((None, None, *TUBES)))
        for person in people:
            own = own_code(tube, person, day) if is_kept else None
            file, team = draw(st.sampled_from(((1, "TEAM1"),) * 6 + ((2, "TEAM1"), (3, "TEAM2"))))
            found.append(Member(tube, person, day, own, replaces if replaces != tube else None, size, team, file))
    return found


@st.composite
def facts(draw: st.DrawFn) -> list[Fact]:
    people = draw(members())
    codes = sorted({one.tube for one in people} | {one.own for one in people if one.own} | {"ELSEWHERE"})
    results = st.builds(
        lambda code, call, status, hours, told, collected: Result(
            code, call, status, hours, None if told is None else hours + told, "leaked" if call == "rejected" else "", collected=collected
        ),
        st.sampled_from(codes),
        st.sampled_from(CALLS),
        st.sampled_from("FFFFFFFFCCPWX"),
        st.sampled_from((4, 6, 8, 30, 50, 200, 486)),
        st.sampled_from((None, None, 1, 3)),
        st.sampled_from((None, None, None, 0)),
    )
    places = st.builds(Slot, st.sampled_from(TUBES))
    return [*people, *draw(st.lists(results, max_size=12)), *draw(st.lists(places, max_size=1))]


@pytest.mark.lengthy
@settings(max_examples=45, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(facts(), st.data())
def test_P06_P14_sql_decides_as_the_rules_say(stored: list[Fact], data: st.DataObject) -> None:
    """In two batches at two times, in any order; then everything anew."""
    stored = list(dict.fromkeys(stored))
    order = data.draw(st.permutations(stored))
    cut = data.draw(st.integers(0, len(order)))
    early, late = sorted(data.draw(st.tuples(*[st.sampled_from((31.5, 51.5, 75.5, 201.5, 300.5, 490.5))] * 2)))
    with store() as given_facts:
        for batch, hours in ((order[:cut], early), (order[cut:], late)):
            given_facts.add(batch)
            given_facts.decide(hours)
        expected = by_model(stored, late)
        outcomes = {name: said.split()[0] for name, said in given_facts.outcomes().items()}
        assert outcomes == {_name(key): outcome for key, outcome in expected.outcomes.items()}
        assert given_facts.holds() == {f"{reason} {subject.split()[0]}" for reason, subject in expected.holds}
        assert given_facts.on_list("worklist") == set(map(_name, expected.worklist))
        assert given_facts.on_list("callback") == set(map(_name, expected.callback))
        incremental = given_facts.state()
        given_facts.decide(late, full=True)
        assert given_facts.state() == incremental


@pytest.mark.lengthy
@settings(max_examples=45, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(facts(), st.data())
def test_P10_what_people_sign_stands_while_it_rests_on_what_they_saw(stored: list[Fact], data: st.DataObject) -> None:
    """Some facts, then people's word about some of the questions, then the other facts; then everything anew."""
    stored = list(dict.fromkeys(stored))
    order = data.draw(st.permutations(stored))
    cut = data.draw(st.integers(0, len(order)))
    early, late = sorted(data.draw(st.tuples(*[st.sampled_from((31.5, 51.5, 201.5, 490.5))] * 2)))
    with store() as given_facts:
        given_facts.add(order[:cut])
        given_facts.decide(early)
        before = by_model(order[:cut], early)
        said = {}
        for hold in sorted(hold for hold in before.holds if hold in before.rests_on):
            choice = data.draw(st.sampled_from(("", "refuse", "release" if hold[0] == "discordant" else "refuse")))
            if choice:
                said[hold, before.rests_on[hold]] = choice
                given_facts.sign(" ".join(hold), choice)
        given_facts.add(order[cut:])
        given_facts.decide(late)
        expected = by_model(stored, late, said)
        assert {name: one.split()[0] for name, one in given_facts.outcomes().items()} == {
            _name(key): outcome for key, outcome in expected.outcomes.items()
        }
        assert given_facts.holds() == {f"{reason} {subject.split()[0]}" for reason, subject in expected.holds}
        incremental = given_facts.state()
        given_facts.decide(late, full=True)
        assert given_facts.state() == incremental


def _name(key: model.SpecimenKey) -> str:
    code, day, person = key
    days = (day - DAY0.date()).days
    return f"{person}@{code}" + (f"+{days}" if days else "")
