"""Intake: everything that waits in the inbox becomes facts, or comes back with its reasons. One run takes all, batch by batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.intake import inbox
from pipeline.intake.inbox import Claimed
from pipeline.ledger import journal, receipts
from pipeline.ledger.journal import Batch
from pipeline.ledger.receipts import Arrival
from pipeline.log import event
from pipeline.stages.house import House
from pipeline.stages.intake_batch import run_intake_batch
from pipeline.stages.resume import finish_open_batch

# How many files one look into the inbox takes; what is left, the next look finds.
CLAIM_AT_ONCE = 10_000
# Archived together, with one sync of the folders and one transaction of the ledger; their bytes are in memory at once.
ARCHIVE_FILES = 200
ARCHIVE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class IntakeSummary:
    """Counts of one run. rows_accepted > 0 means that there is something to decide. `left`: files in the inbox when it ended."""

    batches: int
    files: int
    rows_received: int
    rows_accepted: int
    left: int

    @property
    def is_anything(self) -> bool:
        return self.batches > 0

    def __add__(self, later: IntakeSummary) -> IntakeSummary:
        return IntakeSummary(
            self.batches + later.batches,
            self.files + later.files,
            self.rows_received + later.rows_received,
            self.rows_accepted + later.rows_accepted,
            later.left,
        )


def one_run(house: House, now: datetime, progress: Callable[[int], None] | None = None) -> IntakeSummary:
    """`intake` up to the settings' `run_files`, so that decide and notify have their turn while a backlog lasts."""
    return intake(house, now, progress, limit=house.settings.run_files)


def intake(house: House, now: datetime, progress: Callable[[int], None] | None = None, limit: int | None = None) -> IntakeSummary:
    """Claim, archive, read, check, judge and store the files that wait: all, or as many as make `limit` (with what an earlier run left).

    `progress` is called with the number of files done.
    Each batch is one transaction of the warehouse behind its number in the ledger's journal: killed anywhere and run again, nothing is
    lost and nothing is there twice.
    """
    batches = files = received = accepted = 0
    with house.writer():
        finish_open_batch(house, now)
        taken = 0
        while True:
            taken += take_in(house, now, CLAIM_AT_ONCE if limit is None else max(0, min(CLAIM_AT_ONCE, limit - taken)))
            batch = _next_batch(house, now)
            if batch is None:
                break
            done = run_intake_batch(house, batch)
            batches, files = batches + 1, files + len(done)
            received += sum(one.rows_received for one in done)
            accepted += sum(one.rows_accepted for one in done)
            event("intake_batch", batch_no=batch.batch_no, files=len(done), files_of_run=files, left=inbox.backlog(house.home.inbox).files)
            if progress is not None:
                progress(files)
    return IntakeSummary(batches, files, received, accepted, inbox.backlog(house.home.inbox).files)


def take_in(house: House, now: datetime, most: int = CLAIM_AT_ONCE) -> int:
    """Claim at most `most` whole files out of the inbox, seal them in the archive and give each its receipt. Returns how many.

    What an earlier run claimed and did not finish comes first. The claim's number makes the receipt unique.
    """
    claims = inbox.waiting(house.home.claimed)
    # The machine's own clock, not `now`: whether a file still grows is a question of this moment, also when a demo's time stands still.
    claims += inbox.claim(house.home.inbox, house.home.claimed, most, time.time())
    claims = list({one.claim_id: one for one in claims}.values())
    for some, sizes in _portions(claims):
        hashes = house.archive.put_many((one.path.read_bytes() for one in some), house.local(now).date().isoformat())
        with house.ledger.begin() as conn:
            kept = zip(some, hashes, sizes, strict=True)
            arrivals = [Arrival(one.claim_id, one.name, one.sender, one.kind_hint, sha256, size) for one, sha256, size in kept]
            receipts.record(conn, arrivals, now)
        for one in some:
            inbox.discard(one)
    return len(claims)


def _portions(claims: Sequence[Claimed]) -> Iterator[tuple[list[Claimed], list[int]]]:
    """Claims in portions of at most ARCHIVE_FILES and ARCHIVE_BYTES (a larger file alone), with their sizes in bytes."""
    some: list[Claimed] = []
    sizes: list[int] = []
    for one in claims:
        size = one.path.stat().st_size
        if some and (len(some) == ARCHIVE_FILES or sum(sizes) + size > ARCHIVE_BYTES):
            yield some, sizes
            some, sizes = [], []
        some.append(one)
        sizes.append(size)
    if some:
        yield some, sizes


def _next_batch(house: House, now: datetime) -> Batch | None:
    with house.ledger.begin() as conn:
        waiting = receipts.waiting(conn, house.settings.batch_files, house.settings.batch_bytes)
        if not waiting:
            return None
        batch = journal.open_batch(conn, "intake", now)
        receipts.assign(conn, batch.batch_no, [receipt.receipt_no for receipt in waiting])
        return batch
