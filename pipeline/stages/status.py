"""Status: where everything stands, in counts. No row of anybody's."""

from __future__ import annotations

from typing import Any

from pipeline.domain.words import MessageState
from pipeline.ledger import cards, holds, outbox, receipts, switches
from pipeline.stages.house import House
from pipeline.stages.sending import WhyWaiting


def status(house: House) -> dict[str, Any]:
    """The figures of `unpool status --json` (its keys are documented in docs/status.md)."""
    with house.writer(), house.warehouse(spill=True) as warehouse:
        (figures,) = warehouse.dicts("report/warehouse_figures")
        outcomes = dict(warehouse.rows("report/outcomes"))
        held = {reason: specimens for reason, _, specimens in warehouse.rows("report/holds")}
        state_hash = warehouse.value("state/hash")
    with house.ledger.begin() as conn:
        received = receipts.counts(conn)
        open_holds = {str(reason): n for reason, n in holds.counts(conn).items()}
        messages = {str(state): n for state, n in outbox.counts(conn).items()}
        people = {str(state): n for state, n in cards.counts(conn).items()}
        noted = switches.sending_waits(conn)
    return {
        "programme": house.programme.name,
        **received,
        "tubes": {"pools": figures["pools"], "singles": figures["singles"]},
        "specimens": figures["specimens"],
        "outcomes": outcomes,
        "people": people,
        "worklist": figures["worklist"],
        "worklist_open": figures["worklist_open"],
        "callback": figures["callback"],
        "callback_open": figures["callback_open"],
        "holds": open_holds,
        "held_specimens": held,
        "messages": messages,
        "sending": _sending(messages.get(MessageState.QUEUED, 0), noted),
        "state_hash": state_hash,
    }


def _sending(queued: int, noted: str | None) -> str:
    """Why messages wait: a WhyWaiting's code as the last run of notify noted it, `waiting` for the next run, `idle` where none waits."""
    if not queued and noted != WhyWaiting.CONFIGURATION:
        return "idle"
    return noted or "waiting"
