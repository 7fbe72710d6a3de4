"""Which state follows which: what a person reads for an outcome, what message an outcome brings, how a message moves."""

from __future__ import annotations

from typing import assert_never

from pipeline.domain.words import MessageState, Outcome, PersonState, Purpose


def person_state(outcome: Outcome, seen_at_lab: bool) -> PersonState:
    """What the result page shows. A hold is ours to solve: the person reads on which side of the lab's door the tube is."""
    match outcome:
        case Outcome.AWAITING | Outcome.HELD:
            return PersonState.AT_LAB if seen_at_lab else PersonState.REGISTERED
        case Outcome.RETEST:
            return PersonState.OWN_TEST_NEEDED
        case Outcome.NOT_DETECTED | Outcome.DETECTED:
            return PersonState.READY
        case Outcome.RECOLLECT:
            return PersonState.COME_AGAIN
        case Outcome.WITHDRAWN:
            return PersonState.WITHDRAWN
        case Outcome.LOST:
            return PersonState.NOT_FOUND
        case _:
            assert_never(outcome)


def purpose_of(outcome: Outcome) -> Purpose | None:
    """The message that an outcome brings to its person; None while there is nothing to do or to know."""
    match outcome:
        case Outcome.AWAITING | Outcome.HELD:
            return None
        case Outcome.RETEST:
            return Purpose.OWN_TEST
        case Outcome.NOT_DETECTED | Outcome.DETECTED:
            return Purpose.RESULT
        case Outcome.RECOLLECT:
            return Purpose.COME_AGAIN
        case Outcome.WITHDRAWN:
            return Purpose.WITHDRAWN
        case Outcome.LOST:
            return Purpose.NOT_FOUND
        case _:
            assert_never(outcome)


def may_move(current: MessageState, to: MessageState) -> bool:
    """Whether a message may move so. Forward only, whatever order callbacks come in; the one way back is `may_return`."""
    return to in _next(current)


def may_return(current: MessageState) -> bool:
    """Whether a message may be queued again: only by who *knows* that Twilio did not accept it.

    `sending`: Twilio answered "not now" (429). `unknown`: it was looked up there and not found. Never by a callback.
    """
    match current:
        case MessageState.SENDING | MessageState.UNKNOWN:
            return True
        case (
            MessageState.QUEUED
            | MessageState.SENT
            | MessageState.DELIVERED
            | MessageState.UNDELIVERED
            | MessageState.FAILED
            | MessageState.SUPERSEDED
            | MessageState.TOO_OLD
            | MessageState.NO_PHONE
            | MessageState.OVER_LIMIT
        ):
            return False
        case _:
            assert_never(current)


# What Twilio tells of a message that it has. Even a queued one may learn it: when it was looked up too early, and put back.
_TOLD = frozenset({MessageState.SENT, MessageState.DELIVERED, MessageState.UNDELIVERED, MessageState.FAILED})
_NEVER_SENT = frozenset({MessageState.SUPERSEDED, MessageState.TOO_OLD, MessageState.NO_PHONE, MessageState.OVER_LIMIT})


def _next(current: MessageState) -> frozenset[MessageState]:
    match current:
        case MessageState.QUEUED:
            return _TOLD | _NEVER_SENT | {MessageState.SENDING}
        case MessageState.SENDING:
            return _TOLD | _NEVER_SENT | {MessageState.UNKNOWN}
        case MessageState.UNKNOWN:
            return _TOLD
        case MessageState.SENT:
            return _TOLD - {MessageState.SENT}
        case (
            MessageState.DELIVERED
            | MessageState.UNDELIVERED
            | MessageState.FAILED
            | MessageState.SUPERSEDED
            | MessageState.TOO_OLD
            | MessageState.NO_PHONE
            | MessageState.OVER_LIMIT
        ):
            return frozenset()
        case _:
            assert_never(current)
