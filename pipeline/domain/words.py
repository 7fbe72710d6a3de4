"""The closed sets of words that every room shares. A word's value is what stands in Parquet, SQL, the ledger and on the wire."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never


class Call(StrEnum):
    """The lab's interpretation of one tube."""

    DETECTED = "detected"
    NOT_DETECTED = "not_detected"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"
    REJECTED = "rejected"


class Status(StrEnum):
    """Result status, HL7 table 0085."""

    PRELIMINARY = "P"
    FINAL = "F"
    CORRECTED = "C"
    WRONG = "W"
    CANCELLED = "X"


class Mode(StrEnum):
    """Where swabs are pooled, and so whether a person's own specimen is kept (all but `field`)."""

    FIELD = "field"
    LAB = "lab"
    DOUBLE = "double"


class Outcome(StrEnum):
    """What is true of one specimen now."""

    AWAITING = "awaiting"
    RETEST = "retest"
    HELD = "held"
    NOT_DETECTED = "not_detected"
    DETECTED = "detected"
    RECOLLECT = "recollect"
    WITHDRAWN = "withdrawn"
    LOST = "lost"

    @property
    def is_end(self) -> bool:
        """Whether nothing more is expected for this specimen. A correction may still replace an end by another."""
        match self:
            case Outcome.AWAITING | Outcome.RETEST | Outcome.HELD:
                return False
            case Outcome.NOT_DETECTED | Outcome.DETECTED | Outcome.RECOLLECT | Outcome.WITHDRAWN | Outcome.LOST:
                return True
            case _:
                assert_never(self)


class PersonState(StrEnum):
    """What the person reads on the result page."""

    REGISTERED = "registered"
    AT_LAB = "at_lab"
    OWN_TEST_NEEDED = "own_test_needed"
    READY = "ready"
    COME_AGAIN = "come_again"
    WITHDRAWN = "withdrawn"
    NOT_FOUND = "not_found"


class Result(StrEnum):
    """What a released result says: exactly where the person's state is `ready`."""

    DETECTED = "detected"
    NOT_DETECTED = "not_detected"


class Basis(StrEnum):
    """What stands behind a person's state, as far as the person is told: how the swab was tested, or why there is no result.

    What was found in a pool is never among them: a pool's finding is nobody's result.
    """

    WAITING = "waiting"
    POOL = "pool"
    SINGLE = "single"
    POOL_UNCLEAR = "pool_unclear"
    OWN_UNCLEAR = "own_unclear"
    TUBE_LEAKED = "tube_leaked"
    TUBE_BROKEN = "tube_broken"
    TUBE_INSUFFICIENT = "tube_insufficient"
    TUBE_UNLABELLED = "tube_unlabelled"
    TUBE_TOO_OLD = "tube_too_old"
    TUBE_CONTAMINATED = "tube_contaminated"
    TUBE_WRONG_CONTAINER = "tube_wrong_container"
    TUBE_EMPTY = "tube_empty"
    TUBE_OTHER = "tube_other"
    WITHDRAWN_BY_LAB = "withdrawn_by_lab"
    NO_RESULT = "no_result"


class Silence(StrEnum):
    """Why a number gets no messages."""

    WRONG_NUMBER = "wrong_number"
    OPTED_OUT = "opted_out"


class Purpose(StrEnum):
    """Why a message is sent. `link`: its person asked for the link once more."""

    RESULT = "result"
    OWN_TEST = "own_test"
    COME_AGAIN = "come_again"
    WITHDRAWN = "withdrawn"
    NOT_FOUND = "not_found"
    LINK = "link"


class MessageState(StrEnum):
    """Where a message stands. Which state may follow which: `pipeline.domain.states.may_move`."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SUPERSEDED = "superseded"
    TOO_OLD = "too_old"
    NO_PHONE = "no_phone"
    # The day's limit of messages to one number is reached: somebody calls instead.
    OVER_LIMIT = "over_limit"


class HoldReason(StrEnum):
    """Why something waits for a person's decision."""

    UNMATCHED = "unmatched"
    OVERDUE = "overdue"
    DISCORDANT = "discordant"
    CONTRADICTION = "contradiction"
    RELABELLED = "relabelled"
    SHARED_TUBE = "shared_tube"
    CONFLICT = "conflict"
    INCOMPLETE = "incomplete"
    FILE_HELD = "file_held"
    SAMPLE_DISAGREES = "sample_disagrees"
    SEND_FAILED = "send_failed"
    UNOPENED = "unopened"
    # The breakers: what a lab or we ourselves suddenly do otherwise than before.
    LAB_SHIFTED = "lab_shifted"
    LAB_SILENT = "lab_silent"
    TOO_MANY_MESSAGES = "too_many_messages"
    # Somebody who got a message says that it is not for them.
    WRONG_NUMBER = "wrong_number"
    # What a programme keeps no longer cannot be erased yet.
    RETENTION_WAITS = "retention_waits"


class Choice(StrEnum):
    """What a person says to a hold. `release`: let go what it stops; `refuse`: it is not to be used.

    Of a tube: the members' own results stand, or all of its people are swabbed again.
    """

    RELEASE = "release"
    REFUSE = "refuse"

    @property
    def people(self) -> int:
        """How many must say so before it is done: to let something go takes two, to stop it one."""
        match self:
            case Choice.RELEASE:
                return 2
            case Choice.REFUSE:
                return 1
            case _:
                assert_never(self)


class FileKind(StrEnum):
    MANIFEST = "manifest"
    RESULTS = "results"


class Content(StrEnum):
    """A profile names those that it reads. `text`: a delimited table. The others become tables by a reader each."""

    TEXT = "text"
    WORKBOOK = "workbook"
    MESSAGES = "messages"
    BLOCKS = "blocks"
    SECTIONS = "sections"


class Verdict(StrEnum):
    """What became of a received file."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    HELD = "held"
    REFUSED = "refused"


class RejectReason(StrEnum):
    """Why the lab could not test a tube."""

    LEAKED = "leaked"
    BROKEN = "broken"
    INSUFFICIENT = "insufficient"
    UNLABELLED = "unlabelled"
    TOO_OLD = "too_old"
    CONTAMINATED = "contaminated"
    WRONG_CONTAINER = "wrong_container"
    EMPTY = "empty"
    OTHER = "other"


class Role(StrEnum):
    """What an account may do at the desk. A team's and a lab's account are bound to that place's code."""

    TEAM = "team"
    LAB = "lab"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def has_place(self) -> bool:
        match self:
            case Role.TEAM | Role.LAB:
                return True
            case Role.OPERATOR | Role.ADMIN:
                return False
            case _:
                assert_never(self)
