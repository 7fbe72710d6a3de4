"""Watch: what the clock alone changes, and whether all counts still agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.log import warning
from pipeline.stages.decide import decide
from pipeline.stages.house import House
from pipeline.stages.verify import verify


@dataclass(frozen=True)
class WatchSummary:
    """tubes: decided anew because a limit passed. violations: invariants that do not hold; the task fails on any."""

    tubes: int
    violations: int

    @property
    def is_anything(self) -> bool:
        return self.tubes > 0


def watch(house: House, now: datetime) -> WatchSummary:
    """Decide what became overdue or lost, then check every invariant."""
    decided = decide(house, now)
    broken = verify(house)
    for sentence in broken:
        warning("invariant_broken", what=sentence)
    return WatchSummary(decided.tubes, len(broken))
