"""Messages that Twilio has and a restored ledger never heard of: their rows were made after the backup.

They are kept aside until the same facts are there again and make the same messages: then each message adopts what was sent for it,
instead of being sent a second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select, update

from pipeline.domain.words import MessageState, Purpose
from pipeline.ledger import outbox
from pipeline.ledger.columns import insert_into
from pipeline.ledger.tables import message, told_elsewhere

SOURCE: Final = "restore"
ADOPTED_AT_ONCE: Final = 1_000
_WAITS = (MessageState.QUEUED, *outbox.ON_THE_WIRE)

# A SID that a callback or a look-up brought to its own message meanwhile is nobody else's.
_holder = message.alias("holder")
_is_free = told_elsewhere.c.adopted_by.is_(None) & ~select(1).where(_holder.c.sid == told_elsewhere.c.sid).exists()


@dataclass(frozen=True)
class Told:
    """One message of Twilio's that is ours by its link. `purpose` by its text: None where no text of the programme fits."""

    sid: str
    specimen_id: str
    purpose: Purpose | None
    created_at: datetime


def known(conn: Connection, sids: Sequence[str]) -> dict[str, str]:
    """SID → message id of those that the ledger has."""
    return dict(conn.execute(select(message.c.sid, message.c.message_id).where(message.c.sid.in_(sids))).all())


def remember(conn: Connection, some: Sequence[Told]) -> None:
    """Keep them aside. Twice is once."""
    if some:
        conn.execute(insert_into(conn, told_elsewhere).on_conflict_do_nothing(index_elements=["sid"]), [vars(one) for one in some])


def kept(conn: Connection) -> int:
    """How many no message has adopted."""
    return int(conn.execute(select(func.count()).select_from(told_elsewhere).where(_is_free)).scalar_one())


def adopt(conn: Connection, now: datetime, among: Sequence[str] | None = None) -> set[str]:
    """Give waiting messages the SIDs under which their people were told already, and count them as sent; returns their ids.

    `among`: only these messages; without it at most ADOPTED_AT_ONCE of all. A person's messages take, oldest first, what was told for
    the same purpose. What was told before that is done with: its message was skipped this time. What was told after it is kept, since
    the message for it may still come: nobody can say whether the facts come in again one by one or all at once.
    """
    if not conn.execute(select(1).where(told_elsewhere.c.adopted_by.is_(None)).limit(1)).first():
        return set()
    waits = message.c.state.in_(_WAITS) & message.c.sid.is_(None)
    if among is not None:
        waits &= message.c.message_id.in_(among)
    first = (
        select(message.c.message_id, message.c.specimen_id, message.c.purpose)
        .where(waits, _fitting(message.c.specimen_id, message.c.purpose).correlate(message).exists())
        .order_by(message.c.specimen_id, message.c.version, message.c.message_id)
        .limit(ADOPTED_AT_ONCE if among is None else None)
    )
    waiting = conn.execute(first).all()
    return {one.message_id for one in waiting if _adopt(conn, one.message_id, one.specimen_id, one.purpose, now)}


def _adopt(conn: Connection, message_id: str, specimen_id: str, purpose: Purpose, now: datetime) -> bool:
    # A fitting text goes before one that nobody knows any more.
    order = (told_elsewhere.c.purpose.is_(None), told_elsewhere.c.created_at, told_elsewhere.c.sid)
    ours = conn.execute(_fitting(specimen_id, purpose).order_by(*order).limit(1)).one_or_none()
    if ours is None:
        # The message before this one of the same person took it.
        return False
    outbox.advance(conn, message_id, MessageState.SENT, sid=ours.sid, reason="told_before_restore", source=SOURCE, now=now)
    earlier = (told_elsewhere.c.specimen_id == specimen_id) & (told_elsewhere.c.created_at < ours.created_at)
    done_with = told_elsewhere.c.adopted_by.is_(None) & or_(told_elsewhere.c.sid == ours.sid, earlier)
    conn.execute(update(told_elsewhere).where(done_with).values(adopted_by=message_id))
    return True


def _fitting(specimen_id: str | ColumnElement[Any], purpose: Purpose | ColumnElement[Any]) -> Select[Any]:
    """What was told to this person for this purpose, or for none that is known, and no message has adopted."""
    fits = or_(told_elsewhere.c.purpose == purpose, told_elsewhere.c.purpose.is_(None))
    return select(told_elsewhere.c.sid, told_elsewhere.c.created_at).where(told_elsewhere.c.specimen_id == specimen_id, fits, _is_free)
