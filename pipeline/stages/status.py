"""Status: where everything stands, in counts. No row of anybody's."""

from __future__ import annotations

from typing import Any

from pipeline.domain.words import MessageState
from pipeline.errors import WarehouseBusy
from pipeline.intake import inbox
from pipeline.ledger import cards, holds, outbox, receipts, switches
from pipeline.stages.house import House
from pipeline.stages.sending import TOLD_ANYWAY

OF_THE_WAREHOUSE = (
    "tubes", "specimens", "outcomes", "worklist", "worklist_open", "callback", "callback_open", "held_specimens", "state_hash",
)  # fmt: skip
# While a batch is being written the warehouse is closed to others: who asks how far a backlog is does not wait for its end.
WAIT_S = 1.0


def status(house: House) -> dict[str, Any]:
    """The figures of `unpool status --json` (its keys are documented in docs/status.md)."""
    try:
        known = _warehouse(house)
    except WarehouseBusy:
        known = dict.fromkeys(OF_THE_WAREHOUSE)
    with house.ledger.begin() as conn:
        received = receipts.counts(conn)
        open_holds = {str(reason): n for reason, n in holds.counts(conn).items()}
        messages = {str(state): n for state, n in outbox.counts(conn).items()}
        people = {str(state): n for state, n in cards.counts(conn).items()}
        noted = switches.sending_waits(conn)
    return {
        "programme": house.programme.name,
        **received,
        "inbox": inbox.backlog(house.home.inbox).files,
        "people": people,
        "holds": open_holds,
        "messages": messages,
        "sending": _sending(messages.get(MessageState.QUEUED, 0), noted),
        **known,
    }


def _warehouse(house: House) -> dict[str, Any]:
    """Raises WarehouseBusy while a stage writes."""
    with house.writer(WAIT_S), house.warehouse(spill=True) as warehouse:
        (figures,) = warehouse.dicts("report/warehouse_figures")
        found = figures | {
            "tubes": {"pools": figures["pools"], "singles": figures["singles"]},
            "outcomes": dict(warehouse.rows("report/outcomes")),
            "held_specimens": {reason: specimens for reason, _, specimens in warehouse.rows("report/holds")},
            "state_hash": warehouse.value("state/hash"),
        }
        return {name: found[name] for name in OF_THE_WAREHOUSE}


def _sending(queued: int, noted: str | None) -> str:
    """Why messages wait: a WhyWaiting's code as the last run of notify noted it, `waiting` for the next run, `idle` where none waits."""
    if not queued and noted not in TOLD_ANYWAY:
        return "idle"
    return noted or "waiting"
