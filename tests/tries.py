"""How CI ends in time on a machine that others use too, where a run takes several times as long.

What is only a sample ends with its number or with its time, whichever is first. A test that is `lengthy` is left out, and says so,
where the tests have taken PATIENCE_S already (tests/conftest.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

# When this run of the tests began, in seconds since 1970: a variable of the environment.
BEGAN = "UNPOOL_TESTS_BEGAN"
# CI has an hour and a half; a quiet machine of two cores needs a third of this.
PATIENCE_S = 3_600.0


def tries(most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> Iterator[int]:
    """0, 1, ... until there were `most`, or `seconds` of `clock` are over. What it stands for says itself how few are too few."""
    end = clock() + seconds
    for number in range(most):
        if clock() >= end:
            return
        yield number
