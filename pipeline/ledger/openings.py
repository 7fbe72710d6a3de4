"""Who tried to open a person's page, how often, and when it was opened first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ARRAY, ColumnElement, Connection, Text, any_, bindparam, cast, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from pipeline.domain.words import Basis, PersonState, Purpose, Result, Silence
from pipeline.ledger.cards import SHOWN
from pipeline.ledger.columns import Moment, insert_into
from pipeline.ledger.tables import card, message, opening, silence

TRIES: Final = 5


@dataclass(frozen=True)
class Asked:
    """A card that may be asked for once more, and where its identity lies."""

    state: PersonState
    vault_day: date
    vault_batch: int


def take_try(conn: Connection, specimen_id: str, *, since: datetime, now: datetime) -> Asked | None:
    """Spend one of the specimen's tries; None where there is no card, no try is left, or nothing was new about it since `since`: neither
    the card nor a link that its person asked for again.

    One statement for all of these, and it counts before anybody looks at the answer: tries at the same moment never pass the limit.
    """
    known = select(card.c.specimen_id, literal(1), literal(now, Moment)).where(
        card.c.specimen_id == specimen_id, or_(card.c.updated_at >= since, _asked_again(since))
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


def _asked_again(since: datetime) -> ColumnElement[bool]:
    asked = (message.c.specimen_id == card.c.specimen_id, message.c.purpose == Purpose.LINK, message.c.enqueued_at >= since)
    return select(1).where(*asked).correlate(card).exists()


def note_opened(conn: Connection, specimen_id: str, now: datetime) -> None:
    """Somebody gave the right birth date: all tries are back, and the first time is kept."""
    conn.execute(
        update(opening)
        .where(opening.c.specimen_id == specimen_id)
        .values(tries=0, first_opened_at=func.coalesce(opening.c.first_opened_at, literal(now, Moment)))
    )


def unlock(conn: Connection, specimen_id: str) -> int:
    """A person gives the tries back. Returns how many were spent."""
    of_it = opening.c.specimen_id == specimen_id
    spent = conn.execute(select(opening.c.tries).where(of_it).with_for_update()).scalar_one_or_none() or 0
    conn.execute(update(opening).where(of_it).values(tries=0))
    return spent


class Shown(NamedTuple):
    """What an opened page shows: of the card what is no sign of one person, and whether its person opted out of messages here.

    Meanings as in `cards.Card`.
    """

    state: PersonState
    result: Result | None
    basis: Basis | None
    is_corrected: bool
    collected_on: date | None
    place: str | None
    opted_out: bool


_OPTED_OUT: Final = (
    select(1).where(silence.c.specimen_id == card.c.specimen_id, silence.c.reason == Silence.OPTED_OUT).correlate(card).exists()
)
_ASKED_FOR: Final = bindparam("specimen_ids", type_=ARRAY(card.c.specimen_id.type))
_SHOWN: Final = select(cast(card.c.specimen_id, Text), *(card.c[name] for name in SHOWN), _OPTED_OUT).where(
    card.c.specimen_id == any_(_ASKED_FOR)
)
# For the driver itself: this is asked at every reading, and SQLAlchemy's way there and back takes longer than the answer.
_ASKED: Final = _SHOWN.compile(dialect=PGDialect_psycopg())  # type: ignore[no-untyped-call]


def shown(conn: Connection, specimen_ids: Sequence[str]) -> dict[str, Shown]:
    """By specimen; those without a card are left out."""
    driver: Any = conn.connection.driver_connection
    rows = driver.execute(str(_ASKED), _ASKED.construct_params({_ASKED_FOR.key: list(specimen_ids)})).fetchall()
    return {
        specimen_id: Shown(PersonState(state), result and Result(result), basis and Basis(basis), *rest)
        for specimen_id, state, result, basis, *rest in rows
    }


def first_opened_at(conn: Connection, specimen_id: str) -> datetime | None:
    """None: never."""
    return conn.execute(select(opening.c.first_opened_at).where(opening.c.specimen_id == specimen_id)).scalar_one_or_none()
