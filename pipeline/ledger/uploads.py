"""What accounts handed in at the desk: a place sends a content once, and an account so much a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from pipeline.ledger.columns import insert_into
from pipeline.ledger.tables import account, upload


@dataclass(frozen=True)
class Upload:
    """A file that `login` put into the inbox of `place`, at `dropped_at` last."""

    place: str
    sha256: str
    login: str
    file_name: str
    size_bytes: int
    dropped_at: datetime


@dataclass(frozen=True)
class Spent:
    files: int
    size_bytes: int


def spent(conn: Connection, login: str, since: datetime) -> Spent:
    """What an account handed in since `since`. Its other uploads wait until this transaction ends: none is counted too late."""
    conn.execute(select(account.c.login).where(account.c.login == login).with_for_update())
    total = func.coalesce(func.sum(upload.c.size_bytes), 0)
    row = conn.execute(select(func.count(), total).where(upload.c.login == login, upload.c.dropped_at >= since)).one()
    return Spent(int(row[0]), int(row[1]))


def find(conn: Connection, place: str, sha256: str) -> Upload | None:
    row = conn.execute(select(upload).where(upload.c.place == place, upload.c.sha256 == sha256)).mappings().one_or_none()
    return None if row is None else Upload(**row)


def note(conn: Connection, one: Upload) -> None:
    """Remember what is put into the inbox now; the same content again, its newest time."""
    row = vars(one)
    statement = insert_into(conn, upload).values(row)
    conn.execute(statement.on_conflict_do_update(index_elements=["place", "sha256"], set_=row))


def of_place(conn: Connection, place: str, limit: int) -> list[Upload]:
    """A place's newest uploads, the newest first."""
    statement = select(upload).where(upload.c.place == place).order_by(upload.c.dropped_at.desc(), upload.c.sha256).limit(limit)
    return [Upload(**row) for row in conn.execute(statement).mappings()]
