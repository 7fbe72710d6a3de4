"""Watch: what the clock alone changes, what a killed writer left lying, and whether all counts still agree."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.home import Home
from pipeline.ledger import number_days
from pipeline.log import warning
from pipeline.stages.breakers import silent_labs
from pipeline.stages.decide import decide
from pipeline.stages.erase import retain
from pipeline.stages.house import House
from pipeline.stages.verify import verify

LEFT_AFTER_S = 3600.0


@dataclass(frozen=True)
class WatchSummary:
    """tubes: decided anew because a limit passed. violations: invariants that do not hold; the task fails on any."""

    tubes: int
    silent_labs: int
    violations: int
    erased_days: int

    @property
    def is_anything(self) -> bool:
        return self.tubes > 0


def watch(house: House, now: datetime) -> WatchSummary:
    """Decide what became overdue or lost, ask after labs that fell silent, erase what is kept no longer, then check every invariant."""
    decided = decide(house, now)
    with house.ledger.begin() as conn:
        silent = silent_labs(conn, house, now)
    sweep(house.home, time.time())
    erased = retain(house, now)
    with house.ledger.begin() as conn:
        number_days.forget(conn, house.local(now).date() - timedelta(days=1))
    broken = verify(house)
    for sentence in broken:
        warning("invariant_broken", what=sentence)
    return WatchSummary(decided.tubes, silent, len(broken), erased.days)


def sweep(home: Home, real_now: float) -> int:
    """Remove what writers left half written in returns and lists when they were killed: it names people. Returns how many files.

    real_now: the machine's clock, in seconds; a file younger than LEFT_AFTER_S may still be in somebody's hands.
    """
    left = [path for folder in (home.returns, home.lists) for path in folder.rglob(".*.tmp") if path.is_file()]
    old = [path for path in left if real_now - path.stat().st_mtime > LEFT_AFTER_S]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
