"""Messages whose fate has to be asked for: those that a crash or a lost answer left behind, and those that Twilio fell silent about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import Final, assert_never

from pipeline.delivery.codes import reason_of, state_of
from pipeline.delivery.reconcile import SKEW, Absent, Present, Undecided, presence
from pipeline.delivery.sms import Found, LookupFailed, Provider
from pipeline.domain.words import MessageState
from pipeline.ledger import absences, outbox
from pipeline.ledger.engine import Ledger
from pipeline.ledger.outbox import Message
from pipeline.log import warning
from pipeline.stages.letters import Letter

SOURCE: Final = "lookup"
# Longer than this nobody is still sending: the process is gone. Far above `sending.SEND_WITHIN_S` and Twilio's time-outs.
SENDING_LIMIT: Final = timedelta(minutes=2)
# A message without a final status is asked for when its last news, or the last question, is older than this, until nobody can expect
# one any more: the last question comes after that time, however long our own runs stood still.
SILENCE: Final = timedelta(hours=1)
SILENT_FOR_EVER: Final = timedelta(days=3)
READ_IN_A_RUN: Final = 500
# Once its fate was unknown, a message not told within this is a person's to find out about (lists.unreached).
UNSETTLED: Final = timedelta(hours=1)


def lose_stale(ledger: Ledger, *, now: datetime) -> int:
    """Messages that a dead run left in `sending` become `unknown`; how many."""
    with ledger.begin() as conn:
        return sum(
            outbox.advance(
                conn, message.message_id, MessageState.UNKNOWN, reason="sender_gone", source=SOURCE, now=now, attempt=message.attempts
            )
            for message in outbox.stale_sending(conn, now - SENDING_LIMIT)
        )


def reconcile(letters: Sequence[Letter], *, ledger: Ledger, sms: Provider, now: datetime, threads: int) -> Counter[str]:
    """Look each unknown message up at Twilio: found → sent with its SID, absent twice → back to the queue, else left unknown.

    Counts `found`, `absent` and `undecided`. Where Twilio cannot be asked, and after the first look that did not find it, the message stays
    unknown and is `undecided`.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="lookup") as pool:
        return Counter(pool.map(partial(_reconcile_one, ledger=ledger, sms=sms, now=now), letters))


def _reconcile_one(letter: Letter, *, ledger: Ledger, sms: Provider, now: datetime) -> str:
    message = letter.message
    if message.claimed_at is None:
        return "undecided"
    try:
        found = sms.find(letter.to, message.claimed_at - SKEW)
    except LookupFailed as error:
        warning("lookup_failed", **error.fields)
        return "undecided"
    with ledger.begin() as conn:
        taken = {other.sid for other in outbox.of_specimen(conn, message.specimen_id) if other.sid}
        match presence(found, body=letter.body, link=letter.link, taken=taken):
            case Present(found=ours):
                state = state_of(ours.status) or MessageState.SENT
                reason = reason_of(ours.error_code, default=ours.status)
                outbox.advance(conn, message.message_id, state, sid=ours.sid, reason=reason, source=SOURCE, now=now)
                return "found"
            case Absent() if not absences.was_absent(message):
                absences.note_absent(conn, message.message_id, now)
                return "undecided"
            case Absent():
                outbox.advance(
                    conn, message.message_id, MessageState.QUEUED, reason="not_at_twilio", source=SOURCE, now=now, attempt=message.attempts
                )
                return "absent"
            case Undecided():
                return "undecided"
            case never:
                assert_never(never)


def read_late(ledger: Ledger, sms: Provider, *, now: datetime, threads: int) -> int:
    """Fetch the status of messages that Twilio has been silent about, longest first; how many moved on."""
    with ledger.begin() as conn:
        due = outbox.unconfirmed(conn, now - SILENCE, READ_IN_A_RUN)
    with ThreadPoolExecutor(threads, thread_name_prefix="lookup") as pool:
        return sum(pool.map(partial(_read_one, ledger=ledger, sms=sms, now=now), due))


def _read_one(message: Message, *, ledger: Ledger, sms: Provider, now: datetime) -> bool:
    if message.sid is None:
        return False
    try:
        found: Found | None = sms.fetch(message.sid)
    except LookupFailed as error:
        warning("lookup_failed", **error.fields)
        # The others' turn. It was no answer, so that the last question, too, is asked again.
        with ledger.begin() as conn:
            outbox.note_asked(conn, message.message_id, now)
        return False
    state = state_of(found.status) if found else None
    is_last = now >= (message.claimed_at or message.enqueued_at) + SILENT_FOR_EVER
    with ledger.begin() as conn:
        outbox.note_asked(conn, message.message_id, now, is_last=is_last)
        if found is None or state is None:
            warning("status_unreadable", message=message.message_id)
            return False
        reason = reason_of(found.error_code, default=found.status)
        return outbox.advance(conn, message.message_id, state, sid=found.sid, reason=reason, source=SOURCE, now=now)
