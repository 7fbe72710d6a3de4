"""What surrounds the product in an episode: two clocks, and faults at its side effects. All drawn from one seed."""

from __future__ import annotations

import errno
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random

from pipeline.errors import LedgerUnavailable

LOCAL = timezone(timedelta(hours=7))
# An episode ends within weeks.
LONGEST = timedelta(days=200)


@dataclass
class Clock:
    """`true` is the world's and Twilio's time; the machine's may be ahead of it, or behind. `latest`: what the machine ever took for now."""

    true: datetime
    latest: datetime
    ahead: timedelta = timedelta(0)
    slept: float = 0.0

    @property
    def now(self) -> datetime:
        return self.true + self.ahead

    @property
    def as_of(self) -> datetime:
        """The machine's time as the warehouse keeps it."""
        return self.now.astimezone(LOCAL).replace(tzinfo=None)

    def set_wrong(self, ahead: timedelta) -> None:
        self.latest = max(self.latest, self.now)
        self.ahead = ahead

    def to(self, moment: datetime) -> None:
        self.true = max(self.true, moment)

    def wait(self, **much: float) -> None:
        self.sleep(timedelta(**much).total_seconds())

    def seconds(self) -> float:
        """A clock that only runs forward: what time.monotonic is to the product."""
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        assert self.slept < LONGEST.total_seconds(), "something waits and waits"
        self.true += timedelta(seconds=seconds)


class Crash(BaseException):
    """The process died here. Nothing of ours catches it, as nothing catches a kill; what runs in a `finally` has no more effects."""


@dataclass
class Faults:
    """The action at a fail point: nothing, death, or a store that fails. After death every further effect of the process fails.

    crashes, errors: how likely at each point. Twilio has faults of its own.
    """

    chance: Random
    crashes: float
    errors: float
    is_on: bool = False
    is_dead: bool = False
    met: Counter[str] = field(default_factory=Counter)

    def __call__(self, point: str, when: str, nth: int) -> None:
        if self.is_dead:
            raise Crash
        if not self.is_on:
            return
        draw = self.chance.random()
        if draw < self.crashes:
            self.is_dead = True
            self.met["crash"] += 1
            raise Crash(f"{when} {point}, time {nth}")
        if draw < self.crashes + self.errors and not point.startswith("twilio"):
            self.met["store error"] += 1
            if point.startswith("ledger"):
                raise LedgerUnavailable("the simulator took the ledger away")
            raise OSError(errno.EIO, f"the simulator let {point} fail")
