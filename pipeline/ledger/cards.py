"""Result cards: one a specimen, from registration on. A card says which state the result page shows, and never who it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
from sqlalchemy import Connection, func, literal, or_, select, true

from pipeline.domain.words import PersonState
from pipeline.ledger.columns import Moment, insert_into
from pipeline.ledger.staging import refresh_statistics, staged
from pipeline.ledger.tables import card

GIVEN = ("specimen_id", "token_hash", "state", "version", "vault_day", "vault_batch")


@dataclass(frozen=True)
class Card:
    """`token_hash` is the SHA-256, in hexadecimal, of the token in the link. `vault_day` and `vault_batch` say where the identity lies."""

    specimen_id: str
    token_hash: str
    state: PersonState
    version: int
    vault_day: date
    vault_batch: int
    updated_at: datetime


def upsert_many(conn: Connection, batches: Iterable[pa.RecordBatch], now: datetime) -> int:
    """Make or renew cards from record batches of the columns `GIVEN`, a specimen once in all of them; returns how many changed.

    An older version never replaces a newer one, and a card that says the same already keeps its `updated_at`.
    """
    with staged(conn, "staged_card", [card.c[name] for name in GIVEN], batches) as given:
        statement = insert_into(conn, card)
        new = statement.excluded
        # In the key's order the index is walked once, not hit at random: a third of the time.
        rows = select(given, literal(now, Moment)).where(true()).order_by(given.c.specimen_id)
        changed = conn.execute(
            statement.from_select([*GIVEN, "updated_at"], rows).on_conflict_do_update(
                index_elements=[card.c.specimen_id],
                set_={name: new[name] for name in (*GIVEN[1:], "updated_at")},
                where=(new.version >= card.c.version) & or_(*(new[name] != card.c[name] for name in GIVEN[1:])),
            ),
            execution_options={"preserve_rowcount": True},
        )
        refresh_statistics(conn, card, changed.rowcount)
        return int(changed.rowcount)


def by_token_hash(conn: Connection, token_hash: str) -> Card | None:
    """The card behind a link, or None."""
    row = conn.execute(select(card).where(card.c.token_hash == token_hash)).mappings().one_or_none()
    return None if row is None else Card(**row)


def counts(conn: Connection) -> dict[PersonState, int]:
    """Cards by state."""
    return dict(conn.execute(select(card.c.state, func.count()).group_by(card.c.state)).all())
