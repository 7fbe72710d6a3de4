"""Notify: queued messages to Twilio, at most once each, and the truth about those whose answer was lost.

Order matters. What a crash left behind becomes unknown; what is unknown is looked up at Twilio before anything is sent again; then
the queue goes out, most urgent first; at last the statuses are read that no callback brought.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom
from uuid import uuid4

from pipeline.delivery.pace import Pace
from pipeline.delivery.quiet import is_quiet
from pipeline.delivery.sms import Provider
from pipeline.domain.words import MessageState
from pipeline.errors import TryAgain
from pipeline.ledger import outbox, switches
from pipeline.ledger.engine import Ledger
from pipeline.log import event
from pipeline.programme import Programme
from pipeline.settings import Settings
from pipeline.stages.letters import LinkOf, PhonesOf, address, write_letters
from pipeline.stages.lookup import lose_stale, read_late, reconcile
from pipeline.stages.sending import SEND_WITHIN_S, SOURCE, Line, WhyWaiting, send_batch

# A claim is for so many seconds of the programme's rate, well within SEND_WITHIN_S; bounded, since its people are held in memory.
CLAIM_S = SEND_WITHIN_S / 2
LARGEST_CLAIM = 2_000
_chance = SystemRandom().random


@dataclass(frozen=True)
class NotifySummary:
    """What one run did, in messages. `queued` is what waits after it, `why_waiting` the reason, `none` where nothing keeps it.

    `lost` became unknown because their run died; `found`, `absent`, `undecided` is what looking up the unknown ones said.
    """

    why_waiting: WhyWaiting
    queued: int
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    put_back: int = 0
    too_old: int = 0
    no_phone: int = 0
    lost: int = 0
    found: int = 0
    absent: int = 0
    undecided: int = 0
    read_late: int = 0

    @property
    def is_anything(self) -> bool:
        """Whether this run changed anything."""
        return any((self.sent, self.failed, self.unknown, self.too_old, self.no_phone, self.lost, self.found, self.absent, self.read_late))


@dataclass(frozen=True)
class _Run:
    """One run's surroundings. `moment` goes on from the `now` it was given, so that a long run keeps its quiet hours."""

    settings: Settings
    programme: Programme
    ledger: Ledger
    phones_of: PhonesOf
    link_of: LinkOf
    moment: Callable[[], datetime]


def notify(
    *,
    settings: Settings,
    programme: Programme,
    ledger: Ledger,
    phones_of: PhonesOf,
    link_of: LinkOf,
    sms: Provider | None,
    now: datetime,
    limit: int | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    chance: Callable[[], float] = _chance,
) -> NotifySummary:
    """Send what is due until the queue is empty, `limit` messages were claimed, or the line stops; `sms` is None without credentials.

    `phones_of` reads the vault, `link_of` makes a person's link. Runs may overlap: a message is claimed by one of them. Raises
    LedgerUnavailable (whatever was being sent then is looked up by a later run), and TryAgain where the vault is too slow.
    """
    start = clock()

    def moment() -> datetime:
        return now + timedelta(seconds=clock() - start)

    run = _Run(settings, programme, ledger, phones_of, link_of, moment)
    counts = Counter(lost=lose_stale(ledger, now=now))
    if sms is None:
        return _summary(run, counts, WhyWaiting.NO_CREDENTIALS)
    pace = Pace(programme.sending.per_second, clock=clock, sleep=sleep, chance=chance)
    line = Line(ledger, sms, pace, clock, moment, settings.callback_url, programme.sending.validity_s, settings.send_threads, counts)
    _look_up(run, line)
    why = _send_all(run, line, limit)
    counts["read_late"] = read_late(ledger, sms, now=moment(), threads=settings.send_threads)
    return _summary(run, counts, why)


def _look_up(run: _Run, line: Line) -> None:
    """Ask Twilio for every message that has been unknown for long enough to show in its list, were it there."""
    now = run.moment()
    with run.ledger.begin() as conn:
        unknown = outbox.unknown(conn, now - timedelta(seconds=run.programme.clocks.unknown_wait_s))
    for first in range(0, len(unknown), LARGEST_CLAIM):
        some = unknown[first : first + LARGEST_CLAIM]
        letters = address(some, programme=run.programme, phones_of=run.phones_of, link_of=run.link_of)
        line.counts.update(reconcile(letters, ledger=run.ledger, sms=line.sms, now=now, threads=line.threads))
        # Whose number is gone cannot be looked up, and so is never sent again.
        line.counts["undecided"] += len(some) - len(letters)


def _send_all(run: _Run, line: Line, limit: int | None) -> WhyWaiting:
    """Claim and send batch after batch. Why it ended, `none` where nothing is left or the limit is reached."""
    worker = f"notify-{uuid4()}"
    claimed = 0
    while limit is None or claimed < limit:
        if _is_quiet(run):
            return WhyWaiting.QUIET_HOURS
        size = max(1, min(LARGEST_CLAIM, int(line.pace.per_second * CLAIM_S)))
        claimed_at = line.clock()
        with run.ledger.begin() as conn:
            if switches.is_paused(conn):
                return WhyWaiting.PAUSED
            messages = outbox.claim(conn, size if limit is None else min(size, limit - claimed), worker, run.moment())
        if not messages:
            break
        claimed += len(messages)
        letters, unsendable = write_letters(
            messages, programme=run.programme, phones_of=run.phones_of, link_of=run.link_of, now=run.moment()
        )
        with run.ledger.begin() as conn:
            for one in unsendable:
                message = one.message
                outbox.advance(conn, message.message_id, one.state, source=SOURCE, now=run.moment(), attempt=message.attempts)
                line.count(one.state)
        deadline = claimed_at + SEND_WITHIN_S
        is_late = line.clock() > deadline
        send_batch(letters, line, deadline)
        if is_late:
            # All were put back. Claiming them again would go on for ever.
            raise TryAgain(f"Reading the vault for one claim took longer than {SEND_WITHIN_S:.0f} seconds: nothing was sent.")
        if line.stopped is not WhyWaiting.NONE:
            break
    return line.stopped


def _is_quiet(run: _Run) -> bool:
    sending = run.programme.sending
    return is_quiet(run.moment(), quiet_from=sending.quiet_from, quiet_to=sending.quiet_to, time_zone=run.programme.time_zone)


def _summary(run: _Run, counts: Counter[str], why: WhyWaiting) -> NotifySummary:
    with run.ledger.begin() as conn:
        queued = outbox.counts(conn).get(MessageState.QUEUED, 0)
        # Nothing waits, so there is no why; an account that Twilio refuses is told in any case.
        told = why if queued or why is WhyWaiting.CONFIGURATION else WhyWaiting.NONE
        switches.note_sending_waits(conn, None if told is WhyWaiting.NONE else told.value, run.moment())
    summary = NotifySummary(told, queued, **{str(what): number for what, number in counts.items()})
    event("notified", **vars(summary))
    return summary
