"""Who tried to open a person's page, how often, and when it was opened first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ARRAY, Connection, Text, any_, bindparam, cast, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from pipeline.domain.words import Basis, PersonState, Purpose, Result, Silence
from pipeline.ledger.cards import SHOWN
from pipeline.ledger.columns import Moment
from pipeline.ledger.tables import card, message, opening, silence

TRIES: Final = 5
# Statements are built once: building one takes longer than the database takes to answer it.
_SPECIMEN: Final = bindparam("specimen", type_=card.c.specimen_id.type)
_NOW: Final = bindparam("now", type_=Moment)
_SINCE: Final = bindparam("since", type_=Moment)
_ASKED_AGAIN: Final = (
    select(1)
    .where(message.c.specimen_id == card.c.specimen_id, message.c.purpose == Purpose.LINK, message.c.enqueued_at >= _SINCE)
    .correlate(card)
    .exists()
)
_KNOWN: Final = select(card.c.specimen_id, literal(1), _NOW).where(
    card.c.specimen_id == _SPECIMEN, or_(card.c.updated_at >= _SINCE, _ASKED_AGAIN)
)
_FIRST: Final = insert(opening).from_select(["specimen_id", "tries", "tried_at"], _KNOWN)
_TAKEN: Final = (
    _FIRST.on_conflict_do_update(
        index_elements=[opening.c.specimen_id],
        set_={"tries": opening.c.tries + 1, "tried_at": _FIRST.excluded.tried_at},
        where=opening.c.tries < TRIES,
    )
    .returning(opening.c.specimen_id)
    .cte("taken")
)
_TAKE_TRY: Final = select(card.c.state, card.c.vault_day, card.c.vault_batch).join(_TAKEN, _TAKEN.c.specimen_id == card.c.specimen_id)
_NOTE_OPENED: Final = (
    update(opening)
    .where(opening.c.specimen_id == _SPECIMEN)
    .values(tries=0, first_opened_at=func.coalesce(opening.c.first_opened_at, _NOW))
)


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
    row = conn.execute(_TAKE_TRY, {"specimen": specimen_id, "since": since, "now": now}).mappings().one_or_none()
    return None if row is None else Asked(**row)


def note_opened(conn: Connection, specimen_id: str, now: datetime) -> None:
    """Somebody gave the right birth date: all tries are back, and the first time is kept."""
    conn.execute(_NOTE_OPENED, {"specimen": specimen_id, "now": now})


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
