"""A day of many people as files: pools of ten, a manifest for each thousand, one file of a lab. Some have a phone that takes messages."""

from __future__ import annotations

from pathlib import Path

from tests.faults.town import MANIFEST, RESULTS, drop, person, result, sheet
from tests.homes import Installation

POOL = 10
ROWS = 1_000
NO_PHONE = "12"


def drop_crowd(installation: Installation, people: int, reachable: int, folder: Path) -> None:
    """Put the day's files into the inbox. The first `reachable` people have a phone; every pool is negative."""
    rows = [
        person(number, f"POOL{number // POOL}", size=POOL, **({} if number < reachable else {"phone": NO_PHONE}))
        for number in range(people)
    ]
    manifests = {f"list_{first}.csv": sheet(MANIFEST, rows[first : first + ROWS]) for first in range(0, people, ROWS)}
    pools = [result(f"POOL{number}", "negative") for number in range(people // POOL)]
    drop(installation, {"TEAM1": manifests, "LAB1": {"pools.csv": sheet(RESULTS, pools)}}, folder)
