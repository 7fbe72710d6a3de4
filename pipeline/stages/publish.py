"""Publish: what the desk reads of the warehouse, copied out by a run that holds it anyway.

Why files: the warehouse has one process at a time (docs/architecture.md). A screen that opened it would be refused four times in five
while a batch is written, and would keep the writer out in the fifth. The ledger answers what it knows itself (holds, messages, switches)
at the moment of asking; counts over all tubes are made here. A run that meets another writer leaves it to the next one, and so that
a large installation does not spend its time on screens, the writer's lock is taken for at most a twentieth of the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from pipeline.errors import WarehouseBusy
from pipeline.ledger import desk, journal
from pipeline.ledger.tables import BatchKind
from pipeline.log import event
from pipeline.stages.house import House
from pipeline.vault import finder, indexes
from pipeline.warehouse.connect import Warehouse
from pipeline.warehouse.published import Published

# Days of collection and arrival that the figures look back.
DAYS = 30
# Of tubes on which team and lab do not agree, so many of each kind are shown by name; all are counted.
APART = 100
# Of results that no manifest names, so many are compared with the codes of tubes that wait for one.
COMPARED = 2_000
WAIT_S = 1.0
SHARE = 20
# Batches of the vault.
INDEXED_AT_ONCE = 20
LISTS = {"worklist": "published/worklist", "callback": "published/callback", "repeat": "published/repeat"}
FACTS = ("specimens", "own_codes", "results")


@dataclass(frozen=True)
class PublishSummary:
    """batches: whose facts were added; is_made: whether figures and lists were made anew. held_ms: how long the writer's lock was held;
    indexed: batches of the vault that can be searched from now on."""

    batches: int
    is_made: bool
    held_ms: int
    indexed: int = 0

    @property
    def is_anything(self) -> bool:
        return self.is_made or self.indexed > 0


def publish(house: House, now: datetime, *, always: bool = False) -> PublishSummary:
    """Make figures, lists and facts anew, unless it is not due yet (`always`: whether due or not) or another writer is at work; then
    index what of the vault is not indexed yet."""
    made = _publish(house, now, always)
    return replace(made, indexed=_index_people(house))


def _index_people(house: House) -> int:
    """The writer's lock is held for writing the indexes, not for making them: whoever erases a person rewrites a batch under it."""

    def while_nobody_writes(write: Callable[[], None]) -> None:
        with suppress(WarehouseBusy), house.writer(WAIT_S):
            write()

    some = indexes.lacking(house.keys)[:INDEXED_AT_ONCE]
    of = finder.prints(house.keys, house.programme.phones)
    for ref in some:
        indexes.make_indexes(house.keys, ref, of, while_nobody_writes)
    return len(some)


def _publish(house: House, now: datetime, always: bool) -> PublishSummary:
    shown = Published(house.home.published)
    if not (always or _is_due(shown.figures(), now)):
        return PublishSummary(0, False, 0)
    since = house.local(now).date() - timedelta(days=DAYS)
    known = _of_the_ledger(house, now)
    try:
        with house.writer(WAIT_S):
            started = time.monotonic()
            with house.warehouse(spill=True) as warehouse:
                added = _add_facts(house, warehouse, shown)
                figures = _figures(house, warehouse, known.tables, since)
                lists = {name: warehouse.arrow(statement) for name, statement in LISTS.items()}
                detected = warehouse.arrow("report/detected", since=since)
                lists["near"] = warehouse.arrow("report/near_codes", most=COMPARED, window_days=house.programme.clocks.match_window_days)
                warehouse.forget(["tube_book"])
            lists["to_call"] = _to_call(house, detected)
            # Still under the lock: a run beside this one that has read later writes later, and what it says stays.
            for name, table in lists.items():
                shown.write(name, table)
            held_s = time.monotonic() - started
            figures["turnaround"] += [asdict(one) for one in known.segments]
            shown.write_figures(figures | {"made_at": now.isoformat(), "held_s": held_s, "since": since.isoformat()})
    except WarehouseBusy:
        return PublishSummary(0, False, 0)
    event("published", batches=added, held_ms=round(held_s * 1000))
    return PublishSummary(added, True, round(held_s * 1000))


@dataclass(frozen=True)
class _Known:
    """What the ledger says for the figures: asked before the writer's lock is taken."""

    tables: Mapping[str, pa.Table]
    segments: list[desk.Segment]


def _of_the_ledger(house: House, now: datetime) -> _Known:
    since, zone = now - timedelta(days=DAYS), house.programme.time_zone
    with house.ledger.begin() as conn:
        return _Known(
            {"released": desk.released(conn, since, zone), "arrived": desk.arrived(conn, since, zone)}, desk.segments(conn, since)
        )


def _to_call(house: House, detected: pa.Table) -> pa.Table:
    """Who was detected and has not looked, the longest waiting first: of a national day a screen could not ask that itself."""
    with house.ledger.begin() as conn:
        waiting = desk.unopened_among(conn, detected)
    return detected.join(waiting, keys="specimen_id", join_type="inner").sort_by([("owed_at", "ascending"), ("specimen_id", "ascending")])


def _is_due(figures: Mapping[str, Any] | None, now: datetime) -> bool:
    if figures is None:
        return True
    return now - datetime.fromisoformat(figures["made_at"]) >= timedelta(seconds=SHARE * figures["held_s"])


def _add_facts(house: House, warehouse: Warehouse, shown: Published) -> int:
    """Facts of batches that are not out yet. They never change, so each is written once."""
    with house.ledger.begin() as conn:
        done = [batch.batch_no for batch in journal.all_done(conn) if batch.kind is BatchKind.INTAKE]
    lacking = [batch_no for batch_no in done if not all(shown.has(f"{kind}/{batch_no}") for kind in FACTS)]
    for batch_no in lacking:
        for kind in FACTS:
            shown.write(f"{kind}/{batch_no}", warehouse.arrow(f"published/{kind}", batch_no=batch_no))
    return len(lacking)


def _figures(house: House, warehouse: Warehouse, known: Mapping[str, pa.Table], since: date) -> dict[str, Any]:
    window = house.programme.clocks.match_window_days
    with warehouse.given(**known):
        warehouse.run("report/tube_book", since=since, window_days=window)
        (reconciled,) = warehouse.dicts("report/reconciled")
        return {
            "reconciled": reconciled,
            "apart": warehouse.dicts("report/tubes_apart", most=APART),
            "overdue": warehouse.dicts("report/overdue"),
            "arrivals": warehouse.dicts("report/arrivals", since=since),
            "positivity": warehouse.dicts("report/positivity", since=since),
            "turnaround": warehouse.dicts("report/turnaround", since=since),
            "turnaround_days": warehouse.dicts("report/turnaround_days", since=since),
        }
