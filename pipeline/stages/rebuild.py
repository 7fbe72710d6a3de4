"""Rebuild: the warehouse anew, from the archive and the ledger's journal. The vault is read by nobody here: facts know pseudonyms only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.errors import WarehouseDamaged
from pipeline.ledger import cards, journal, receipts
from pipeline.ledger.journal import Batch
from pipeline.ledger.tables import BatchKind
from pipeline.log import event
from pipeline.quality.judge import Judgement
from pipeline.stages.decide_batch import decide_facts
from pipeline.stages.house import House
from pipeline.stages.intake_batch import open_files, store_facts
from pipeline.stages.kept_facts import kept, replay_facts
from pipeline.stages.resume import finish_open_batch
from pipeline.warehouse.connect import Warehouse, open_warehouse


@dataclass(frozen=True)
class RebuildSummary:
    """before: state hash of the warehouse that was there, '' if there was none that opens."""

    batches: int
    before: str
    after: str


def rebuild(house: House, now: datetime, progress: Callable[[int, int], None] | None = None) -> RebuildSummary:
    """Replay every finished batch, in order, with its own time and the verdicts it had, into a new file, and put it in place by a rename.

    The old file and its log are kept beside it as `warehouse.duckdb.old` and `.old.wal`. `progress` is called with (batches done, batches
    in all).
    """
    fresh = house.home.tmp / "warehouse.rebuilt.duckdb"
    with house.writer():
        before = _state_hash(house)
        _remove(fresh)
        with house.ledger.begin() as conn:
            batches = journal.all_done(conn)
        with open_warehouse(fresh, memory_limit=house.settings.memory_limit, spill=None) as warehouse:
            for done, batch in enumerate(batches, 1):
                _replay(house, warehouse, batch)
                if progress is not None:
                    progress(done, len(batches))
        _put_in_place(house, fresh)
        finish_open_batch(house, now)
        after = _state_hash(house)
        filled_in = _fill_in_cards(house)
        event("warehouse_rebuilt", batches=len(batches), same=before == after, cards=filled_in)
    return RebuildSummary(len(batches), before, after)


def _fill_in_cards(house: House) -> int:
    """Cards say what their outcomes say, also those of before a card said so much. Returns how many did not."""
    with house.warehouse(spill=True) as warehouse, house.ledger.begin() as conn:
        return cards.fill_in(conn, warehouse.stream("decide/cards_now"))


def _replay(house: House, warehouse: Warehouse, batch: Batch) -> None:
    match batch.kind:
        case BatchKind.INTAKE:
            if batch.batch_no in kept(house.home):
                _replay_kept(house, warehouse, batch)
                return
            with house.ledger.begin() as conn:
                files = receipts.of_batch(conn, batch.batch_no)
            recorded = {one.receipt_no: Judgement(one.verdict, one.reason or "") for one in files}
            with warehouse.transaction():
                store_facts(house, warehouse, batch, open_files(house, files), recorded)
        case BatchKind.DECIDE:
            decide_facts(house, warehouse, batch)


def _replay_kept(house: House, warehouse: Warehouse, batch: Batch) -> None:
    """A batch whose files were erased."""
    as_of = house.local(batch.as_of)
    with warehouse.transaction():
        replay_facts(house, warehouse, batch.batch_no)
        warehouse.run("intake/batch_done", batch_no=batch.batch_no, kind="intake", as_of=as_of, vault_day=as_of.date())


def _state_hash(house: House) -> str:
    """Of the file that is there; a file that does not open is what a rebuild is for."""
    if not house.home.warehouse.exists():
        return ""
    try:
        with open_warehouse(house.home.warehouse, memory_limit=house.settings.memory_limit, spill=house.home.tmp) as warehouse:
            return str(warehouse.value("state/hash"))
    except WarehouseDamaged:
        return ""


def _put_in_place(house: House, fresh: Path) -> None:
    """The old file and its write-ahead log, which must not be replayed into the new one, are set aside as they were.

    The log first: a file without its log is refused, a log without its file would be replayed into the next one.
    """
    target = house.home.warehouse
    log, old = _log_of(target), target.with_suffix(".duckdb.old")
    if (target.exists() or log.exists()) and old.exists():
        # An earlier rebuild's: gone as a whole, so that no log stands beside a file that is not its own.
        _remove(old)
    if log.exists():
        log.replace(_log_of(old))
    if target.exists():
        target.replace(old)
    fresh.replace(target)


def _remove(path: Path) -> None:
    _log_of(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")
