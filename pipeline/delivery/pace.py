"""How fast messages leave: a bucket of tokens that fills at the programme's rate, halves on a 429 and recovers by successes."""

from __future__ import annotations

import threading
from collections.abc import Callable

# What a late waker may catch up with. More would be a burst, which Twilio answers with a 429.
BURST_S = 0.2
# A rate is never halved below this share of the programme's: one message a while tells when the jam is over.
FLOOR = 1 / 64
# Successes that bring a halved rate back to the whole.
RECOVERY = 200


class Pace:
    """Shared by the sending threads. `clock` counts seconds, `sleep` waits for some; both are arguments so that tests need no time."""

    def __init__(self, per_second: float, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        if per_second <= 0:
            raise ValueError("a rate must be above 0")
        self._full = per_second
        self._rate = per_second
        self._clock = clock
        self._sleep = sleep
        self._next = clock()
        self._lock = threading.Lock()

    @property
    def per_second(self) -> float:
        """The rate at this moment."""
        return self._rate

    def wait(self) -> None:
        """Return when one more message may leave. Asked again after each sleep, since a 429 may have come meanwhile."""
        while (seconds := self._take()) > 0:
            self._sleep(seconds)

    def _take(self) -> float:
        """0 and a token, or the seconds to wait before asking again."""
        with self._lock:
            now = self._clock()
            if now < self._next:
                return self._next - now
            self._next = max(self._next, now - BURST_S) + 1 / self._rate
            return 0.0

    def slow_down(self, pause_s: float) -> None:
        """A 429: half the rate, and nothing at all for `pause_s`."""
        with self._lock:
            self._rate = max(self._rate / 2, self._full * FLOOR)
            self._next = max(self._next, self._clock() + pause_s)

    def recover(self) -> None:
        """A message was taken: a small step back to the programme's rate."""
        with self._lock:
            self._rate = min(self._rate + self._full / RECOVERY, self._full)
