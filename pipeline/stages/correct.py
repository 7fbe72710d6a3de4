"""Correct: what a lab says anew of one tube, as a result file of one row in the product's own format.

No fact is changed at the desk: the file goes through the same door as every other, and decide knows what a correction is. What is said is
told by its own time, which the form brings along: sent twice, it is the same file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar, assert_never

from pipeline.domain.tube_codes import is_code, normalise
from pipeline.domain.words import Call, RejectReason, Status
from pipeline.errors import FieldWrong
from pipeline.ledger.sessions import Person
from pipeline.stages.hand_in import hand_in_row
from pipeline.stages.house import House

_Word = TypeVar("_Word", bound=StrEnum)
# A form that stood open for longer is asked for anew: its time would be no time of anything.
LASTS: Final = timedelta(hours=12)


class Said(StrEnum):
    """What a lab says: the tube could not be tested; the result was another; it was another person's; there is none."""

    REJECTED = "rejected"
    CORRECTED = "corrected"
    WRONG = "wrong"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Statement:
    """`tested_at`, `said_at`: the programme's local time. `call` is of a correction only; `reason` where the tube is rejected."""

    said: Said
    tube: str
    tested_at: datetime
    said_at: datetime
    call: Call | None
    reason: RejectReason | None
    ct: str


def statement(fields: dict[str, str], said: Said, said_at: datetime, now: datetime) -> Statement:
    """From a form's fields: tube, tested_at (ISO, minutes), call, reason, ct. Raises FieldWrong, naming the field. Times are local."""
    if not now - LASTS <= said_at <= now:
        raise FieldWrong("said_at")
    tube = normalise(fields.get("tube", ""))
    if not is_code(tube):
        raise FieldWrong("tube")
    call = _call(fields, said)
    reason = _one_of(RejectReason, fields, "reason") if call is Call.REJECTED else None
    tested_at = _moment(fields.get("tested_at", ""))
    if tested_at > said_at:
        raise FieldWrong("tested_at")
    return Statement(said, tube, tested_at, said_at, call, reason, fields.get("ct", "").strip() if said is Said.CORRECTED else "")


def say(house: House, person: Person, what: Statement, now: datetime) -> str:
    """Hand the statement in as a file of the person's lab. Returns its SHA-256. Raises QuotaSpent, DiskFails."""
    return hand_in_row(house, person, f"desk_{what.said.value}_{what.tube}.csv", as_row(what), now)


def as_row(what: Statement) -> dict[str, str]:
    """The row in `canonical_results`."""
    return {
        "tube_code": what.tube,
        "result": what.call.value.replace("_", " ") if what.call else "",
        "status": _status(what.said).value,
        "tested_at": what.tested_at.isoformat(" ", "seconds"),
        "resulted_at": what.said_at.isoformat(" ", "seconds"),
        "reject_reason": what.reason.value if what.reason else "",
        "ct": what.ct,
    }


def _status(said: Said) -> Status:
    match said:
        case Said.REJECTED:
            return Status.FINAL
        case Said.CORRECTED:
            return Status.CORRECTED
        case Said.WRONG:
            return Status.WRONG
        case Said.CANCELLED:
            return Status.CANCELLED
        case _:
            assert_never(said)


def _call(fields: dict[str, str], said: Said) -> Call | None:
    match said:
        case Said.REJECTED:
            return Call.REJECTED
        case Said.CORRECTED:
            return _one_of(Call, fields, "call")
        case Said.WRONG | Said.CANCELLED:
            return None
        case _:
            assert_never(said)


def _one_of(words: type[_Word], fields: dict[str, str], name: str) -> _Word:
    try:
        return words(fields.get(name, ""))
    except ValueError:
        raise FieldWrong(name) from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M")  # noqa: DTZ007  # local, as the lab's clock says
    except ValueError:
        raise FieldWrong("tested_at") from None
    return moment
