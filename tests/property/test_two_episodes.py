"""P04: a person tested again. Two episodes that no rule joins: each ends as it would alone, whatever came of the other and when."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.facts import Fact, Member, Result, Store, store

PEOPLE = ("a", "b", "c")
CALLS = ("detected", "detected", "not_detected", "not_detected", "inconclusive", "invalid", "rejected")
# What joins two episodes: a code of the last fortnight, a day, a tube that is named as replaced. So the second one has
# the same codes three weeks later, or other codes on the next day.
AGAIN = ((("TUBE1", "TUBE2"), 20), (("TUBE3", "TUBE4"), 1))
MOMENTS = (31.5, 51.5, 75.5, 300.5, 511.5, 560.5, 800.5)
# All that is said, but the number of the batch that said it; and but a result that no manifest names: whose it was meant to be, nobody knows.
SAID = {
    "outcome": "SELECT * EXCLUDE (batch_no) FROM outcome",
    "lists": "SELECT * FROM list_item",
    "holds": "SELECT * EXCLUDE (batch_no) FROM hold WHERE reason <> 'unmatched'",
    "told": "SELECT * EXCLUDE (batch_no) FROM publish",
}


@st.composite
def episodes(draw: st.DrawFn, tubes: tuple[str, ...], day: int) -> list[Fact]:
    """A tube or two with an answer each, and whatever else a lab may say of them within two days."""
    members, codes, said = list[Member](), list[str](), list[Result]()
    for tube in draw(st.lists(st.sampled_from(tubes), min_size=1, max_size=2, unique=True)):
        people = draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True))
        is_kept, size = draw(st.booleans()), draw(st.sampled_from((None, len(people), len(people) + 1)))
        members += [Member(tube, one, day, f"{tube}{one}".upper() if is_kept else None, None, size) for one in people]
        said.append(Result(tube, draw(st.sampled_from(CALLS[:4])), hours=24 * day + 4))
        codes += [tube] * 2 + [one.own for one in members if one.tube == tube and one.own]
    results = st.builds(
        lambda code, call, status, hours, told, collected: Result(
            code, call, status, 24 * day + hours, None if told is None else 24 * day + hours + told,
            "leaked" if call == "rejected" else "", collected=collected,
        ),
        st.sampled_from(codes),
        st.sampled_from(CALLS),
        st.sampled_from("FFFFFFFFCCPWX"),
        st.sampled_from((6, 8, 30, 50)),
        st.sampled_from((None, None, 1, 3)),
        st.sampled_from((None, None, None, day)),
    )  # fmt: skip
    return [*members, *said, *draw(st.lists(results, max_size=5))]


@pytest.mark.lengthy
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_P04_an_episode_ends_as_it_would_alone_whatever_came_of_another(data: st.DataObject) -> None:
    """Outcomes with their versions, list items, holds and what people are told, after each of three batches with facts of both."""
    tubes, day = data.draw(st.sampled_from(AGAIN))
    both = (data.draw(episodes(AGAIN[0][0], 0)), data.draw(episodes(tubes, day)))
    facts = [(number, fact) for number, episode in enumerate(both) for fact in dict.fromkeys(episode)]
    order = data.draw(st.permutations(facts))
    places = [data.draw(st.integers(0, 2)) for _ in order]
    moments = sorted(data.draw(st.tuples(*[st.sampled_from(MOMENTS)] * 3)))
    with ExitStack() as stack:
        together, *alone = (stack.enter_context(store()) for _ in range(3))
        for step, hours in enumerate(moments):
            batch = [pair for pair, place in zip(order, places, strict=True) if place == step]
            for one, numbers in ((together, (0, 1)), (alone[0], (0,)), (alone[1], (1,))):
                one.add(fact for number, fact in batch if number in numbers)
                one.decide(hours)
            for what in SAID:
                assert said(together, what) == sorted(said(alone[0], what) + said(alone[1], what)), what


def said(of: Store, what: str) -> list[tuple[str, ...]]:
    """As text: so it has an order."""
    return sorted(tuple(map(str, row)) for row in of.warehouse.connection.execute(SAID[what]).fetchall())
