"""The journal of batches: what the warehouse did, in which order. Replaying it makes the warehouse anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from pipeline.errors import Broken
from pipeline.ledger.tables import BatchKind, BatchState, batch


@dataclass(frozen=True)
class Batch:
    """One transaction of the warehouse. `as_of` is the only clock it knows; numbers ascend, gaps mean nothing."""

    batch_no: int
    kind: BatchKind
    as_of: datetime
    state: BatchState
    finished_at: datetime | None


def open_batch(conn: Connection, kind: BatchKind | str, as_of: datetime) -> Batch:
    """Begin a batch. Raises Broken while another one is unfinished: that one comes first."""
    if (earlier := unfinished(conn)) is not None:
        raise Broken(f"Batch {earlier.batch_no} is not finished.", batch_no=earlier.batch_no)
    row = {"kind": BatchKind(kind), "as_of": as_of, "state": BatchState.OPEN}
    return Batch(**conn.execute(insert(batch).values(row).returning(batch)).mappings().one())


def unfinished(conn: Connection) -> Batch | None:
    """The batch that a crash left open, if any: there is one at most."""
    row = conn.execute(select(batch).where(batch.c.state == BatchState.OPEN)).mappings().one_or_none()
    return None if row is None else Batch(**row)


def finish(conn: Connection, batch_no: int, now: datetime) -> None:
    """Mark a batch done; one that is done already stays as it is. Raises Broken if there is no such batch."""
    conn.execute(
        update(batch).where(batch.c.batch_no == batch_no, batch.c.state == BatchState.OPEN).values(state=BatchState.DONE, finished_at=now)
    )
    if conn.execute(select(batch.c.state).where(batch.c.batch_no == batch_no)).scalar() is not BatchState.DONE:
        raise Broken(f"There is no batch {batch_no}.", batch_no=batch_no)


def last_decided(conn: Connection, before: int) -> int:
    """Number of the last decide batch before number `before`; 0 where there is none."""
    statement = select(func.max(batch.c.batch_no)).where(batch.c.kind == BatchKind.DECIDE, batch.c.batch_no < before)
    return int(conn.execute(statement).scalar() or 0)


def all_done(conn: Connection) -> list[Batch]:
    """Finished batches in their order."""
    rows = conn.execute(select(batch).where(batch.c.state == BatchState.DONE).order_by(batch.c.batch_no)).mappings()
    return [Batch(**row) for row in rows]
