"""Correct: what a lab says anew of one tube, as a result file of one row in the product's own format.

No fact is changed at the desk: the file goes through the same door as every other, and decide knows what a correction is. What is said is
told by its own time, which the form brings along: sent twice, it is the same file.
"""

from __future__ import annotations

import csv
import hashlib
import io
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar, assert_never

from pipeline.domain.tube_codes import is_code, normalise
from pipeline.domain.words import Call, RejectReason, Status
from pipeline.durable import write_file
from pipeline.errors import ActionNeeded
from pipeline.ledger.sessions import Person
from pipeline.stages.hand_in import hand_in
from pipeline.stages.house import House

_Word = TypeVar("_Word", bound=StrEnum)
COLUMNS: Final = ("tube_code", "result", "status", "tested_at", "resulted_at", "reject_reason", "ct")
# A form that stood open for longer is asked for anew: its time would be no time of anything.
LASTS: Final = timedelta(hours=12)


class Said(StrEnum):
    """What a lab says: the tube could not be tested; the result was another; it was another person's; there is none."""

    REJECTED = "rejected"
    CORRECTED = "corrected"
    WRONG = "wrong"
    CANCELLED = "cancelled"


class Wrong(ActionNeeded):
    """A field of the form is missing or wrong. `field` is its name."""

    def __init__(self, field: str) -> None:
        super().__init__(f"The field {field} is missing or wrong.", field=field)
        self.field = field


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
    """From a form's fields: tube, tested_at (ISO, minutes), call, reason, ct. Raises Wrong, naming the field. Times are local."""
    if not now - LASTS <= said_at <= now:
        raise Wrong("said_at")
    tube = normalise(fields.get("tube", ""))
    if not is_code(tube):
        raise Wrong("tube")
    call = _call(fields, said)
    reason = _one_of(RejectReason, fields, "reason") if call is Call.REJECTED else None
    tested_at = _moment(fields.get("tested_at", ""))
    if tested_at > said_at:
        raise Wrong("tested_at")
    return Statement(said, tube, tested_at, said_at, call, reason, fields.get("ct", "").strip() if said is Said.CORRECTED else "")


def say(house: House, person: Person, what: Statement, now: datetime) -> str:
    """Hand the statement in as a file of the person's lab. Returns its SHA-256. Raises QuotaSpent, DiskFails."""
    data = as_file(what)
    folder = house.home.tmp / f"desk-{uuid.uuid4().hex}"
    folder.mkdir(mode=0o700)
    path = folder / f"desk_{what.said.value}_{what.tube}.csv"
    try:
        write_file(path, data)
        sha256 = hashlib.sha256(data).hexdigest()
        hand_in(house, person, path, sha256, now)
    finally:
        path.unlink(missing_ok=True)
        folder.rmdir()
    return sha256


def as_file(what: Statement) -> bytes:
    """The row in `canonical_results`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    times = (what.tested_at.isoformat(" ", "seconds"), what.said_at.isoformat(" ", "seconds"))
    call = what.call.value.replace("_", " ") if what.call else ""
    writer.writerow((what.tube, call, _status(what.said).value, *times, what.reason.value if what.reason else "", what.ct))
    return text.getvalue().encode()


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
        raise Wrong(name) from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M")  # noqa: DTZ007  # local, as the lab's clock says
    except ValueError:
        raise Wrong("tested_at") from None
    return moment
