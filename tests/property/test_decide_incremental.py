"""Deciding batch by batch, only what each touched, ends where deciding everything at once ends: for any history, in any order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.facts import Fact, store
from tests.property.histories import batches, one_row_a_specimen

END = 24.0 * 12


@pytest.mark.lengthy
@settings(max_examples=40, deadline=None)
@given(batches(), st.booleans())
def test_I7_incremental_equals_full(history: list[tuple[list[Fact], float]], is_decided_often: bool) -> None:
    history = one_row_a_specimen(history)
    with store() as step_by_step, store() as at_once:
        for facts, hours in sorted(history, key=lambda step: step[1]):
            step_by_step.add(facts)
            if is_decided_often:
                step_by_step.decide(hours)
        step_by_step.decide(END)
        at_once.add([fact for facts, _ in history for fact in facts])
        at_once.decide(END)
        assert step_by_step.outcomes() == at_once.outcomes()
        assert step_by_step.holds() == at_once.holds()
        assert step_by_step.state() == at_once.state()
        before = step_by_step.state()
        step_by_step.decide(END, full=True)
        assert step_by_step.state() == before, "the full recomputation finds something that the batches missed"
        assert step_by_step.messages() == {}, "nothing is told twice"


@pytest.mark.lengthy
@settings(max_examples=20, deadline=None)
@given(batches(), st.randoms(use_true_random=False))
def test_P14_order_and_grouping_of_facts_change_nothing(history: list[tuple[list[Fact], float]], chance: random.Random) -> None:
    facts = [fact for step, _ in one_row_a_specimen(history) for fact in step]
    with store() as one, store() as other:
        one.add(facts)
        one.decide(END)
        chance.shuffle(facts)
        cut = chance.randrange(len(facts) + 1) if facts else 0
        for part in (facts[:cut], facts[cut:]):
            other.add(part)
            other.decide(END)
        assert one.state() == other.state()
