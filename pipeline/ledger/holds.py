"""Holds: what a person must decide, with an owner, an age and a reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Text, case, cast, func, null, select, update

from pipeline.domain.words import HoldReason
from pipeline.ledger.columns import insert_into
from pipeline.ledger.tables import hold

ROWS_AT_ONCE = 5_000
_T = TypeVar("_T")


@dataclass(frozen=True)
class Hold:
    """`subject` is a tube code or a receipt number, `owner` a lab's or team's code, `detail` counts and codes: never a person's data.

    `facts`: a print of what it rests on, which people sign; '' where they have nothing to sign.
    """

    hold_id: str
    reason: HoldReason
    subject: str
    owner: str
    detail: dict[str, Any]
    opened_at: datetime
    closed_at: datetime | None
    facts: str


def upsert_many(conn: Connection, rows: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Open holds: mappings of hold_id, reason, subject, owner, detail, and facts where people sign.

    One that is open keeps its age; a closed one opens anew.
    """
    for some in _some(rows):
        given = [
            {name: row[name] for name in ("hold_id", "reason", "subject", "owner", "detail")}
            | {"facts": row.get("facts", ""), "opened_at": now}
            for row in some
        ]
        statement = insert_into(conn, hold)
        new = statement.excluded
        conn.execute(
            statement.on_conflict_do_update(
                index_elements=["hold_id"],
                set_={
                    "owner": new.owner,
                    "detail": new.detail,
                    "facts": new.facts,
                    "opened_at": case((hold.c.closed_at.is_(None), hold.c.opened_at), else_=new.opened_at),
                    "closed_at": null(),
                },
            ),
            given,
        )


def open_once(conn: Connection, rows: Iterable[Mapping[str, Any]], now: datetime) -> list[str]:
    """Open holds that were never there; returns the ids of those. One that somebody answered stays answered. Rows as for `upsert_many`."""
    opened: list[str] = []
    for row in rows:
        statement = insert_into(conn, hold).values(**row, opened_at=now).on_conflict_do_nothing(index_elements=["hold_id"])
        if conn.execute(statement, execution_options={"preserve_rowcount": True}).rowcount:
            opened.append(str(row["hold_id"]))
    return opened


def close_many(conn: Connection, hold_ids: Iterable[str], now: datetime) -> None:
    """Close holds; closed and unknown ones stay as they are."""
    for some in _some(hold_ids):
        conn.execute(update(hold).where(hold.c.hold_id.in_(some), hold.c.closed_at.is_(None)).values(closed_at=now))


def open_holds(conn: Connection) -> list[Hold]:
    """What waits for a person, oldest first."""
    statement = select(hold).where(hold.c.closed_at.is_(None)).order_by(hold.c.opened_at, hold.c.reason, hold.c.subject, hold.c.hold_id)
    return [Hold(**row) for row in conn.execute(statement).mappings()]


def open_for(conn: Connection, reason: HoldReason) -> list[Hold]:
    """Open holds of one reason, by subject."""
    statement = select(hold).where(hold.c.closed_at.is_(None), hold.c.reason == reason).order_by(hold.c.subject, hold.c.hold_id)
    return [Hold(**row) for row in conn.execute(statement).mappings()]


def find(conn: Connection, beginning: str) -> list[Hold]:
    """Open holds whose id begins with `beginning` (hexadecimal digits and dashes), locked until the transaction ends."""
    wanted = beginning.strip().lower().replace("-", "")
    if not wanted or set(wanted) - set("0123456789abcdef"):
        return []
    # Ids are compared as text of 32 digits: that is how both databases can look at a beginning.
    digits = func.replace(cast(hold.c.hold_id, Text), "-", "")
    statement = select(hold).where(hold.c.closed_at.is_(None), digits.startswith(wanted)).order_by(hold.c.hold_id).with_for_update()
    return [Hold(**row) for row in conn.execute(statement).mappings()]


def counts(conn: Connection) -> dict[HoldReason, int]:
    """Open holds by reason; reasons without one are left out."""
    statement = select(hold.c.reason, func.count()).where(hold.c.closed_at.is_(None)).group_by(hold.c.reason)
    return dict(conn.execute(statement).all())


def _some(items: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(items)
    while some := list(islice(rest, ROWS_AT_ONCE)):
        yield some
