"""What the operator's first screen asks of the ledger: holds by kind, how long a message takes, who has not looked. PostgreSQL only."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.csv as pv
from psycopg import sql
from sqlalchemy import Connection, func, literal, select, union_all

from pipeline.domain.words import HoldReason, MessageState, Purpose
from pipeline.ledger.columns import Moment
from pipeline.ledger.holds import Hold
from pipeline.ledger.staging import staged
from pipeline.ledger.tables import hold, message, message_event, opening, receipt

_RELEASED = """COPY (
    SELECT specimen_id, min(enqueued_at) AT TIME ZONE {zone} AS at
    FROM message
    WHERE purpose = {purpose} AND collected_at >= {since}
    GROUP BY specimen_id
) TO STDOUT (FORMAT csv)"""
_ARRIVED = (
    "COPY (SELECT receipt_no, received_at AT TIME ZONE {zone} AS at FROM receipt WHERE received_at >= {since}) TO STDOUT (FORMAT csv)"
)


@dataclass(frozen=True)
class HoldGroup:
    """Open holds of one reason with one owner."""

    reason: HoldReason
    owner: str
    holds: int
    oldest: datetime


@dataclass(frozen=True)
class Segment:
    """How long one part of the way took, in hours, for so many specimens."""

    segment: str
    specimens: int
    p50: float
    p90: float


def hold_groups(conn: Connection) -> list[HoldGroup]:
    """Open holds by reason and owner, the longest waiting group first."""
    oldest = func.min(hold.c.opened_at)
    columns = (hold.c.reason, hold.c.owner, func.count().label("holds"), oldest.label("oldest"))
    statement = select(*columns).where(hold.c.closed_at.is_(None)).group_by(hold.c.reason, hold.c.owner).order_by(oldest, hold.c.owner)
    return [HoldGroup(**row) for row in conn.execute(statement).mappings()]


def some_holds(conn: Connection, reasons: Sequence[HoldReason], limit: int, *, owner: str | None = None) -> list[Hold]:
    """The `limit` open holds of these reasons (of one owner) that wait longest."""
    chosen = (hold.c.closed_at.is_(None), hold.c.reason.in_(reasons), *(() if owner is None else (hold.c.owner == owner,)))
    statement = select(hold).where(*chosen).order_by(hold.c.opened_at, hold.c.subject, hold.c.hold_id).limit(limit)
    return [Hold(**row) for row in conn.execute(statement).mappings()]


def released(conn: Connection, since: datetime, time_zone: str) -> pa.Table:
    """specimen_id, at (local, no zone): when the first word that a result is ready was owed, of specimens collected since `since`."""
    given = {"zone": time_zone, "purpose": Purpose.RESULT.value, "since": since}
    return _copied(conn, _RELEASED, given, {"specimen_id": pa.string(), "at": pa.timestamp("us")})


def arrived(conn: Connection, since: datetime, time_zone: str) -> pa.Table:
    """receipt_no, at (local, no zone): when each file came, since `since`."""
    return _copied(conn, _ARRIVED, {"zone": time_zone, "since": since}, {"receipt_no": pa.int64(), "at": pa.timestamp("us")})


def segments(conn: Connection, since: datetime) -> list[Segment]:
    """From the word owed to the word taken by Twilio, and from there to the page opened first; of specimens collected since `since`.

    A segment that nobody has gone through yet is left out.
    """
    sent_at = (
        select(message_event.c.message_id, func.min(message_event.c.at).label("at"))
        .where(message_event.c.to_state == MessageState.SENT)
        .group_by(message_event.c.message_id)
        .subquery()
    )
    told = (
        select(
            message.c.specimen_id, func.min(message.c.enqueued_at).label("owed_at"), func.min(sent_at.c.at, type_=Moment).label("sent_at")
        )
        .join(sent_at, sent_at.c.message_id == message.c.message_id)
        .where(message.c.purpose == Purpose.RESULT, message.c.collected_at >= since)
        .group_by(message.c.specimen_id)
        .cte("told")
    )
    to_sent = select(literal("released_sent").label("segment"), (told.c.sent_at - told.c.owed_at).label("took"))
    to_opened = (
        select(literal("sent_opened"), (opening.c.first_opened_at - told.c.sent_at).label("took"))
        .join(opening, opening.c.specimen_id == told.c.specimen_id)
        .where(opening.c.first_opened_at >= told.c.sent_at)
    )
    step = union_all(to_sent, to_opened).subquery()
    hours = func.extract("epoch", step.c.took) / 3600
    quantile = [func.percentile_cont(share).within_group(hours).label(name) for share, name in ((0.5, "p50"), (0.9, "p90"))]
    statement = select(step.c.segment, func.count().label("specimens"), *quantile).group_by(step.c.segment)
    return [Segment(row["segment"], row["specimens"], float(row["p50"]), float(row["p90"])) for row in conn.execute(statement).mappings()]


def opened_among(conn: Connection, specimen_ids: Sequence[str]) -> set[str]:
    """Those of a screen's specimens whose page was opened with the right birth date, at least once."""
    opened = select(opening.c.specimen_id).where(opening.c.first_opened_at.is_not(None), opening.c.specimen_id.in_(specimen_ids))
    return {str(specimen) for specimen in conn.execute(opened).scalars()}


def unopened_among(conn: Connection, detected: pa.Table) -> pa.Table:
    """specimen_id, message, owed_at of those of the table's specimens that are owed a word and whose page nobody has opened."""
    columns = (message.c.specimen_id, message.c.state.label("message"), message.c.enqueued_at.label("owed_at"))
    with staged(conn, "detected", [message.c.specimen_id], detected.to_batches()) as asked:
        statement = (
            select(*columns)
            .distinct(message.c.specimen_id)
            .join(asked, asked.c.specimen_id == message.c.specimen_id)
            .outerjoin(opening, opening.c.specimen_id == message.c.specimen_id)
            .where(message.c.purpose != Purpose.LINK, opening.c.first_opened_at.is_(None))
            .order_by(message.c.specimen_id, message.c.version.desc(), message.c.enqueued_at.desc())
        )
        rows = [dict(row) for row in conn.execute(statement).mappings()]
    kinds = [("specimen_id", pa.string()), ("message", pa.string()), ("owed_at", pa.timestamp("us", "UTC"))]
    return pa.Table.from_pylist([row | {"message": row["message"].value} for row in rows], schema=pa.schema(kinds))


def last_receipt(conn: Connection) -> datetime | None:
    """When the last file came; None: none ever."""
    last: datetime | None = conn.execute(select(func.max(receipt.c.received_at))).scalar_one()
    return last


def _copied(conn: Connection, statement: str, given: Mapping[str, object], columns: Mapping[str, pa.DataType]) -> pa.Table:
    """Rows as they stream out by COPY: a million never stand in Python as objects."""
    driver: Any = conn.connection.driver_connection
    whole = sql.SQL(statement).format(**{name: sql.Literal(value) for name, value in given.items()})
    buffer = io.BytesIO()
    with driver.cursor() as cursor, cursor.copy(whole) as copy:
        for block in copy:
            buffer.write(block)
    if not buffer.tell():
        return pa.table({name: pa.array([], kind) for name, kind in columns.items()})
    buffer.seek(0)
    options = pv.ConvertOptions(column_types=dict(columns))
    return pv.read_csv(buffer, read_options=pv.ReadOptions(column_names=list(columns)), convert_options=options)
