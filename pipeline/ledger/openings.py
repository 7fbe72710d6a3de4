"""Who tried to open a person's page, how often, and when it was opened first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, func, literal, select, update

from pipeline.domain.words import PersonState
from pipeline.ledger.columns import Moment, insert_into
from pipeline.ledger.tables import card, opening

TRIES: Final = 5


@dataclass(frozen=True)
class Asked:
    """A card that may be asked for once more, and where its identity lies."""

    state: PersonState
    vault_day: date
    vault_batch: int


def take_try(conn: Connection, specimen_id: str, *, since: datetime, now: datetime) -> Asked | None:
    """Spend one of the specimen's tries; None where there is no card, it was last renewed before `since`, or no try is left.

    One statement for all of these, and it counts before anybody looks at the answer: tries at the same moment never pass the limit.
    """
    known = select(card.c.specimen_id, literal(1), literal(now, Moment)).where(
        card.c.specimen_id == specimen_id, card.c.updated_at >= since
    )
    statement = insert_into(conn, opening).from_select(["specimen_id", "tries", "tried_at"], known)
    taken = conn.execute(
        statement.on_conflict_do_update(
            index_elements=[opening.c.specimen_id],
            set_={"tries": opening.c.tries + 1, "tried_at": statement.excluded.tried_at},
            where=opening.c.tries < TRIES,
        ).returning(opening.c.tries)
    ).one_or_none()
    found = select(card.c.state, card.c.vault_day, card.c.vault_batch).where(card.c.specimen_id == specimen_id)
    row = conn.execute(found).mappings().one_or_none()
    return None if taken is None or row is None else Asked(**row)


def note_opened(conn: Connection, specimen_id: str, now: datetime) -> None:
    """Somebody gave the right birth date: all tries are back, and the first time is kept."""
    conn.execute(
        update(opening)
        .where(opening.c.specimen_id == specimen_id)
        .values(tries=0, first_opened_at=func.coalesce(opening.c.first_opened_at, literal(now, Moment)))
    )


def unlock(conn: Connection, specimen_id: str) -> None:
    """A person gave the tries back."""
    conn.execute(update(opening).where(opening.c.specimen_id == specimen_id).values(tries=0))


def first_opened_at(conn: Connection, specimen_id: str) -> datetime | None:
    """None: never."""
    return conn.execute(select(opening.c.first_opened_at).where(opening.c.specimen_id == specimen_id)).scalar_one_or_none()
