"""How many messages went to one number on one day. The number stands here as a keyed hash only, and for two days.

A message takes the next free place of its number's day. Places are rows behind a unique key, so that runs that send at the same time
give out no more of them than there are; a message that is put back and claimed again that day has its place already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, delete, func, select

from pipeline.ledger.columns import insert_into
from pipeline.ledger.tables import number_day


def take(conn: Connection, day: date, wanted: Sequence[tuple[str, str]], most: int) -> set[str]:
    """Of messages given as (message_id, hash of the number), most urgent first: the ids of those that are among the day's first `most`."""
    placed = _placed(conn, day, [message_id for message_id, _ in wanted])
    # By number: two runs then wait for each other in one order only.
    asking = sorted(((one, number_print) for one, number_print in wanted if one not in placed), key=lambda pair: pair[1])
    while asking:
        used = _used(conn, day, {number_print for _, number_print in asking})
        rows: list[dict[str, Any]] = []
        for message_id, number_print in asking:
            used[number_print] = used.get(number_print, 0) + 1
            if used[number_print] <= most:
                rows.append({"number_print": number_print, "day": day, "nth": used[number_print], "message_id": message_id})
        if not rows:
            break
        conn.execute(insert_into(conn, number_day).values(rows).on_conflict_do_nothing())
        placed |= _placed(conn, day, [row["message_id"] for row in rows])
        # Whose place another run took meanwhile asks for the next one.
        left = {row["message_id"] for row in rows} - placed
        asking = [pair for pair in asking if pair[0] in left]
    return placed


def forget(conn: Connection, before: date) -> None:
    """Remove the days before that one."""
    conn.execute(delete(number_day).where(number_day.c.day < before))


def _placed(conn: Connection, day: date, message_ids: Sequence[str]) -> set[str]:
    statement = select(number_day.c.message_id).where(number_day.c.day == day, number_day.c.message_id.in_(message_ids))
    return {str(message_id) for message_id in conn.execute(statement).scalars()}


def _used(conn: Connection, day: date, prints: Iterable[str]) -> dict[str, int]:
    statement = select(number_day.c.number_print, func.max(number_day.c.nth)).where(
        number_day.c.day == day, number_day.c.number_print.in_(sorted(prints))
    )
    return dict(conn.execute(statement.group_by(number_day.c.number_print)).all())
