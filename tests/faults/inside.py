"""The third place to die: inside a side effect, when it is half done.

`before` and `after` (points.py) stand right beside the one call that makes an effect last: a commit, a rename, the question to Twilio.
`inside` is where what that call seals is half done:
- a transaction of the ledger or the warehouse has made its first writing statement, not the others, and is not committed;
- a file that will get its name by a rename or a link lies there under its temporary name, with half of its bytes;
- Twilio has the message and has answered, and nobody has read the answer.
The rename or removal of a file that is whole already is one call of the system, done or not done: it has no inside.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from pipeline.delivery.sms import _Http
from pipeline.ledger import staging
from pipeline.warehouse.connect import Warehouse, statement
from tests.faults import points as beside
from tests.faults.points import AFTER, BEFORE, INSIDE, OPEN, WRITES, Points, _who

# What gets its name by a link, not by a rename.
_LINKED = ("day_keys.write_new",)


def whens(point: str) -> tuple[str, ...]:
    """The places to die at a point."""
    whole = point.startswith(("rename", "unlink")) or point == "replace in rebuild._put_in_place"
    return (BEFORE, AFTER) if whole else (BEFORE, INSIDE, AFTER)


def watch(kill: tuple[str, str, int] | None = None) -> Points:
    """As points.watch, with `inside` among the places."""
    points = beside.watch(kill)
    event.listen(Engine, "after_cursor_execute", _after_statement(points))
    staging._copy = _after_copy(points, staging._copy)
    Warehouse.run = _after_run(points, Warehouse.run)  # type: ignore[method-assign]
    for module in [module for name, module in sys.modules.items() if name.startswith("pipeline.") and hasattr(module, "write_temporary")]:
        module.write_temporary = _half_first(points, module.write_temporary)
    shutil.copyfileobj = _half_copied(points)
    _Http.request = _unread(points, _Http.request)  # type: ignore[method-assign]
    return points


def _first_write(points: Points, about: dict[Any, Any]) -> None:
    """`about` holds the name of the transaction's point until its first write."""
    if point := about.pop(OPEN, None):
        points.hit(point, INSIDE)


def _after_statement(points: Points) -> Callable[..., None]:
    def after(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith(WRITES):
            _first_write(points, conn.info)

    return after


def _after_copy(points: Points, original: Callable[..., int]) -> Callable[..., int]:
    def copy(conn: Any, *args: Any) -> int:
        rows = original(conn, *args)
        if rows:
            _first_write(points, conn.info)
        return rows

    return copy


def _after_run(points: Points, original: Callable[..., None]) -> Callable[..., None]:
    def run(self: Warehouse, name: str, **params: object) -> None:
        original(self, name, **params)
        first = next(line for line in statement(name).splitlines() if line and not line.startswith("--"))
        if first.startswith(WRITES):
            _first_write(points, vars(self))

    return run


def _half_first(points: Points, original: Callable[..., Path]) -> Callable[..., Path]:
    def write(path: Path, data: Any, mode: int = 0o600) -> Path:
        who = _who()
        half = original(path, data[: len(data) // 2], mode)
        points.hit(f"{'link' if who in _LINKED else 'replace'} in {who}", INSIDE)
        os.unlink(half)
        return original(path, data, mode)

    return write


def _half_copied(points: Points) -> Callable[..., None]:
    """What `unpool receive` copies into the inbox."""

    def copy(source: Any, target: Any, length: int = 0) -> None:
        data = source.read()
        target.write(data[: len(data) // 2])
        target.flush()
        points.hit("link in inbox._link_unique", INSIDE)
        target.write(data[len(data) // 2 :])

    return copy


def _unread(points: Points, original: Callable[..., Any]) -> Callable[..., Any]:
    """To create a message is the only question to Twilio that changes anything, and the only POST."""

    def request(self: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        answer = original(self, method, *args, **kwargs)
        if method == "POST":
            points.hit("twilio in sending._send", INSIDE)
        return answer

    return request
