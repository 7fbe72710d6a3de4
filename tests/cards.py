"""A card as decide publishes it: words that go with its state."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from pipeline.domain.words import Basis, PersonState, Result

DAY = date(2026, 11, 20)
USUAL = {
    PersonState.REGISTERED: Basis.WAITING,
    PersonState.AT_LAB: Basis.WAITING,
    PersonState.OWN_TEST_NEEDED: Basis.POOL_UNCLEAR,
    PersonState.READY: Basis.POOL,
    PersonState.COME_AGAIN: Basis.TUBE_LEAKED,
    PersonState.WITHDRAWN: Basis.WITHDRAWN_BY_LAB,
    PersonState.NOT_FOUND: Basis.NO_RESULT,
}
SCHEMA = pa.schema(
    [
        ("specimen_id", pa.string()), ("state", pa.string()), ("version", pa.int32()), ("vault_day", pa.date32()), ("vault_batch", pa.int64()),
        ("result", pa.string()), ("basis", pa.string()), ("is_corrected", pa.bool_()), ("collected_on", pa.date32()), ("place", pa.string()),
    ]
)  # fmt: skip


def card_row(
    specimen_id: str, state: str, version: int = 1, *, result: Result | None = None, basis: Basis | None = None, is_corrected: bool = False
) -> dict[str, object]:
    """One row for `cards.upsert_many`. A ready card says `not_detected` by a pool where nothing else is asked for; so does any state that
    is none, so that a test can put one."""
    known = state in set(PersonState)
    if result is None and state == PersonState.READY:
        result = Result.NOT_DETECTED
    return {
        "specimen_id": specimen_id, "state": str(state), "version": version, "vault_day": DAY, "vault_batch": 1, "result": result,
        "basis": basis or (USUAL[PersonState(state)] if known else Basis.WAITING), "is_corrected": is_corrected, "collected_on": DAY,
        "place": "SITE-01",
    }  # fmt: skip


def card_rows(*rows: dict[str, object]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(rows), schema=SCHEMA)
