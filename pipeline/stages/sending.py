"""One claimed batch out to Twilio: threads, one pace, and each answer recorded in a transaction of its own.

No connection of the ledger is held while Twilio is asked. What is not sent by the deadline goes back to the queue: another run
may take a message for lost that was `sending` for too long, and would look it up before it was even sent.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from pipeline.delivery.codes import reason_of
from pipeline.delivery.pace import LONGEST_PAUSE_S, Pace
from pipeline.delivery.sms import Accepted, Answer, BackOff, Provider, Refused, Unknown
from pipeline.domain.words import MessageState
from pipeline.ledger import outbox, switches
from pipeline.ledger.engine import Ledger
from pipeline.ledger.switches import Stop
from pipeline.stages.letters import Letter

SOURCE: Final = "notify"
# From claim to the call to Twilio; with its time-outs far below `lookup.SENDING_LIMIT`.
SEND_WITHIN_S: Final = 30.0
# Fates unknown one after the other: Twilio is broken, and every further message would have to be looked up.
UNKNOWN_IN_A_ROW: Final = 20


class WhyWaiting(StrEnum):
    """Why messages stay queued after a run. Every `switches.Stop` is one of them, by the same word."""

    NONE = "none"
    NO_CREDENTIALS = "no_credentials"
    QUIET_HOURS = "quiet_hours"
    # An operator switched sending off.
    PAUSED = "paused"
    # A breaker has tripped, and two people have not yet let go of it.
    BREAKER = "breaker"
    # The ledger was restored, and Twilio was not yet asked who was told since its backup.
    RESTORED = "restored"
    # Twilio refuses the account or its sender.
    CONFIGURATION = "configuration"
    # Twilio asks to wait, does not answer, or answers nonsense.
    PROVIDER = "provider"
    # What the messages call to is held again: somebody must decide, and then they go or are replaced.
    HELD = "held"


# What a person must do something about, whether or not a message waits already.
TOLD_ANYWAY: Final = (WhyWaiting.CONFIGURATION, WhyWaiting.RESTORED)


@dataclass
class Line:
    """What the sending threads of one run share. `stopped` is set once and ends the run; `counts` by what became of messages."""

    ledger: Ledger
    sms: Provider
    pace: Pace
    clock: Callable[[], float]
    moment: Callable[[], datetime]
    callback_url: str | None
    validity_s: int
    threads: int
    counts: Counter[str] = field(default_factory=Counter)
    stopped: WhyWaiting = WhyWaiting.NONE
    unknown_in_a_row: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_stopped(self) -> bool:
        return self.stopped is not WhyWaiting.NONE

    def stop(self, why: WhyWaiting) -> None:
        with self.lock:
            if not self.is_stopped:
                self.stopped = why

    def count(self, what: str, messages: int = 1) -> None:
        with self.lock:
            self.counts[what] += messages


def send_batch(letters: Sequence[Letter], line: Line, deadline: float) -> None:
    """Send until all are answered, the line stops, or `deadline` (of `line.clock`) has come. Raises what the ledger raises.

    Here alone the pace is asked, one message after the other, so that the most urgent leaves first; threads wait for the answers.
    Before each message the ledger is asked whether somebody stopped sending: the switch takes effect within one message.
    """
    places = threading.Semaphore(line.threads)
    answers: list[Future[None]] = []
    with switches.asked(line.ledger) as stopped_by, ThreadPoolExecutor(line.threads, thread_name_prefix="send") as pool:
        for number, letter in enumerate(letters):
            places.acquire()
            if not _may_go(line, deadline, stopped_by):
                put_back(letters[number:], line, "not_sent_in_time")
                break
            answers.append(pool.submit(_send, letter, line))
            answers[-1].add_done_callback(lambda _: places.release())
    for answer in answers:
        answer.result()


def _may_go(line: Line, deadline: float, stopped_by: Callable[[], Stop | None]) -> bool:
    """Whether one more message may leave now; waits for its turn."""
    if line.is_stopped or not line.pace.wait(deadline):
        return False
    if (stop := stopped_by()) is not None:
        line.stop(WhyWaiting(stop))
    # Asked again: the wait may have been long, and a sleeping machine's is longer than it asked for.
    return not line.is_stopped and line.clock() <= deadline


def _send(letter: Letter, line: Line) -> None:
    callback = f"{line.callback_url}?message={letter.message.message_id}" if line.callback_url else None
    try:
        _record(letter, line, line.sms.send(letter.to, letter.body, status_callback=callback, validity_s=line.validity_s))
    except Exception:
        # The ledger is gone or we are wrong: whatever is sent now could not be recorded.
        line.stop(WhyWaiting.PROVIDER)
        raise


def _record(letter: Letter, line: Line, answer: Answer) -> None:
    match answer:
        case Accepted(sid=sid, status=status):
            line.pace.recover()
            line.unknown_in_a_row = 0
            _settle(letter, line, MessageState.SENT, "sent", sid=sid, reason=status)
        case Refused(code=code, stops_the_line=True):
            line.stop(WhyWaiting.CONFIGURATION)
            put_back([letter], line, reason_of(code))
        case Refused(code=code, kind=kind):
            line.unknown_in_a_row = 0
            _settle(letter, line, MessageState.FAILED, "failed", reason=f"{kind}_{code}")
        case BackOff(retry_after_s=retry_after_s):
            if line.pace.jam(retry_after_s) > LONGEST_PAUSE_S:
                line.stop(WhyWaiting.PROVIDER)
            put_back([letter], line, "back_off")
        case Unknown(reason=reason):
            line.unknown_in_a_row += 1
            if line.unknown_in_a_row >= UNKNOWN_IN_A_ROW:
                line.stop(WhyWaiting.PROVIDER)
            _settle(letter, line, MessageState.UNKNOWN, "unknown", reason=reason)
        case _:
            assert_never(answer)


def put_back(letters: Sequence[Letter], line: Line, reason: str) -> None:
    """Surely not at Twilio: back to the queue, all in one transaction."""
    with line.ledger.begin() as conn:
        for message in (letter.message for letter in letters):
            outbox.advance(
                conn, message.message_id, MessageState.QUEUED, reason=reason, source=SOURCE, now=line.moment(), attempt=message.attempts
            )
    line.count("put_back", len(letters))


def _settle(letter: Letter, line: Line, to: MessageState, what: str, *, reason: str, sid: str | None = None) -> None:
    """Record one answer, in a transaction of its own: once this returns, the ledger knows what Twilio has.

    A callback may have been quicker, and another run may have claimed since: then this changes nothing.
    """
    message = letter.message
    with line.ledger.begin() as conn:
        outbox.advance(conn, message.message_id, to, sid=sid, reason=reason, source=SOURCE, now=line.moment(), attempt=message.attempts)
    line.count(what)
