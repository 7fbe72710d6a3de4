"""Result cards: one a specimen, from registration on. A card says all that the result page shows, and never who it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
from sqlalchemy import Connection, func, literal, or_, select, true, update

from pipeline.domain.words import Basis, PersonState, Result
from pipeline.ledger.columns import Moment, insert_into
from pipeline.ledger.staging import Rows, append, refresh_statistics, staged
from pipeline.ledger.tables import card

# What the page shows.
SHOWN = ("state", "result", "basis", "is_corrected", "collected_on", "place")
GIVEN = ("specimen_id", "version", "vault_day", "vault_batch", *SHOWN)


@dataclass(frozen=True)
class Card:
    """`vault_day` and `vault_batch` say where the identity lies. `result` is there exactly where `state` is `ready`.

    `basis`, `collected_on` (local day of the swab) and `place` (a site's or a team's code) are None on a card of before migration 0006
    that no rebuild has filled in yet.
    """

    specimen_id: str
    state: PersonState
    version: int
    vault_day: date
    vault_batch: int
    updated_at: datetime
    result: Result | None
    basis: Basis | None
    is_corrected: bool
    collected_on: date | None
    place: str | None


def add_many(conn: Connection, rows: Rows, now: datetime) -> int:
    """Make the cards of new specimens from record batches of the columns `GIVEN`; returns how many changed.

    Best in the order of `specimen_id`: the index is walked once, not hit at random. Where one is there already, as when a batch is
    published a second time, all go by `upsert_many`.
    """
    added = append(conn, card, [*(card.c[name] for name in GIVEN), card.c.updated_at], (_dated(batch, now) for batch in rows()))
    return upsert_many(conn, rows(), now) if added is None else added


def upsert_many(conn: Connection, batches: Iterable[pa.RecordBatch], now: datetime) -> int:
    """Make or renew cards from record batches of the columns `GIVEN`, a specimen once in all of them; returns how many changed.

    An older version never replaces a newer one, and a card that says the same already keeps its `updated_at`.
    """
    with staged(conn, "staged_card", [card.c[name] for name in GIVEN], batches) as given:
        statement = insert_into(conn, card)
        new = statement.excluded
        changed = conn.execute(
            statement.from_select([*GIVEN, "updated_at"], select(given, literal(now, Moment)).where(true())).on_conflict_do_update(
                index_elements=[card.c.specimen_id],
                set_={name: new[name] for name in (*GIVEN[1:], "updated_at")},
                where=(new.version >= card.c.version) & or_(*(new[name].is_distinct_from(card.c[name]) for name in GIVEN[1:])),
            ),
            execution_options={"preserve_rowcount": True},
        )
        refresh_statistics(conn, card, changed.rowcount)
        return int(changed.rowcount)


def fill_in(conn: Connection, batches: Iterable[pa.RecordBatch]) -> int:
    """Let cards of the same version say what `batches` (of the columns `GIVEN`) say; returns how many did not. No card is made.

    `updated_at` stays: nothing is news.
    """
    with staged(conn, "staged_card", [card.c[name] for name in GIVEN], batches) as given:
        same = (given.c.specimen_id == card.c.specimen_id) & (given.c.version == card.c.version)
        differs = or_(*(given.c[name].is_distinct_from(card.c[name]) for name in SHOWN))
        changed = conn.execute(
            update(card).where(same, differs).values({name: given.c[name] for name in SHOWN}), execution_options={"preserve_rowcount": True}
        )
        return int(changed.rowcount)


def by_specimen(conn: Connection, specimen_id: str) -> Card | None:
    """The specimen's card, or None."""
    row = conn.execute(select(card).where(card.c.specimen_id == specimen_id)).mappings().one_or_none()
    return None if row is None else Card(**row)


def some(conn: Connection, state: PersonState, limit: int) -> list[Card]:
    """At most `limit` cards of that state, the same ones each time."""
    rows = conn.execute(select(card).where(card.c.state == state).order_by(card.c.specimen_id).limit(limit))
    return [Card(**row) for row in rows.mappings()]


def counts(conn: Connection) -> dict[PersonState, int]:
    """Cards by state."""
    return dict(conn.execute(select(card.c.state, func.count()).group_by(card.c.state)).all())


def wordings(conn: Connection) -> dict[tuple[PersonState, Result | None, Basis | None, bool], int]:
    """Cards by what the page says: state, result, basis, whether the result corrects an earlier one."""
    said = (card.c.state, card.c.result, card.c.basis, card.c.is_corrected)
    return {
        (state, result, basis, corrects): n
        for state, result, basis, corrects, n in conn.execute(select(*said, func.count()).group_by(*said))
    }


def _dated(batch: pa.RecordBatch, now: datetime) -> pa.RecordBatch:
    return batch.append_column("updated_at", pa.repeat(pa.scalar(now, pa.timestamp("us", "UTC")), batch.num_rows))
