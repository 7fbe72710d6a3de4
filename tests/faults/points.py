"""Fail-points: every side effect of our own code, found by wrapping the few ways to have one, named after the function that has it.

Nothing in the product knows of them. A side effect is a rename, a link, a removal, a commit of the warehouse, a commit of the ledger
that wrote something, or a call to Twilio. `watched` counts them, and what happens right before and right after one is an action;
`watch` kills the process there.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from pipeline.delivery.sms import Sms
from pipeline.ledger import staging
from pipeline.ledger.engine import Ledger
from pipeline.warehouse.connect import Warehouse
from tests.homes import KILLED

BEFORE, INSIDE, AFTER = "before", "inside", "after"
# Helpers that write for others: the point is named after who asked them.
_HELPERS = ("durable.py", "contextlib.py", "points.py", "pathlib.py", "rejects.py")
_WROTE = "unpool_tests_wrote"
# Under it a transaction that has not written yet keeps the name of its point: tests/faults/inside.py.
OPEN = "unpool_tests_open"
WRITES = ("INSERT", "UPDATE", "DELETE")


# What happens at a point: it is told the point, before or after, and how manieth time, and returns, raises or ends the process.
Action = Callable[[str, str, int], None]


def die() -> None:
    os._exit(KILLED)


def at(stop: tuple[str, str, int] | None, act: Callable[[], object]) -> Action:
    """Does `act` at (point, before or after, how manieth time); never where that is None."""

    def action(point: str, when: str, nth: int) -> None:
        if stop == (point, when, nth):
            act()

    return action


@dataclass
class Points:
    """What was reached, in order."""

    action: Action
    reached: list[str] = field(default_factory=list)
    times: Counter[tuple[str, str]] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def hit(self, point: str, when: str) -> None:
        with self.lock:
            self.times[point, when] += 1
            if when == BEFORE:
                self.reached.append(point)
            nth = self.times[point, when]
        self.action(point, when, nth)


def _who() -> str:
    """module.function of ours that has the side effect; '' when it is somebody else's."""
    frame = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.name not in _HELPERS:
            return f"{path.stem}.{frame.f_code.co_name}" if "pipeline" in path.parts else ""
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def watch(stop: tuple[str, str, int] | None = None, act: Callable[[], object] = die) -> Points:
    """Wrap all side effects, for the rest of this process: call it in a child only."""
    points = Points(at(stop, act))
    _wrap(points)
    return points


@contextmanager
def watched(points: Points) -> Iterator[Points]:
    """The same until the block ends, for a process that lives on."""
    undo = _wrap(points)
    try:
        yield points
    finally:
        for owner, name, original in undo:
            setattr(owner, name, original)
        event.remove(Engine, "before_cursor_execute", _note_write)


def _wrap(points: Points) -> list[tuple[Any, str, Any]]:
    """Returns what was there before: (owner, name, original)."""
    effects = ((Path, "rename"), (Path, "replace"), (Path, "unlink"), (os, "link"))
    new: list[tuple[Any, str, Any]] = [(owner, name, _effect(points, name, getattr(owner, name))) for owner, name in effects]
    new += [
        (Sms, "send", _effect(points, "twilio", Sms.send)),
        (Warehouse, "transaction", _warehouse(points, Warehouse.transaction)),
        (Ledger, "begin", _ledger(points, Ledger.begin)),
        (staging, "_copy", _copied(staging._copy)),
    ]
    undo = [(owner, name, getattr(owner, name)) for owner, name, _ in new]
    for owner, name, wrapped in new:
        setattr(owner, name, wrapped)
    event.listen(Engine, "before_cursor_execute", _note_write)
    return undo


def _effect(points: Points, what: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        who = _who()
        if not who:
            return original(*args, **kwargs)
        points.hit(f"{what} in {who}", BEFORE)
        answer = original(*args, **kwargs)
        points.hit(f"{what} in {who}", AFTER)
        return answer

    return wrapped


def _warehouse(points: Points, original: Callable[..., Any]) -> Callable[..., AbstractContextManager[None]]:
    @contextmanager
    def watched(self: Warehouse, point: str) -> Iterator[None]:
        with original(self):
            vars(self)[OPEN] = point
            yield
            points.hit(point, BEFORE)
        points.hit(point, AFTER)

    return lambda self: watched(self, f"warehouse commit in {_who()}")


def _ledger(points: Points, original: Callable[..., Any]) -> Callable[..., AbstractContextManager[Any]]:
    @contextmanager
    def watched(self: Ledger, point: str) -> Iterator[Any]:
        wrote = False
        with original(self) as conn:
            conn.info.update({_WROTE: False, OPEN: point})
            yield conn
            wrote = conn.info[_WROTE]
            if wrote:
                points.hit(point, BEFORE)
        if wrote:
            points.hit(point, AFTER)

    return lambda self: watched(self, f"ledger commit in {_who()}")


def _copied(original: Callable[..., int]) -> Callable[..., int]:
    """COPY goes past SQLAlchemy's cursor."""

    def copy(conn: Any, *args: Any) -> int:
        rows = original(conn, *args)
        conn.info[_WROTE] = conn.info.get(_WROTE, False) or rows > 0
        return rows

    return copy


def _note_write(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
    if statement.lstrip().startswith(WRITES):
        conn.info[_WROTE] = True
