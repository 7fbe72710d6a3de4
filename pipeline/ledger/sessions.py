"""Sessions of the desk. The ledger knows the hash of a session's id, so that whoever reads the ledger is nobody's guest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from pipeline.domain.words import Role
from pipeline.ledger.tables import account, session

IDLE: Final = timedelta(minutes=30)
WHOLE: Final = timedelta(hours=12)


@dataclass(frozen=True)
class Person:
    """Who sits at the desk, as the account is at this moment. `place`: code of the team or lab; None for operators and admins."""

    login: str
    role: Role
    place: str | None


def begin(conn: Connection, session_id: str, login: str, now: datetime) -> None:
    """Start a session with a new id, and forget those that ended."""
    conn.execute(delete(session).where((session.c.seen_at <= now - IDLE) | (session.c.created_at <= now - WHOLE)))
    conn.execute(insert(session).values(session_hash=_hash(session_id), login=login, created_at=now, seen_at=now))


def who(conn: Connection, session_id: str, now: datetime) -> Person | None:
    """Whose session it is, which lasts on by that; None where it ended, never was, or its account is disabled.

    Role and place are read each time: what is taken from an account is taken from its sessions.
    """
    lasts = (session.c.seen_at > now - IDLE, session.c.created_at > now - WHOLE)
    known = conn.execute(
        select(account.c.login, account.c.role, account.c.place)
        .join(session, session.c.login == account.c.login)
        .where(session.c.session_hash == _hash(session_id), account.c.is_disabled.is_(False), *lasts)
    ).one_or_none()
    if known is None:
        return None
    conn.execute(update(session).where(session.c.session_hash == _hash(session_id)).values(seen_at=now))
    return Person(known.login, known.role, known.place)


def end(conn: Connection, session_id: str) -> None:
    """Sign out. Twice is once."""
    conn.execute(delete(session).where(session.c.session_hash == _hash(session_id)))


def end_all(conn: Connection, login: str) -> None:
    """Sign an account out wherever it is signed in."""
    conn.execute(delete(session).where(session.c.login == login))


def _hash(session_id: str) -> str:
    """The id is 128 random bits: it needs neither salt nor a slow hash."""
    return hashlib.sha256(session_id.encode()).hexdigest()
