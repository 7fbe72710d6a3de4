"""A message that Twilio does not have is found missing twice before it goes back to the queue.

How long an answer has been lost is told by our clock. One that is set right meanwhile, by an hour, makes six seconds look like an hour,
and Twilio's list is some seconds late: so the wait is counted a second time, from the first look on. What lies between two looks is
one clock's word, unless it jumps twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, update

from pipeline.domain.words import MessageState
from pipeline.ledger.outbox import Message
from pipeline.ledger.tables import message

_ABSENT_ONCE: Final = "absent_once"


def was_absent(one: Message) -> bool:
    """Whether the last look at Twilio's list, since this message became unknown, did not find it."""
    return one.reason == _ABSENT_ONCE


def note_absent(conn: Connection, message_id: str, now: datetime) -> None:
    """Twilio's list did not show it. It stays unknown, and waits anew; one that has moved on meanwhile is left alone."""
    still_unknown = (message.c.message_id == message_id) & (message.c.state == MessageState.UNKNOWN)
    conn.execute(update(message).where(still_unknown).values(reason=_ABSENT_ONCE, updated_at=now))
