"""What people said to holds. A decision is never changed: who thinks otherwise later finds another hold or none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, and_, func, insert, select
from sqlalchemy.exc import IntegrityError

from pipeline.domain.words import Choice, HoldReason
from pipeline.errors import ActionNeeded
from pipeline.ledger import audit
from pipeline.ledger.holds import Hold
from pipeline.ledger.tables import batch, decision, hold

# What a decision is about: this opening of the hold, on these facts.
THIS: Final = ("hold_id", "opened_at", "facts")


@dataclass(frozen=True)
class Said:
    """people: how many have made this choice; `is_enough`: so that it is to be done now."""

    choice: Choice
    people: int

    @property
    def is_enough(self) -> bool:
        return self.people >= self.choice.people


def say(conn: Connection, about: Hold, choice: Choice, *, who: str, why: str, now: datetime) -> Said:
    """Write down what `who` says to an open hold, and that into the audit. Raises ActionNeeded where `who` has spoken already."""
    row = {"choice": choice, "who": who, "why": why, "at": now} | this(about)
    savepoint = conn.begin_nested()
    try:
        conn.execute(insert(decision).values(row))
    except IntegrityError:
        savepoint.rollback()
        raise ActionNeeded(f"{who} has decided on this hold already: another person must.") from None
    savepoint.commit()
    audit.append(conn, who, f"hold_{choice}", f"{about.reason} {about.subject}", why, now)
    same = (*(decision.c[name] == value for name, value in this(about).items()), decision.c.choice == choice)
    return Said(choice, int(conn.execute(select(func.count()).select_from(decision).where(*same)).scalar_one()))


def people_for(conn: Connection) -> dict[str, int]:
    """Open hold → how many people have said `release` so far; those that nobody spoke to are left out."""
    statement = (
        select(hold.c.hold_id, func.count())
        .join(decision, and_(*(decision.c[name] == hold.c[name] for name in THIS)))
        .where(hold.c.closed_at.is_(None), decision.c.choice == Choice.RELEASE)
        .group_by(hold.c.hold_id)
    )
    return {str(hold_id): int(people) for hold_id, people in conn.execute(statement)}


def last_release(conn: Connection, reason: HoldReason) -> dict[str, int]:
    """Owner → number of the newest batch at the last time a hold of `reason` was let go. What came before it is no measure any more."""
    newest = select(func.max(batch.c.batch_no)).where(batch.c.as_of <= hold.c.closed_at).correlate(hold).scalar_subquery()
    released = select(1).where(decision.c.hold_id == hold.c.hold_id, decision.c.choice == Choice.RELEASE).exists()
    statement = select(hold.c.owner, func.max(newest)).where(hold.c.reason == reason, hold.c.closed_at.is_not(None), released)
    return {owner: int(batch_no) for owner, batch_no in conn.execute(statement.group_by(hold.c.owner)) if batch_no is not None}


def this(about: Hold) -> dict[str, Any]:
    """The columns THIS of a hold as it stands."""
    return {name: getattr(about, name) for name in THIS}
