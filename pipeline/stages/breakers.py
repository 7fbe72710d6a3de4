"""Breakers: what stops by itself when a lab, or we ourselves, suddenly do otherwise than before. People let it go again.

- A lab's results shift: its files are held at intake (judged by expectations/result_file.json), under one hold for the lab.
- More messages are due than what arrived can explain: nothing at all is sent.
- A lab falls silent: an alarm; it stops nothing, since there is nothing of it to stop.
- What should be erased by now cannot be: an alarm too. It closes by itself.

Each is a hold, tells the log once, and is let go by two people with a reason (stages/answer.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pipeline.domain.words import FileKind, HoldReason
from pipeline.ledger import decisions, holds, journal, receipts, signed_holds
from pipeline.ledger.engine import Transaction
from pipeline.ledger.journal import Batch
from pipeline.log import warning
from pipeline.quality.judge import LAB_SHIFTS
from pipeline.stages.house import House
from pipeline.warehouse.connect import Warehouse

OPERATOR = "operator"
# A handful never trips it: corrections of a single person reach several tubes.
FEW_MESSAGES = 100
# A lab has a rhythm once it has sent so many files in so many days.
RHYTHM_FILES = 5
RHYTHM_DAYS = 30
_HOLDS = uuid.UUID("0b3f2c7e-5d0e-4f0c-9a53-3a5a4c1f6c11")


def shifted_labs(conn: Transaction, labs: Mapping[str, str], now: datetime) -> None:
    """Open, or keep open, the hold of each lab (lab → judgement) whose files are held for a shift."""
    since = decisions.last_release(conn, HoldReason.LAB_SHIFTED)
    _trip(
        conn,
        [
            # By the baseline too: what people said about an earlier shift says nothing about this one.
            _hold(
                f"lab_shifted|{lab}|{since.get(lab, 0)}",
                HoldReason.LAB_SHIFTED,
                f"lab {lab}",
                lab,
                {"judgement": judgement, "files": len(receipts.held(conn, lab, LAB_SHIFTS))},
            )
            for lab, judgement in sorted(labs.items())
        ],
        now,
    )


def too_many_messages(conn: Transaction, house: House, warehouse: Warehouse, batch: Batch) -> None:
    """Stop all sending where a decide batch makes more messages due than the rows explain that were accepted since the one before it.

    A manifest's row can bring one message; a result's row, and what people sign, one for each person who may be in a pool. The ledger's own
    counts of rows are the measure: what decides the messages is not asked how many it should have been.
    """
    lost_before = house.local(batch.as_of) - timedelta(days=house.programme.clocks.lost_days)
    (found,) = warehouse.dicts("breakers/volume", batch_no=batch.batch_no, lost_before=lost_before)
    rows = receipts.accepted_rows(conn, journal.last_decided(conn, batch.batch_no), batch.batch_no)
    of_pools = rows.get(FileKind.RESULTS, 0) + len(signed_holds.of_batch(conn, batch.batch_no))
    explained = rows.get(FileKind.MANIFEST, 0) + of_pools * house.programme.max_pool_size
    if found["messages"] <= explained + FEW_MESSAGES and not found["lost_too_early"]:
        return
    detail = {"messages": found["messages"], "explained": explained, "lost_too_early": found["lost_too_early"]}
    row = _hold(f"too_many|{batch.batch_no}", HoldReason.TOO_MANY_MESSAGES, f"batch {batch.batch_no}", OPERATOR, detail)
    # Once: published again after a crash, it must not undo what people said meanwhile.
    for _ in holds.open_once(conn, [row], batch.as_of):
        _tell(row)


def silent_labs(conn: Transaction, house: House, now: datetime) -> int:
    """Open a hold for each lab that is silent for longer than the programme's limit and than ever before; close those of labs that sent.

    Returns how many are silent.
    """
    limit = timedelta(hours=house.programme.clocks.lab_silent_hours)
    rhythms = receipts.rhythms(conn, now - timedelta(days=RHYTHM_DAYS))
    silent = [
        _hold(
            f"lab_silent|{one.sender}|{one.last_receipt_no}",
            HoldReason.LAB_SILENT,
            f"lab {one.sender}",
            one.sender,
            {"hours": int((now - one.last_at).total_seconds() // 3600), "last_receipt": one.last_receipt_no},
        )
        for one in rhythms
        if one.files >= RHYTHM_FILES and now - one.last_at > max(limit, 2 * one.longest_pause)
    ]
    spoke = {one.sender: one.last_receipt_no for one in rhythms}
    over = [
        one.hold_id
        for one in holds.open_for(conn, HoldReason.LAB_SILENT)
        if spoke.get(one.owner, one.detail["last_receipt"]) != one.detail["last_receipt"]
    ]
    holds.close_many(conn, over, now)
    # Once: what a person has answered stays answered until the lab has spoken and fallen silent again.
    opened = set(holds.open_once(conn, silent, now))
    for row in silent:
        if row["hold_id"] in opened:
            _tell(row)
    return len(silent)


def retention_waits(conn: Transaction, waits: Mapping[str, object] | None, now: datetime) -> None:
    """Open, or keep open, the hold for days that should be erased and cannot be, with what they wait for; close it where that is None."""
    row = _hold("retention_waits", HoldReason.RETENTION_WAITS, "retention", OPERATOR, waits or {})
    if waits is None:
        holds.close_many(conn, [row["hold_id"]], now)
    else:
        _trip(conn, [row], now)


def _trip(conn: Transaction, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    known = {one.hold_id for reason in {row["reason"] for row in rows} for one in holds.open_for(conn, reason)}
    holds.upsert_many(conn, rows, now)
    for row in rows:
        if row["hold_id"] not in known:
            _tell(row)


def _tell(row: Mapping[str, Any]) -> None:
    warning("breaker_tripped", reason=row["reason"].value, subject=row["subject"], **row["detail"])


def _hold(key: str, reason: HoldReason, subject: str, owner: str, detail: Mapping[str, object]) -> dict[str, Any]:
    return {"hold_id": str(uuid.uuid5(_HOLDS, key)), "reason": reason, "subject": subject, "owner": owner, "detail": detail}
