"""What a crash left: a batch that the ledger opened and nobody finished. Whoever becomes the writer finishes it first."""

from __future__ import annotations

from datetime import datetime

from pipeline.ledger import journal
from pipeline.ledger.tables import BatchKind
from pipeline.log import event
from pipeline.stages.decide_batch import run_decide_batch
from pipeline.stages.house import House
from pipeline.stages.intake_batch import run_intake_batch


def finish_open_batch(house: House, now: datetime) -> None:
    """Run the open batch again, if there is one, with the time it was opened with. For who is the writer. `now` stamps the log only."""
    with house.ledger.begin() as conn:
        batch = journal.unfinished(conn)
    if batch is None:
        return
    event("batch_resumed", batch_no=batch.batch_no, kind=batch.kind, opened_for=batch.as_of.isoformat(), now=now.isoformat())
    match batch.kind:
        case BatchKind.INTAKE:
            run_intake_batch(house, batch)
        case BatchKind.DECIDE:
            run_decide_batch(house, batch)
