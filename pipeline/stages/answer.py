"""Answer: what people decide about a hold, and what follows from it, in one transaction.

Two people let go, one stops. What is said about a tube is signed: it is about what the hold shows at that moment, the next decide batch
carries it out (and a rebuild again), and a later file about the tube makes it void. Holds that only facts answer (an unmatched or an
overdue result) are not answered here: what a lab or a team must say, they say in a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from pipeline.domain.words import Choice, HoldReason, Silence
from pipeline.errors import ActionNeeded
from pipeline.ledger import audit, decisions, holds, receipts, signed_holds, silences, switches
from pipeline.ledger.engine import Transaction
from pipeline.ledger.holds import Hold
from pipeline.log import event
from pipeline.quality.judge import LAB_SHIFTS
from pipeline.stages.house import House

REFUSED_BY_PEOPLE = "refused_by_people"
_NOT_SO: Final = {
    Choice.RELEASE: "No number of people makes this result anybody's. Refuse it, and all are swabbed again; or a file settles it.",
    Choice.REFUSE: "There is nothing to refuse here: release it when the reason is found; `unpool pause` stops sending.",
}


@dataclass(frozen=True)
class Answered:
    """is_done: enough people have said so, and it is done; `files` went with it. `people` of `needed` have spoken.

    is_signed: it is about a tube, and done by the next decide batch.
    """

    hold: Hold
    choice: Choice
    people: int
    needed: int
    is_done: bool
    is_signed: bool
    files: int


def choices(reason: HoldReason) -> tuple[Choice, ...]:
    """What a person may say to a hold of this kind; nothing where a file of the lab or the team settles it, or it ends by itself."""
    match reason:
        case HoldReason.FILE_HELD | HoldReason.SAMPLE_DISAGREES | HoldReason.LAB_SHIFTED | HoldReason.WRONG_NUMBER:
            return (Choice.RELEASE, Choice.REFUSE)
        case HoldReason.TOO_MANY_MESSAGES | HoldReason.LAB_SILENT:
            return (Choice.RELEASE,)
        case HoldReason.DISCORDANT:
            return (Choice.RELEASE, Choice.REFUSE)
        case HoldReason.CONTRADICTION | HoldReason.RELABELLED | HoldReason.SHARED_TUBE | HoldReason.CONFLICT | HoldReason.INCOMPLETE:
            # Nobody knows whose result it is, or which one is right: no number of people makes it anybody's.
            return (Choice.REFUSE,)
        case HoldReason.UNMATCHED | HoldReason.OVERDUE | HoldReason.SEND_FAILED | HoldReason.UNOPENED | HoldReason.RETENTION_WAITS:
            return ()
        case _:
            assert_never(reason)


def is_of_tube(reason: HoldReason) -> bool:
    """Whether what people say to such a hold is signed, and carried out by decide."""
    match reason:
        case (
            HoldReason.DISCORDANT
            | HoldReason.CONTRADICTION
            | HoldReason.RELABELLED
            | HoldReason.SHARED_TUBE
            | HoldReason.CONFLICT
            | HoldReason.INCOMPLETE
        ):
            return True
        case (
            HoldReason.UNMATCHED
            | HoldReason.OVERDUE
            | HoldReason.FILE_HELD
            | HoldReason.SAMPLE_DISAGREES
            | HoldReason.SEND_FAILED
            | HoldReason.UNOPENED
            | HoldReason.LAB_SHIFTED
            | HoldReason.LAB_SILENT
            | HoldReason.TOO_MANY_MESSAGES
            | HoldReason.WRONG_NUMBER
            | HoldReason.RETENTION_WAITS
        ):
            return False
        case _:
            assert_never(reason)


def answer(house: House, hold: str, choice: Choice, *, who: str, why: str, now: datetime) -> Answered:
    """Say `choice` to the hold whose id begins with `hold`, as `who`, because of `why` (no person's data: both go into the audit).

    Raises ActionNeeded: no such hold, or several; one that cannot be answered so; somebody who has spoken already; nothing said.
    """
    who, why = _said(who, why)
    with house.ledger.begin() as conn:
        about = _the_one(holds.find(conn, hold), hold)
        concerned = _files(conn, about, choice)
        of_tube = is_of_tube(about.reason)
        if of_tube and signed_holds.is_signed(conn, about):
            raise ActionNeeded("Enough people have decided on this hold: the next run of decide carries it out.")
        said = decisions.say(conn, about, choice, who=who, why=why, now=now)
        files = 0
        if said.is_enough and of_tube:
            # It stays open until the batch: a crash between here and there leaves a question, and never a gap.
            signed_holds.add(conn, about, choice)
        elif said.is_enough:
            files = _do(conn, concerned, choice, now)
            if about.reason is HoldReason.WRONG_NUMBER and choice is Choice.RELEASE:
                # Two people say that the number is right. Refused, it stays silent.
                silences.end(conn, about.subject.removeprefix("specimen "), Silence.WRONG_NUMBER)
            holds.close_many(conn, [about.hold_id], now)
    event("hold_answered", reason=about.reason.value, choice=choice.value, people=said.people, done=said.is_enough, files=files)
    return Answered(about, choice, said.people, choice.people, said.is_enough, said.is_enough and of_tube, files)


def pause(house: House, *, who: str, why: str, now: datetime) -> None:
    """Stop all sending, within one message."""
    _turn(house, True, who, why, now)


def resume(house: House, *, who: str, why: str, now: datetime) -> None:
    """Let messages go out again, unless a breaker keeps them."""
    _turn(house, False, who, why, now)


def _turn(house: House, is_on: bool, who: str, why: str, now: datetime) -> None:
    who, why = _said(who, why)
    with house.ledger.begin() as conn:
        switches.set_paused(conn, is_on, reason=why, who=who, now=now)
        audit.append(conn, who, "sending_paused" if is_on else "sending_resumed", "sending", why, now)


def _said(who: str, why: str) -> tuple[str, str]:
    if not who.strip() or not why.strip():
        raise ActionNeeded("Say who decides (--by) and why (--why): both go into the audit.")
    return who.strip(), why.strip()


def _the_one(found: list[Hold], beginning: str) -> Hold:
    if not found:
        raise ActionNeeded(f"No open hold begins with {beginning!r}: `unpool holds` lists them.")
    if len(found) > 1:
        raise ActionNeeded(f"{len(found)} open holds begin with {beginning!r}: give more of the id.")
    return found[0]


def _files(conn: Transaction, about: Hold, choice: Choice) -> list[int]:
    """The receipts of the files that a hold stops. Raises ActionNeeded where `choice` is none that people have."""
    open_to = choices(about.reason)
    if about.reason is HoldReason.RETENTION_WAITS:
        raise ActionNeeded("This closes by itself once the days can be erased: answer the file that waits.")
    if not open_to:
        raise ActionNeeded(f"A hold of kind {about.reason} is answered by facts: a file of the lab or the team settles it.")
    if choice not in open_to:
        raise ActionNeeded(_NOT_SO[choice])
    if about.reason is HoldReason.LAB_SHIFTED:
        return receipts.held(conn, about.owner, LAB_SHIFTS)
    stops_one_file = about.reason in (HoldReason.FILE_HELD, HoldReason.SAMPLE_DISAGREES)
    return [int(about.subject.removeprefix("receipt "))] if stops_one_file else []


def _do(conn: Transaction, concerned: list[int], choice: Choice, now: datetime) -> int:
    """What enough people want. Returns how many files it changed."""
    match choice:
        case Choice.RELEASE:
            return receipts.release(conn, concerned, now)
        case Choice.REFUSE:
            return receipts.refuse(conn, concerned, REFUSED_BY_PEOPLE)
        case _:
            assert_never(choice)
