"""Run: all stages, one after the other, until nothing waits. What Airflow's DAGs do, without Airflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pipeline.stages.decide import DecideSummary, decide
from pipeline.stages.house import House
from pipeline.stages.intake import IntakeSummary, intake
from pipeline.stages.notify import NotifySummary
from pipeline.stages.notify_due import notify_due


@dataclass(frozen=True)
class RunSummary:
    intake: IntakeSummary
    decide: DecideSummary
    notify: NotifySummary


def run_all(house: House, now: datetime, progress: Callable[[str, int], None]) -> RunSummary:
    """Take in, decide, send. `progress` is called with the stage's name and what it has done so far."""
    progress("Taking in files", 0)
    taken = intake(house, now, lambda files: progress("Taking in files", files))
    progress("Deciding", 0)
    decided = decide(house, now)
    progress("Sending", 0)
    return RunSummary(taken, decided, notify_due(house, now))
