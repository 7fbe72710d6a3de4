"""How fast messages leave: a bucket of tokens that fills at the programme's rate, halves at a jam and recovers by successes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

# What a late waker may catch up with. More would be a burst, which Twilio answers with a 429.
BURST_S: Final = 0.2
# A rate is never halved below this share of the programme's.
FLOOR: Final = 1 / 64
# Successes that bring a halved rate back to the whole.
RECOVERY: Final = 200
# Longer than this nobody waits inside a run: it ends, and the next one begins by asking again.
LONGEST_PAUSE_S: Final = 30.0


class Pace:
    """Shared by the sending threads. `clock` counts seconds, `sleep` waits for some, `chance` draws from [0, 1): tests need no time."""

    def __init__(
        self, per_second: float, *, clock: Callable[[], float], sleep: Callable[[float], None], chance: Callable[[], float]
    ) -> None:
        if per_second <= 0:
            raise ValueError("a rate must be above 0")
        self._full = per_second
        self._rate = per_second
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._next = clock()
        self._jam_ends = clock()
        self._jams = 0
        self._lock = threading.Lock()

    @property
    def per_second(self) -> float:
        """The rate at this moment."""
        return self._rate

    def wait(self, deadline: float) -> bool:
        """True when one more message may leave; False at once where that would be after `deadline` (of the clock).

        Asked again after each sleep, since a jam may have come meanwhile.
        """
        while (seconds := self._take()) > 0:
            if self._clock() + seconds > deadline:
                return False
            self._sleep(seconds)
        return True

    def _take(self) -> float:
        """0 and a token, or the seconds to wait before asking again."""
        with self._lock:
            now = self._clock()
            if now < self._next:
                return self._next - now
            self._next = max(self._next, now - BURST_S) + 1 / self._rate
            return 0.0

    def jam(self, retry_after_s: float | None) -> float:
        """Twilio takes nothing more for now: half the rate and a pause, whose seconds are returned.

        The pause is Twilio's own wish, else it doubles from jam to jam, with jitter. What other threads hear while it lasts is the
        same jam: it halves nothing twice.
        """
        with self._lock:
            now = self._clock()
            if now >= self._jam_ends:
                self._jams += 1
                self._rate = max(self._rate / 2, self._full * FLOOR)
            pause_s = retry_after_s if retry_after_s is not None else 2 ** (self._jams - 1) * (0.5 + self._chance() / 2)
            self._jam_ends = max(self._jam_ends, now + pause_s)
            self._next = max(self._next, self._jam_ends)
            return pause_s

    def recover(self) -> None:
        """A message was taken: a small step back to the programme's rate."""
        with self._lock:
            self._jams = 0
            self._rate = min(self._rate + self._full / RECOVERY, self._full)
