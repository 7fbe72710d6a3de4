"""Holds about tubes that enough people have decided. The next decide batch carries them out; a rebuild reads here what it carried out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from pipeline.domain.words import Choice
from pipeline.ledger.decisions import this
from pipeline.ledger.holds import Hold
from pipeline.ledger.tables import signed_hold


def add(conn: Connection, about: Hold, choice: Choice) -> None:
    """Raises IntegrityError where this opening of the hold was decided already: ask `is_signed` first."""
    conn.execute(insert(signed_hold).values(this(about) | {"choice": choice}))


def is_signed(conn: Connection, about: Hold) -> bool:
    """Whether enough people have decided on the hold as it stands, and its batch has not come yet."""
    same = (signed_hold.c[name] == value for name, value in this(about).items())
    return conn.execute(select(signed_hold.c.signed_no).where(*same)).first() is not None


def is_any_waiting(conn: Connection) -> bool:
    return conn.execute(select(signed_hold.c.signed_no).where(signed_hold.c.batch_no.is_(None)).limit(1)).first() is not None


def claim(conn: Connection, batch_no: int) -> None:
    """Give all that wait to a batch, in the transaction that opens it."""
    conn.execute(update(signed_hold).where(signed_hold.c.batch_no.is_(None)).values(batch_no=batch_no))


def of_batch(conn: Connection, batch_no: int) -> list[dict[str, Any]]:
    """hold_id, choice, facts of what a batch carries out, in the order in which it was decided."""
    statement = select(signed_hold.c.hold_id, signed_hold.c.choice, signed_hold.c.facts)
    rows = conn.execute(statement.where(signed_hold.c.batch_no == batch_no).order_by(signed_hold.c.signed_no)).mappings()
    return [dict(row) for row in rows]


def count(conn: Connection) -> int:
    """How many were carried out."""
    return int(conn.execute(select(func.count()).select_from(signed_hold).where(signed_hold.c.batch_no.is_not(None))).scalar_one())
