from __future__ import annotations

import pytest

from pipeline.domain.states import may_move, may_return, person_state, purpose_of
from pipeline.domain.words import MessageState, Outcome, PersonState, Purpose

M = MessageState
ENDS = {M.DELIVERED, M.UNDELIVERED, M.FAILED, M.SUPERSEDED, M.TOO_OLD, M.NO_PHONE, M.OVER_LIMIT}


@pytest.mark.parametrize(
    ("outcome", "state", "purpose"),
    [
        (Outcome.AWAITING, PersonState.AT_LAB, None),
        (Outcome.HELD, PersonState.AT_LAB, None),
        (Outcome.RETEST, PersonState.OWN_TEST_NEEDED, Purpose.OWN_TEST),
        (Outcome.NOT_DETECTED, PersonState.READY, Purpose.RESULT),
        (Outcome.DETECTED, PersonState.READY, Purpose.RESULT),
        (Outcome.RECOLLECT, PersonState.COME_AGAIN, Purpose.COME_AGAIN),
        (Outcome.WITHDRAWN, PersonState.WITHDRAWN, Purpose.WITHDRAWN),
        (Outcome.LOST, PersonState.NOT_FOUND, Purpose.NOT_FOUND),
    ],
)
def test_what_a_person_reads_and_is_told(outcome: Outcome, state: PersonState, purpose: Purpose | None) -> None:
    assert person_state(outcome, seen_at_lab=True) is state
    assert purpose_of(outcome) is purpose


def test_before_the_lab_has_seen_the_tube_the_person_is_registered() -> None:
    before = {outcome for outcome in Outcome if person_state(outcome, seen_at_lab=False) is PersonState.REGISTERED}
    assert before == {Outcome.AWAITING, Outcome.HELD}


def test_every_member_has_a_case() -> None:
    assert {person_state(o, seen) for o in Outcome for seen in (True, False)} == set(PersonState)
    assert {purpose_of(o) for o in Outcome} == {None, *Purpose} - {Purpose.LINK}, "a link is asked for, no outcome brings it"
    for current in MessageState:
        may_return(current)
        assert not may_move(current, current)


def test_T06_messages_only_move_forward() -> None:
    """No pair of states may be reached from each other: no order of callbacks brings a message back."""
    for a in MessageState:
        assert may_move(a, M.QUEUED) is False
        for b in MessageState:
            assert not (may_move(a, b) and may_move(b, a) and {a, b} != {M.SENDING, M.QUEUED})
    assert {s for s in MessageState if not any(may_move(s, to) for to in MessageState)} == ENDS


@pytest.mark.parametrize(
    ("current", "to"),
    [
        (M.QUEUED, M.SENDING), (M.SENDING, M.SENT), (M.SENDING, M.UNKNOWN), (M.SENT, M.DELIVERED), (M.SENT, M.UNDELIVERED),
        (M.SENT, M.FAILED),
        (M.UNKNOWN, M.SENT), (M.UNKNOWN, M.DELIVERED), (M.QUEUED, M.DELIVERED), (M.QUEUED, M.NO_PHONE), (M.SENDING, M.SUPERSEDED),
    ],
)  # fmt: skip
def test_moves_that_happen(current: MessageState, to: MessageState) -> None:
    assert may_move(current, to)


@pytest.mark.parametrize(
    ("current", "to"),
    [
        (M.SENT, M.SENDING),
        (M.SENT, M.UNKNOWN),
        (M.SENT, M.SUPERSEDED),
        (M.UNKNOWN, M.SENDING),
        (M.DELIVERED, M.FAILED),
        (M.TOO_OLD, M.SENDING),
    ],
)
def test_moves_that_never_happen(current: MessageState, to: MessageState) -> None:
    assert not may_move(current, to)


def test_T01_only_what_twilio_surely_does_not_have_is_queued_again() -> None:
    assert {state: may_return(state) for state in MessageState} == {state: state in {M.SENDING, M.UNKNOWN} for state in MessageState}
