"""The peak memory of a whole process tree, its embedded PostgreSQL included, while it runs.

PSS (proportional set size, Linux): pages that several processes share are counted once. Sampled, so a shorter peak may be missed.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

EVERY_S = 0.5
GIB = 1024**3


@dataclass
class Peak:
    """Bytes: the most there was, and the last sample."""

    peak: int = 0
    last: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def gib(self) -> float:
        return self.peak / GIB


@contextmanager
def watched(pid: int, folder: Path) -> Iterator[Peak]:
    """Sample `tree_bytes` in a thread until the block ends."""
    peak = Peak()

    def sample() -> None:
        while not peak.ended.wait(EVERY_S):
            peak.last = tree_bytes(pid, folder)
            peak.peak = max(peak.peak, peak.last)

    thread = threading.Thread(target=sample, name="memory", daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        peak.ended.set()
        thread.join()


def tree_bytes(pid: int, folder: Path) -> int:
    """PSS of `pid`, of everything below it, and of the servers that live below `folder`.

    An embedded PostgreSQL cuts itself loose from who started it; it works in its data folder.
    """
    children = _children()
    roots = [pid] + [one for family in children.values() for one in family if _works_in(one, folder)]
    seen: set[int] = set()
    while roots:
        one = roots.pop()
        if one not in seen:
            seen.add(one)
            roots += children.get(one, [])
    return sum(map(_pss, seen))


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name, in brackets, may hold spaces.
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        children[parent].append(int(folder.name))
    return children


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder)
    except OSError:
        return False


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
