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


class Purpose(StrEnum):
    """Why a message is sent."""

    RESULT = "result"
    OWN_TEST = "own_test"
    COME_AGAIN = "come_again"
    WITHDRAWN = "withdrawn"
    NOT_FOUND = "not_found"


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


class Choice(StrEnum):
    """What a person says to a hold. `release`: let go what it stops; `refuse`: it is not to be used."""

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
