"""Rings when complete files wait in the inbox: once a burst, never for what is still being written.

The file system's own events make it quick; a rescan every few seconds finds what they miss (network shares, a lost event, files that
became complete by being left alone). A start begins with a scan, so nothing dropped while the triggerer was away is missed.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

# The same rule as pipeline.intake.inbox.claim; a test holds the two together.
QUIET_S = 2.0
UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")
WRITE_BITS = 0o222

# Path below the inbox, size in bytes, time of last change in nanoseconds.
Waiting = frozenset[tuple[str, int, int]]


def complete_files(inbox: Path, now: float) -> Waiting:
    """The files below `inbox` that a run could claim at `now` (seconds since 1970): sealed (no write bit), or left alone for QUIET_S."""
    found = set()
    for folder, folders, names in os.walk(inbox):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if name.startswith(".") or name.lower().endswith(UNFINISHED):
                continue
            path = Path(folder, name)
            try:
                seen = path.lstat()
            except FileNotFoundError:
                continue  # claimed in this moment
            is_whole = not seen.st_mode & WRITE_BITS or now - seen.st_ctime >= QUIET_S
            if stat.S_ISREG(seen.st_mode) and is_whole:
                found.add((str(path.relative_to(inbox)), seen.st_size, seen.st_ctime_ns))
    return frozenset(found)


@dataclass
class Bell:
    """Decides when waiting files are worth waking someone: a file not rung for yet, or what a run left of those, or the same ones still
    there after `repeat_s`.

    Fewer than were rung for, and no fewer than at the last look, means that a run took its share of a backlog: the next one is due.
    The repetition heals a lost wake-up. Without the pause, a file that nobody can claim would start a run every few seconds.
    """

    repeat_s: float
    known: Waiting = frozenset()
    seen: Waiting = frozenset()
    rung_at: float = float("-inf")

    def rings(self, waiting: Waiting, now: float) -> bool:
        """Whether to ring at `now` (seconds of any steady clock) for these `waiting` files; remembers that it did."""
        is_news = not waiting <= self.seen
        is_left = waiting != self.known and waiting == self.seen
        ring = bool(waiting) and (is_news or is_left or now - self.rung_at >= self.repeat_s)
        # What is gone is forgotten: the same file dropped again is news.
        self.seen = waiting
        if ring:
            self.known, self.rung_at = waiting, now
        return ring


class InboxTrigger(BaseEventTrigger):  # type: ignore[misc]
    """Watches $UNPOOL_HOME/inbox, read when it runs: importing a DAG file reads nothing. An event says how many files wait, no names."""

    def __init__(self, rescan_s: float = 5.0, repeat_s: float = 60.0) -> None:
        super().__init__()
        self.rescan_s = rescan_s
        self.repeat_s = repeat_s

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{InboxTrigger.__module__}.{InboxTrigger.__qualname__}", {"rescan_s": self.rescan_s, "repeat_s": self.repeat_s}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        from pipeline.home import Home
        from pipeline.settings import Settings

        inbox = Home(Settings.from_env(os.environ).home).inbox
        inbox.mkdir(parents=True, exist_ok=True)
        bell = Bell(self.repeat_s)
        async for _ in _glances(inbox, self.rescan_s):
            waiting = await asyncio.to_thread(complete_files, inbox, time.time())
            if bell.rings(waiting, time.monotonic()):
                yield TriggerEvent({"waiting": len(waiting)})


async def _glances(inbox: Path, rescan_s: float) -> AsyncIterator[None]:
    """One at the start, then one after each burst of changes and at least one every `rescan_s` seconds."""
    from watchfiles import awatch

    yield None
    # No filter: the default one leaves out names such as *.bak or node_modules, and a sender may call a file anything.
    async for _ in awatch(inbox, watch_filter=None, rust_timeout=int(rescan_s * 1000), yield_on_timeout=True, debounce=800, step=100):
        yield None
