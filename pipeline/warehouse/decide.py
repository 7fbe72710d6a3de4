"""Decide: outcome(specimen) = f(facts so far, as_of), for the tubes a batch touched. The rules are in `sql/decide/`, here their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from pipeline.domain.words import Choice
from pipeline.programme import Programme
from pipeline.warehouse.connect import Warehouse

# Temporary tables of one decide batch, in the order in which they are made.
STEPS = (
    "touched_code", "touched_row", "seed", "seed_row", "touched", "touched_member", "scope_code", "scope_row",
    "unit", "unit_row", "unit_call", "tube_state", "member", "pool_view", "verdict", "asked", "outcome_now",
    "list_now", "list_merge", "hold_now", "hold_after",
)  # fmt: skip
TEMPORARY = (
    "touched_code", "touched_row", "seed", "seed_row", "touched", "touched_member", "scope_code", "scope_row",
    "unit", "unit_row", "unit_call", "tube_state", "member", "pool_view", "verdict_now", "asked", "outcome_now",
    "list_now", "list_after", "hold_now", "hold_after",
)  # fmt: skip
STORES = ("publish_clear", "publish_store", "outcome_clear", "outcome_store", "list_clear", "list_store", "hold_clear", "hold_store")


@dataclass(frozen=True)
class Signed:
    """A hold that enough people have decided. `facts`: the print of what they saw (sql/decide/asked)."""

    hold_id: str
    choice: Choice
    facts: str


@dataclass(frozen=True)
class Waiting:
    """What a decide batch would have to do. since: the last decided batch."""

    since: int
    has_facts: bool
    has_due: bool

    @property
    def is_any(self) -> bool:
        return self.has_facts or self.has_due


def waiting(warehouse: Warehouse, as_of: datetime) -> Waiting:
    """as_of: the programme's local time, without zone."""
    (row,) = warehouse.rows("decide/waiting", as_of=as_of)
    return Waiting(*row)


def decide_batch(
    warehouse: Warehouse,
    programme: Programme,
    *,
    batch_no: int,
    as_of: datetime,
    vault_day: date,
    since: int,
    signed: Sequence[Signed] = (),
) -> int:
    """Decide what changed after batch `since`, or by time until `as_of` (local, no zone), in one transaction; return the tubes decided.

    signed: what people have decided since. since=-1 decides every tube anew: the full recomputation that the incremental one must equal.
    """
    clocks = programme.clocks
    given: dict[str, dict[str, object]] = {
        "touched_code": {"since": since},
        "seed": {"since": since, "as_of": as_of},
        "unit_row": {"window_days": clocks.match_window_days},
        "tube_state": {"relabel_days": clocks.relabel_days},
        "member": {"as_of": as_of, "overdue_hours": clocks.overdue_hours, "lost_days": clocks.lost_days},
        "outcome_now": {"as_of": as_of},
        "list_merge": {"as_of": as_of},
        "hold_after": {"as_of": as_of},
        "publish_store": {"batch_no": batch_no},
        "outcome_store": {"batch_no": batch_no},
        "hold_store": {"batch_no": batch_no},
    }
    with warehouse.given(signed=_table(signed)), warehouse.transaction():
        warehouse.run("decide/signed_store", batch_no=batch_no)
        for step in (*STEPS, *STORES):
            warehouse.run(f"decide/{step}", **given.get(step, {}))
        tubes = int(warehouse.value("decide/touched_count"))
        warehouse.run("intake/batch_done", batch_no=batch_no, kind="decide", as_of=as_of, vault_day=vault_day)
    warehouse.forget(TEMPORARY)
    return tubes


def _table(signed: Sequence[Signed]) -> pa.Table:
    rows = [{"hold_id": one.hold_id, "choice": one.choice.value, "facts": one.facts} for one in signed]
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in ("hold_id", "choice", "facts")]))
