"""Quiet hours: when no message leaves, in the programme's own time zone."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo


def is_quiet(now: datetime, *, quiet_from: str | None, quiet_to: str | None, time_zone: str) -> bool:
    """Whether `now` (aware) lies in [quiet_from, quiet_to), both `HH:MM` local; the hours may span midnight. None means never."""
    if quiet_from is None or quiet_to is None:
        return False
    local = now.astimezone(ZoneInfo(time_zone)).time()
    start, end = time.fromisoformat(quiet_from), time.fromisoformat(quiet_to)
    if start <= end:
        return start <= local < end
    return local >= start or local < end
