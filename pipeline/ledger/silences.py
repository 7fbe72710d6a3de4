"""Numbers that get no messages: somebody got one that is not for them, or wants none. A number is known by its keyed hash alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from pipeline.domain.words import Silence
from pipeline.ledger.columns import insert_into
from pipeline.ledger.tables import silence


def keep(conn: Connection, number_print: str, reason: Silence, specimen_id: str, now: datetime) -> bool:
    """No more messages to this number; whether that is new."""
    row = {"number_print": number_print, "reason": reason, "specimen_id": specimen_id, "since": now}
    statement = insert_into(conn, silence).values(row).on_conflict_do_nothing(index_elements=["number_print", "reason"])
    return bool(conn.execute(statement, execution_options={"preserve_rowcount": True}).rowcount)


def end(conn: Connection, specimen_id: str, reason: Silence) -> int:
    """What was asked for by this person's page holds no more; returns for how many numbers: none or one."""
    return int(conn.execute(delete(silence).where(silence.c.specimen_id == specimen_id, silence.c.reason == reason)).rowcount)


def end_number(conn: Connection, number_print: str, reason: Silence) -> None:
    """Whoever asked for it."""
    conn.execute(delete(silence).where(silence.c.number_print == number_print, silence.c.reason == reason))


def among(conn: Connection, number_prints: Sequence[str]) -> dict[str, Silence]:
    """Number → why it gets no messages, of those that get none. A wrong number is one whatever else was asked for."""
    rows = conn.execute(select(silence.c.number_print, silence.c.reason).where(silence.c.number_print.in_(number_prints)))
    found: dict[str, Silence] = {}
    for number_print, reason in rows:
        found[number_print] = Silence.WRONG_NUMBER if Silence.WRONG_NUMBER in (reason, found.get(number_print)) else reason
    return found
