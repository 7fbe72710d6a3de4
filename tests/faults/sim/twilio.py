"""A Twilio of the simulator's own, behind the product's `Provider`: it answers badly, reports badly, and counts what it accepted.

What it accepted is the judge. Its errors pass the product's own reading of Twilio's exceptions (`sms._answer`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import requests
from twilio.base.exceptions import TwilioRestException

from pipeline.delivery import sms
from pipeline.delivery.sms import Accepted, Answer, Found, LookupFailed
from tests.faults.points import AFTER, BEFORE
from tests.faults.sim.world import Clock

# Numbers that Twilio never takes, each with its reason.
NEVER = {"+84912000003": 21211, "+84912000005": 21610}
# (status, Twilio's code) of answers that say no: to this message, to every message, and for now.
REFUSALS = ((400, 21614), (400, 21408), (400, 21612), (400, 30007), (400, 99999))
STOPS = ((401, 20003), (400, 21606), (403, 0))
BUSY = ((400, 21611), (400, 30001))
LOST = ("timeout", "reset", "no json", "500", "503", "408", "no sid")
FINAL = (("delivered", None),) * 6 + (("undelivered", 30003), ("undelivered", 30005), ("failed", 30007))
# How long an accepted message may be missing from the list.
LAG = timedelta(seconds=20)


@dataclass
class Kept:
    """A message that was accepted. `final`: how it ends, after `sent_after` and `final_after`."""

    sid: str
    to: str
    body: str
    callback: str | None
    created_at: datetime
    sent_after: timedelta
    final_after: timedelta
    final: tuple[str, int | None]

    def status(self, at: datetime) -> tuple[str, int | None]:
        age = at - self.created_at
        if age >= self.final_after:
            return self.final
        return ("sent" if age >= self.sent_after else "queued"), None


@dataclass(frozen=True, order=True)
class Report:
    """A status callback on its way. `forged`: '' or what is wrong with it."""

    at: datetime
    number: int
    message: Kept = field(compare=False)
    status: str = field(compare=False)
    code: int | None = field(compare=False)
    forged: str = field(compare=False, default="")


@dataclass
class Twilio:
    """`hit` is the fail point around a call; `now_or_never` takes a report that comes before the answer does."""

    chance: Random
    clock: Clock
    faulted: float
    hit: Callable[[str, str], None]
    now_or_never: Callable[[Report], None]
    is_calm: bool = False
    kept: list[Kept] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)

    def send(self, to: str, body: str, *, status_callback: str | None = None, validity_s: int | None = None) -> Answer:
        self.hit("twilio in sending._send", BEFORE)
        self.met["sends"] += 1
        self.clock.sleep(0.2)
        try:
            sid = self._taken(to, body, status_callback)
        except (TwilioRestException, requests.RequestException, sms._TooManyRequests, ValueError) as error:
            return sms._answer(error)
        finally:
            self.hit("twilio in sending._send", AFTER)
        return Accepted(sid, "queued")

    def find(self, to: str, since: datetime) -> list[Found]:
        self._may_fail()
        seen = [one for one in self.kept if one.to == to and one.created_at >= since and self.clock.true - one.created_at >= LAG]
        return [self._shown(one) for one in seen]

    def fetch(self, sid: str) -> Found | None:
        self._may_fail()
        return next((self._shown(one) for one in self.kept if one.sid == sid), None)

    def due(self) -> list[Report]:
        """Reports whose time has come, taken off the list."""
        due = sorted(one for one in self.reports if one.at <= self.clock.true)
        self.reports = [one for one in self.reports if one.at > self.clock.true]
        return due

    def report(self, message: Kept, status: str, code: int | None, after: timedelta, forged: str = "") -> None:
        self.reports.append(Report(self.clock.true + after, len(self.reports), message, status, code, forged))

    def _taken(self, to: str, body: str, callback: str | None) -> str:
        """The SID, or what Twilio's client raises: before the message was kept, or after."""
        if to in NEVER:
            raise _said(400, NEVER[to])
        if self.is_calm or self.chance.random() >= self.faulted:
            return self._keep(to, body, callback)
        self.met["faulted sends"] += 1
        match self.chance.choice(("lost before", "lost after", "lost after", "busy", "busy", "refused", "stop")):
            case "lost after":
                self._keep(to, body, callback)
                raise self._lost()
            case "lost before":
                raise self._lost()
            case "busy":
                raise self.chance.choice(
                    (sms._TooManyRequests(None), sms._TooManyRequests(2.0), sms._TooManyRequests(3600.0), _said(*self.chance.choice(BUSY)))
                )
            case "refused":
                raise _said(*self.chance.choice(REFUSALS))
            case _:
                raise _said(*self.chance.choice(STOPS))

    def _lost(self) -> Exception:
        match self.chance.choice(LOST):
            case "timeout":
                return requests.ReadTimeout()
            case "reset":
                return requests.ConnectionError()
            case "no json":
                return ValueError()
            case "no sid":
                return requests.exceptions.ChunkedEncodingError()
            case status:
                return _said(int(status), 20500)

    def _keep(self, to: str, body: str, callback: str | None) -> str:
        chance = self.chance
        sent, final = timedelta(seconds=chance.randint(1, 120)), timedelta(seconds=chance.choice((5, 130, 600, 7200)))
        message = Kept(f"SM{len(self.kept):032}", to, body, callback, self.clock.true, sent, max(sent, final), chance.choice(FINAL))
        self.kept.append(message)
        if callback is None:
            return message.sid
        for status, code, after in (("queued", None, timedelta(0)), ("sent", None, sent), (*message.final, message.final_after)):
            for _ in range(chance.choice((0, 1, 1, 1, 2, 5))):
                late = timedelta(seconds=chance.choice((0, 0, 30, 3600, 260_000)))
                self.report(message, status, code, after + late)
        if chance.random() < 0.1:
            status = chance.choice(("delivered", "failed", "undelivered", "queued"))
            self.report(message, status, None, timedelta(seconds=60), chance.choice(("signature", "account", "unsigned", "query")))
        if not self.is_calm and chance.random() < 0.1:
            self.now_or_never(Report(self.clock.true, 0, message, "sent", None))
        return message.sid

    def _shown(self, one: Kept) -> Found:
        status, code = one.status(self.clock.true)
        return Found(one.sid, status, one.body, one.created_at, code)

    def _may_fail(self) -> None:
        if not self.is_calm and self.chance.random() < self.faulted:
            raise LookupFailed("the simulator's Twilio does not answer")


def _said(status: int, code: int) -> TwilioRestException:
    return TwilioRestException(status, "https://twilio.example", code=code)
