"""Twilio's error codes and statuses, each in one table: what it means for us.

Source: Twilio's error and warning dictionary; the classes were tried against the stand-in (docs/architecture.md, "Sending").
"""

from __future__ import annotations

from enum import StrEnum

from pipeline.domain.words import MessageState


class RefusalKind(StrEnum):
    """Why Twilio did not take a message, by who can do something about it."""

    # The number cannot receive: the team mends the number.
    FIX_DATA = "fix_data"
    # The person said STOP: a health worker calls.
    OPTED_OUT = "opted_out"
    # The account, its sender or its permissions are wrong: an operator.
    CONFIGURATION = "configuration"
    # Twilio or the network is full for the moment: wait.
    BACK_OFF = "back_off"
    # A filter took the text for spam: whoever writes the texts.
    CONTENT = "content"
    # A code that nobody has met: an operator looks it up.
    UNKNOWN = "unknown"


KINDS: dict[int, RefusalKind] = {
    21211: RefusalKind.FIX_DATA,  # not a phone number
    21614: RefusalKind.FIX_DATA,  # not a mobile
    30005: RefusalKind.FIX_DATA,  # unknown handset
    30006: RefusalKind.FIX_DATA,  # landline or unreachable carrier
    21610: RefusalKind.OPTED_OUT,
    20003: RefusalKind.CONFIGURATION,  # credentials
    20404: RefusalKind.CONFIGURATION,  # no such account or address
    21212: RefusalKind.CONFIGURATION,  # not a sender
    21408: RefusalKind.CONFIGURATION,  # region not enabled
    21603: RefusalKind.CONFIGURATION,  # no sender
    21606: RefusalKind.CONFIGURATION,  # sender is not ours
    21612: RefusalKind.CONFIGURATION,  # no way from this sender to this number
    30029: RefusalKind.CONFIGURATION,
    30030: RefusalKind.CONFIGURATION,
    20429: RefusalKind.BACK_OFF,  # too many requests
    21611: RefusalKind.BACK_OFF,  # the sender's queue is full
    30001: RefusalKind.BACK_OFF,  # queue overflow
    30003: RefusalKind.BACK_OFF,  # handset unreachable
    30036: RefusalKind.BACK_OFF,  # not sent within its validity
    30004: RefusalKind.CONTENT,  # blocked
    30007: RefusalKind.CONTENT,  # filtered
    30008: RefusalKind.UNKNOWN,
}

# Configuration that is wrong for every message, whoever it goes to. 21408 and 21612 are not among them: a single foreign
# number would stop the whole line for ever.
# 401, 403, 404 stand for an answer without a code of Twilio's.
_STOPS = frozenset({401, 403, 404, 20003, 20404, 21212, 21603, 21606})


def kind_of(code: int) -> RefusalKind:
    """The class of one Twilio error code; `unknown` for a code that the table lacks."""
    return KINDS.get(code, RefusalKind.UNKNOWN)


def stops_the_line(http_status: int, code: int) -> bool:
    """Whether every further message would get the same answer, so that the run must end and a person look."""
    return http_status == 401 or code in _STOPS


class TwilioStatus(StrEnum):
    """`message_enum_status` of Twilio's specification."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PARTIALLY_DELIVERED = "partially_delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"
    RECEIVING = "receiving"
    RECEIVED = "received"


# Ours is `sent` from the moment Twilio has the message. `delivered` is the operator's word only. Our texts are one part, so that a
# part of one is no text. Incoming messages have no state here: nobody can answer to our senders.
STATES: dict[str, MessageState | None] = {
    TwilioStatus.ACCEPTED: MessageState.SENT,
    TwilioStatus.SCHEDULED: MessageState.SENT,
    TwilioStatus.QUEUED: MessageState.SENT,
    TwilioStatus.SENDING: MessageState.SENT,
    TwilioStatus.SENT: MessageState.SENT,
    TwilioStatus.DELIVERED: MessageState.DELIVERED,
    TwilioStatus.READ: MessageState.DELIVERED,
    TwilioStatus.PARTIALLY_DELIVERED: MessageState.UNDELIVERED,
    TwilioStatus.UNDELIVERED: MessageState.UNDELIVERED,
    TwilioStatus.FAILED: MessageState.FAILED,
    TwilioStatus.CANCELED: MessageState.FAILED,
    TwilioStatus.RECEIVING: None,
    TwilioStatus.RECEIVED: None,
}


def state_of(status: str) -> MessageState | None:
    """Our state for a status word of Twilio's. None for an incoming message's and for a word outside the specification."""
    return STATES.get(status)


def reason_of(code: int | None, *, default: str = "") -> str:
    """What is stored beside the state: `<class>_<code>`, such as `fix_data_21211`; `default` where Twilio gives no code."""
    return f"{kind_of(code)}_{code}" if code else default
