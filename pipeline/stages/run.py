"""Run: all stages, one after the other, until nothing waits. What Airflow's DAGs do, without Airflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pipeline.stages.decide import DecideSummary, decide
from pipeline.stages.house import House
from pipeline.stages.intake import IntakeSummary, one_run
from pipeline.stages.notify import NotifySummary
from pipeline.stages.notify_due import notify_due


@dataclass(frozen=True)
class RunSummary:
    intake: IntakeSummary
    decide: DecideSummary
    notify: NotifySummary


def run_all(house: House, now: datetime, progress: Callable[[str, int], None]) -> RunSummary:
    """Take in and decide, a share of the backlog at a time, then send. `progress` is called with the stage's name and what it has done.

    Deciding after each share keeps what one decision touches, and holds in memory, bounded by the share.
    """
    taken, decided = IntakeSummary(0, 0, 0, 0, 0), DecideSummary(0, 0)

    def taking_in(files: int) -> None:
        progress("Taking in files", taken.files + files)

    while True:
        taking_in(0)
        share = one_run(house, now, taking_in)
        taken += share
        progress("Deciding", taken.files)
        decided += decide(house, now)
        # A file that is still being written stays in the inbox: a share without any file is the end.
        if not share.left or not share.files:
            break
    progress("Sending", 0)
    return RunSummary(taken, decided, notify_due(house, now))
