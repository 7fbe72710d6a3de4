"""Notify: queued messages to Twilio, at most once each, and the truth about those whose answer was lost.

Order matters. What a crash left behind becomes unknown; what is unknown is looked up at Twilio before anything is sent again; then
the queue goes out, most urgent first; at last the statuses are read that no callback brought.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from random import SystemRandom
from uuid import uuid4
from zoneinfo import ZoneInfo

from pipeline.delivery.pace import Pace
from pipeline.delivery.quiet import is_quiet
from pipeline.delivery.sms import Provider
from pipeline.domain.words import MessageState
from pipeline.errors import TryAgain
from pipeline.ledger import number_days, outbox, switches, told
from pipeline.ledger.engine import Ledger, Transaction
from pipeline.log import event, warning
from pipeline.programme import Programme
from pipeline.settings import Settings
from pipeline.stages.letters import Letter, LinkOf, PhonesOf, SilentOf, Unsendable, address, write_letters
from pipeline.stages.lookup import lose_stale, read_late, reconcile
from pipeline.stages.sending import SEND_WITHIN_S, SOURCE, TOLD_ANYWAY, Line, WhyWaiting, put_back, send_batch

# A claim is for so many seconds of the programme's rate: it waits for the one before it, and Twilio may be three times slower than
# hoped, all within SEND_WITHIN_S. Bounded, since its people are held in memory.
CLAIM_S = SEND_WITHIN_S / 6
LARGEST_CLAIM = 2_000
# Up to this many seconds an answer may take without the rate suffering: it decides how many threads send.
ANSWER_S = 0.5
_chance = SystemRandom().random


@dataclass(frozen=True)
class NotifySummary:
    """What one run did, in messages. `queued` is what waits after it, `why_waiting` the reason, `none` where nothing keeps it.

    `lost` became unknown because their run died; `found`, `absent`, `undecided` is what looking up the unknown ones said. `found` counts
    too who was told before a restore.
    """

    why_waiting: WhyWaiting
    queued: int
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    put_back: int = 0
    too_old: int = 0
    no_phone: int = 0
    over_limit: int = 0
    lost: int = 0
    found: int = 0
    absent: int = 0
    undecided: int = 0
    read_late: int = 0

    @property
    def is_anything(self) -> bool:
        """Whether this run changed anything."""
        ended = (self.sent, self.failed, self.unknown, self.too_old, self.no_phone, self.over_limit)
        return any((*ended, self.lost, self.found, self.absent, self.read_late))


@dataclass(frozen=True)
class _Run:
    """One run's surroundings. `moment` goes on from the `now` it was given, so that a long run keeps its quiet hours."""

    settings: Settings
    programme: Programme
    ledger: Ledger
    phones_of: PhonesOf
    link_of: LinkOf
    silent_of: SilentOf
    print_of: Callable[[str], str]
    moment: Callable[[], datetime]


@dataclass(frozen=True)
class _Batch:
    """One claim made ready: `messages` were claimed, `letters` of them can go, by `deadline` (of the line's clock)."""

    messages: int
    letters: Sequence[Letter]
    deadline: float


def notify(
    *,
    settings: Settings,
    programme: Programme,
    ledger: Ledger,
    phones_of: PhonesOf,
    link_of: LinkOf,
    silent_of: SilentOf,
    print_of: Callable[[str], str],
    sms: Provider | None,
    now: datetime,
    limit: int | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    chance: Callable[[], float] = _chance,
) -> NotifySummary:
    """Send what is due until the queue is empty, `limit` messages were claimed, or the line stops; `sms` is None without credentials.

    `phones_of` reads the vault, `link_of` makes a person's link, `silent_of` knows the numbers that want none, `print_of` makes a number's
    keyed hash. Runs may overlap: a message is claimed by one of them. Raises LedgerUnavailable (whatever was being sent then is looked up
    by a later run), and TryAgain where the vault is too slow.
    """
    start = clock()

    def moment() -> datetime:
        return now + timedelta(seconds=clock() - start)

    run = _Run(settings, programme, ledger, phones_of, link_of, silent_of, print_of, moment)
    counts = Counter(lost=lose_stale(ledger, now=now))
    if sms is None:
        return _summary(run, counts, WhyWaiting.NO_CREDENTIALS)
    pace = Pace(programme.sending.per_second, clock=clock, sleep=sleep, chance=chance)
    threads = min(settings.send_threads, ceil(programme.sending.per_second * ANSWER_S))
    line = Line(ledger, sms, pace, clock, moment, settings.callback_url, programme.sending.validity_s, threads, counts)
    _look_up(run, line)
    why = _send_all(run, line, limit)
    counts["read_late"] = read_late(ledger, sms, now=moment(), threads=threads)
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

    def claim() -> _Batch:
        size = max(1, min(LARGEST_CLAIM, int(line.pace.per_second * CLAIM_S)))
        return _claim(run, line, worker, size if limit is None else min(size, limit - claimed))

    with ThreadPoolExecutor(1, thread_name_prefix="claim") as beside:
        batch = claim()
        while batch.messages:
            claimed += batch.messages
            # The next one is made ready while this one is sent: the line never waits for the vault.
            following = beside.submit(claim)
            send_batch(batch.letters, line, batch.deadline)
            # Where nothing more was queued, some may have been put back since.
            batch = following.result() if following.result().messages else claim()
    if line.is_stopped or claimed == limit:
        return line.stopped
    with run.ledger.begin() as conn:
        return WhyWaiting.HELD if outbox.taken_back(conn) else WhyWaiting.NONE


def _claim(run: _Run, line: Line, worker: str, most: int) -> _Batch:
    """Claim up to `most` messages and write their letters. In quiet hours and while paused nothing is claimed, and the line stops.

    Raises TryAgain where the vault is so slow that all had to be put back: to claim them again would go on for ever.
    """
    deadline = line.clock() + SEND_WITHIN_S
    if most == 0:
        return _Batch(0, [], deadline)
    if _is_quiet(run):
        line.stop(WhyWaiting.QUIET_HOURS)
    with run.ledger.begin() as conn:
        if (stop := switches.stopped_by(conn)) is not None:
            line.stop(WhyWaiting(stop))
        claimed = [] if line.is_stopped else outbox.claim(conn, most, worker, run.moment())
        # After a restore: whom Twilio told already is not told again.
        adopted = told.adopt(conn, run.moment(), [message.message_id for message in claimed])
    line.count("found", len(adopted))
    messages = [message for message in claimed if message.message_id not in adopted]
    letters, unsendable = write_letters(
        messages,
        programme=run.programme,
        phones_of=run.phones_of,
        link_of=run.link_of,
        silent_of=run.silent_of,
        now=run.moment(),
    )
    with run.ledger.begin() as conn:
        letters, beyond = _within_limit(run, conn, letters)
        for one in [*unsendable, *beyond]:
            message = one.message
            outbox.advance(
                conn, message.message_id, one.state, reason=one.reason, source=SOURCE, now=run.moment(), attempt=message.attempts
            )
            line.count(one.state)
    if line.clock() > deadline:
        put_back(letters, line, "not_sent_in_time")
        raise TryAgain(f"Reading the vault for one claim took longer than {SEND_WITHIN_S:.0f} seconds: nothing of it was sent.")
    return _Batch(len(claimed), letters, deadline)


def _within_limit(run: _Run, conn: Transaction, letters: Sequence[Letter]) -> tuple[list[Letter], list[Unsendable]]:
    """Those that are among the day's first messages to their number, and the others: a number that gets more is called instead."""
    day = run.moment().astimezone(ZoneInfo(run.programme.time_zone)).date()
    wanted = [(letter.message.message_id, run.print_of(letter.to)) for letter in letters]
    placed = number_days.take(conn, day, wanted, run.programme.sending.per_number_day)
    beyond = [Unsendable(letter.message, MessageState.OVER_LIMIT) for letter in letters if letter.message.message_id not in placed]
    if beyond:
        warning("number_over_limit", messages=len(beyond), limit=run.programme.sending.per_number_day)
    return [letter for letter in letters if letter.message.message_id in placed], beyond


def _is_quiet(run: _Run) -> bool:
    sending = run.programme.sending
    return is_quiet(run.moment(), quiet_from=sending.quiet_from, quiet_to=sending.quiet_to, time_zone=run.programme.time_zone)


def _summary(run: _Run, counts: Counter[str], why: WhyWaiting) -> NotifySummary:
    with run.ledger.begin() as conn:
        queued = outbox.counts(conn).get(MessageState.QUEUED, 0)
        # Nothing waits, so there is no why, but for what a person must do something about.
        shown = why if queued or why in TOLD_ANYWAY else WhyWaiting.NONE
        switches.note_sending_waits(conn, None if shown is WhyWaiting.NONE else shown.value, run.moment())
    summary = NotifySummary(shown, queued, **{str(what): number for what, number in counts.items()})
    event("notified", **vars(summary))
    return summary
