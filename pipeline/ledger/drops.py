"""Contents that a place sends once: each is put into the inbox by one transaction, which alone sees that it was not there yet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from pipeline.ledger.columns import insert_into
from pipeline.ledger.tables import upload


def must_drop(conn: Connection, place: str, sha256: str, *, login: str, file_name: str, size_bytes: int, now: datetime) -> bool:
    """Whether this content of `place` is still to be put into the inbox. Until the transaction ends, all others who ask the same wait."""
    row = {"place": place, "sha256": sha256, "login": login, "file_name": file_name, "size_bytes": size_bytes, "uploaded_at": now}
    conn.execute(insert_into(conn, upload).values(row).on_conflict_do_nothing(index_elements=["place", "sha256"]))
    known = select(upload.c.dropped_at).where(upload.c.place == place, upload.c.sha256 == sha256).with_for_update()
    return conn.execute(known).scalar_one() is None


def note_dropped(conn: Connection, place: str, sha256: str, now: datetime) -> None:
    """It is in the inbox."""
    conn.execute(update(upload).where(upload.c.place == place, upload.c.sha256 == sha256).values(dropped_at=now))
