"""One decide batch: the warehouse's transaction, then what it changed carried to the ledger in one transaction of its own."""

from __future__ import annotations

from pipeline.ledger import cards, holds, journal, outbox
from pipeline.ledger.journal import Batch
from pipeline.stages.house import House
from pipeline.warehouse.connect import Warehouse
from pipeline.warehouse.decide import decide_batch, waiting


def run_decide_batch(house: House, batch: Batch) -> int:
    """Decide and publish. Returns the tubes decided. Run again after a crash, it does what is still missing and nothing twice."""
    tubes = 0
    with house.warehouse(spill=True) as warehouse:
        if batch.batch_no not in warehouse.batches():
            tubes = decide_facts(house, warehouse, batch)
        _publish(house, warehouse, batch)
    return tubes


def decide_facts(house: House, warehouse: Warehouse, batch: Batch) -> int:
    """The warehouse's part alone: what a rebuild replays."""
    as_of = house.local(batch.as_of)
    since = waiting(warehouse, as_of).since
    return decide_batch(warehouse, house.programme, batch_no=batch.batch_no, as_of=as_of, vault_day=as_of.date(), since=since)


def _publish(house: House, warehouse: Warehouse, batch: Batch) -> None:
    """Cards, messages and holds, all or none. Their keys make a second publication of the same batch change nothing.

    The time is the batch's: published again tomorrow, it says the same.
    """
    number = {"batch_no": batch.batch_no}
    with house.ledger.begin() as conn:
        cards.upsert_many(conn, warehouse.stream("decide/cards", token_key=house.keys.derive("token"), **number), batch.as_of)
        due = warehouse.stream("decide/messages", time_zone=house.programme.time_zone, as_of=batch.as_of, **number)
        outbox.enqueue_many(conn, due, batch.as_of)
        changed = warehouse.dicts("decide/holds", **number)
        opened = [one | {"detail": {"specimens": one["specimens"]}} for one in changed if one["closed_at"] is None]
        holds.upsert_many(conn, opened, batch.as_of)
        holds.close_many(conn, [one["hold_id"] for one in changed if one["closed_at"] is not None], batch.as_of)
        journal.finish(conn, batch.batch_no, batch.as_of)
