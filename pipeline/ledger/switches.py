"""Switches that a person or a breaker turns: whether anything may be sent now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from pipeline.ledger.columns import insert_into
from pipeline.ledger.tables import switch

PAUSED = "sending_paused"
WAITS = "sending_waits"


@dataclass(frozen=True)
class Switch:
    name: str
    is_on: bool
    reason: str
    who: str
    at: datetime


def is_paused(conn: Connection) -> bool:
    """Whether sending stands still. A switch that nobody ever turned is off."""
    return bool(conn.execute(select(switch.c.is_on).where(switch.c.name == PAUSED)).scalar())


def set_paused(conn: Connection, is_on: bool, *, reason: str, who: str, now: datetime) -> None:
    """Stop or resume sending. `reason` is a code or a sentence without a person's data, `who` an account or a breaker."""
    _turn(conn, PAUSED, is_on, reason, who, now)


def sending_waits(conn: Connection) -> str | None:
    """Why the last run of notify left messages in the queue, in its code; None where it left none, or never ran."""
    return conn.execute(select(switch.c.reason).where(switch.c.name == WAITS, switch.c.is_on)).scalar()


def note_sending_waits(conn: Connection, reason: str | None, now: datetime) -> None:
    """Say why messages stay queued. Whoever asks may have other settings than the service that sends, and could not tell."""
    _turn(conn, WAITS, reason is not None, reason or "", "notify", now)


def all_switches(conn: Connection) -> list[Switch]:
    return [Switch(**row) for row in conn.execute(select(switch).order_by(switch.c.name)).mappings()]


def _turn(conn: Connection, name: str, is_on: bool, reason: str, who: str, now: datetime) -> None:
    row = {"is_on": is_on, "reason": reason, "who": who, "at": now}
    statement = insert_into(conn, switch).values(row | {"name": name})
    conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_=row))
