"""One decide batch: the warehouse's transaction, then what it changed carried to the ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pipeline.ledger import cards, holds, journal, outbox, signed_holds
from pipeline.ledger.journal import Batch
from pipeline.stages.breakers import too_many_messages
from pipeline.stages.house import House
from pipeline.warehouse.connect import Warehouse
from pipeline.warehouse.decide import Signed, decide_batch, waiting


def run_decide_batch(house: House, batch: Batch) -> int:
    """Decide and publish. Returns the tubes decided. Run again after a crash, it does what is still missing and nothing twice."""
    with house.warehouse(spill=True) as warehouse:
        return decide_and_publish(house, warehouse, batch)


def decide_and_publish(house: House, warehouse: Warehouse, batch: Batch) -> int:
    """`run_decide_batch` on a warehouse that is open already."""
    tubes = 0
    if batch.batch_no not in warehouse.batches():
        tubes = decide_facts(house, warehouse, batch)
    _publish(house, warehouse, batch)
    return tubes


def decide_facts(house: House, warehouse: Warehouse, batch: Batch) -> int:
    """The warehouse's part alone: what a rebuild replays."""
    as_of = house.local(batch.as_of)
    since = waiting(warehouse, as_of).since
    with house.ledger.begin() as conn:
        signed = [Signed(**row) for row in signed_holds.of_batch(conn, batch.batch_no)]
    return decide_batch(
        warehouse, house.programme, batch_no=batch.batch_no, as_of=as_of, vault_day=as_of.date(), since=since, signed=signed
    )


def _publish(house: House, warehouse: Warehouse, batch: Batch) -> None:
    """Cards, then messages and holds with the end of the batch. Their keys make a second publication of the same batch change nothing.

    The cards go a way of their own, side by side with the messages, since the ledger's database does one statement of a connection
    at a time. They are committed first: whom a message calls to the page finds it there. The time is the batch's: published again
    tomorrow, it says the same.
    """
    number = {"batch_no": batch.batch_no}
    with ThreadPoolExecutor(1, thread_name_prefix="cards") as beside, warehouse.second() as other, house.ledger.begin() as conn:
        shown = beside.submit(_publish_cards, house, other, batch)
        due = partial(warehouse.stream, "decide/messages", time_zone=house.programme.time_zone, as_of=batch.as_of, **number)
        outbox.enqueue_many(conn, due, batch.as_of)
        too_many_messages(conn, house, warehouse, batch)
        shown.result()
        changed = warehouse.dicts("decide/holds", **number)
        opened = [one | {"detail": {"specimens": one["specimens"]}} for one in changed if one["closed_at"] is None]
        holds.upsert_many(conn, opened, batch.as_of)
        holds.close_many(conn, [one["hold_id"] for one in changed if one["closed_at"] is not None], batch.as_of)
        journal.finish(conn, batch.batch_no, batch.as_of)


def _publish_cards(house: House, warehouse: Warehouse, batch: Batch) -> None:
    with house.ledger.begin() as conn:
        cards.add_many(conn, partial(warehouse.stream, "decide/cards", batch_no=batch.batch_no, is_new=True), batch.as_of)
        cards.upsert_many(conn, warehouse.stream("decide/cards", batch_no=batch.batch_no, is_new=False), batch.as_of)
