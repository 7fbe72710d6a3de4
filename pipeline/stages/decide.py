"""Decide: outcomes, lists, holds and due messages for what changed since the last time: by facts, by people or by the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.ledger import journal, signed_holds
from pipeline.log import event
from pipeline.stages.decide_batch import decide_and_publish
from pipeline.stages.house import House
from pipeline.stages.resume import finish_open_batch
from pipeline.warehouse.decide import waiting


@dataclass(frozen=True)
class DecideSummary:
    """tubes: how many were decided anew; 0 with batches=0 means that nothing waited."""

    batches: int
    tubes: int

    @property
    def is_anything(self) -> bool:
        return self.batches > 0

    def __add__(self, later: DecideSummary) -> DecideSummary:
        return DecideSummary(self.batches + later.batches, self.tubes + later.tubes)


def decide(house: House, now: datetime) -> DecideSummary:
    """One decide batch, if anything waits for it. Time passing is a reason too: a tube becomes overdue, a specimen lost."""
    with house.writer():
        finish_open_batch(house, now)
        with house.ledger.begin() as conn:
            is_signed = signed_holds.is_any_waiting(conn)
        with house.warehouse(spill=True) as warehouse:
            if not is_signed and not waiting(warehouse, house.local(now)).is_any:
                return DecideSummary(0, 0)
            with house.ledger.begin() as conn:
                batch = journal.open_batch(conn, "decide", now)
                signed_holds.claim(conn, batch.batch_no)
            tubes = decide_and_publish(house, warehouse, batch)
        event("decide_batch", batch_no=batch.batch_no, tubes=tubes)
        return DecideSummary(1, tubes)
