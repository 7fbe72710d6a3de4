"""Switches that a person or a breaker turns: whether anything may be sent now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, case, select

from pipeline.domain.words import HoldReason
from pipeline.ledger.columns import insert_into
from pipeline.ledger.engine import Ledger
from pipeline.ledger.tables import hold, switch

PAUSED = "sending_paused"
WAITS = "sending_waits"
RESTORED = "restored"

# Breakers that stop every message. Those about one lab stop that lab's files.
STOP_SENDING = (HoldReason.TOO_MANY_MESSAGES,)


class Stop(StrEnum):
    """What keeps messages from going out: a restore that nobody reconciled, a person's switch, a breaker that two people must release."""

    RESTORED = "restored"
    PAUSED = "paused"
    BREAKER = "breaker"


@dataclass(frozen=True)
class Switch:
    name: str
    is_on: bool
    reason: str
    who: str
    at: datetime


def stopped_by(conn: Connection) -> Stop | None:
    """Why nothing may be sent now; None where it may. A switch that nobody ever turned is off."""
    is_restored = select(1).where(switch.c.name == RESTORED, switch.c.is_on).exists()
    is_paused = select(1).where(switch.c.name == PAUSED, switch.c.is_on).exists()
    is_tripped = select(1).where(hold.c.reason.in_(STOP_SENDING), hold.c.closed_at.is_(None)).exists()
    reasons = ((is_restored, Stop.RESTORED.value), (is_paused, Stop.PAUSED.value), (is_tripped, Stop.BREAKER.value))
    found = conn.execute(select(case(*reasons))).scalar()
    return Stop(found) if found else None


@contextmanager
def asked(ledger: Ledger) -> Iterator[Callable[[], Stop | None]]:
    """`stopped_by`, to be asked before every single message: one connection for all, so that asking costs next to nothing."""
    with ledger.asking() as ask:
        yield lambda: ask(stopped_by)


def set_paused(conn: Connection, is_on: bool, *, reason: str, who: str, now: datetime) -> None:
    """Stop or resume sending. `reason` is a code or a sentence without a person's data, `who` an account or a breaker."""
    _turn(conn, PAUSED, is_on, reason, who, now)


def restored_from(conn: Connection) -> datetime | None:
    """When the backup was made from which this ledger was restored; None once Twilio was asked who was told since."""
    moment = conn.execute(select(switch.c.reason).where(switch.c.name == RESTORED, switch.c.is_on)).scalar()
    return datetime.fromisoformat(moment) if moment else None


def set_restored(conn: Connection, made_at: datetime, *, who: str, now: datetime) -> None:
    """Block sending until Twilio was asked. A backup of a ledger that waited for the same itself knows nothing since its own backup."""
    earlier = restored_from(conn)
    _turn(conn, RESTORED, True, min(earlier or made_at, made_at).isoformat(), who, now)


def end_restored(conn: Connection, *, who: str, now: datetime) -> None:
    """Twilio was asked: sending may go on."""
    _turn(conn, RESTORED, False, "", who, now)


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
