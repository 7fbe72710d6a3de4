"""The same statements on SQLite, for tests and the simulator: batch, receipt, card, message and back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import select

from pipeline.domain.words import MessageState
from pipeline.ledger import audit, cards, holds, invariants, journal, outbox, receipts, switches
from pipeline.ledger.engine import Ledger, migrate, open_ledger, writer_lock
from pipeline.ledger.tables import batch
from pipeline.warehouse.connect import open_warehouse
from tests.cards import card_row, card_rows

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SPECIMEN = str(uuid.UUID(int=1))


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    opened = open_ledger("sqlite://")
    migrate(opened.engine)
    migrate(opened.engine)
    yield opened
    opened.close()


def _message(version: int) -> pa.RecordBatch:
    row = {
        "message_id": str(uuid.UUID(int=100 + version)), "specimen_id": SPECIMEN, "version": version, "purpose": "result",
        "reachable": True, "priority": 1, "vault_day": date(2026, 11, 20), "vault_batch": 1, "collected_at": NOW, "due_at": NOW,
    }  # fmt: skip
    return pa.RecordBatch.from_pylist([row])


def test_the_whole_way(ledger: Ledger) -> None:
    with writer_lock(ledger.engine, 1.0), ledger.begin() as conn:
        for _ in range(2):
            receipts.record(conn, [receipts.Arrival("c", "a.csv", "", None, "0" * 64, 1)], NOW)
        number = receipts.number_of(conn, "c")
        assert [one.receipt_no for one in receipts.listing(conn)] == [number]
        opened = journal.open_batch(conn, "intake", NOW)
        receipts.assign(conn, opened.batch_no, [found.receipt_no for found in receipts.waiting(conn, 10, 10)])
        row = {"receipt_no": number, "kind": "manifest", "profile": "p", "verdict": "held", "reason": "positivity"}
        receipts.settle(conn, opened.batch_no, [row | dict.fromkeys(receipts.ROW_COUNTS, 0)], NOW)
        journal.finish(conn, opened.batch_no, NOW)
        assert cards.upsert_many(conn, [card_rows(card_row(SPECIMEN, "ready", 2))], NOW) == 1
        found = cards.by_specimen(conn, SPECIMEN)
        assert found is not None and found.specimen_id == SPECIMEN and found.updated_at == NOW
        assert outbox.enqueue_many(conn, lambda: [_message(1), _message(2)], NOW) == 2
        (claimed,) = outbox.claim(conn, 5, "w", NOW)
        assert claimed.version == 2
        assert outbox.advance(conn, claimed.message_id, MessageState.SENT, sid="SM1", source="test", now=NOW)
        hold = {"hold_id": SPECIMEN, "reason": "overdue", "subject": "T", "owner": "lab", "detail": {}}
        holds.upsert_many(conn, [hold], NOW)
        holds.close_many(conn, [SPECIMEN], NOW)
        switches.set_paused(conn, True, reason="r", who="w", now=NOW)
        assert [turned.is_on for turned in switches.all_switches(conn)] == [True]
        audit.append(conn, "w", "paused", "sending", "r", NOW)
        assert invariants.violations(conn) == []


def test_C01_what_the_warehouse_streams_is_published_again(ledger: Ledger) -> None:
    """A key that is there already ends the first reading in its middle; the second one needs the warehouse free."""
    rows = """
        SELECT CAST(CAST(md5(CAST(n AS VARCHAR)) AS UUID) AS VARCHAR) AS specimen_id, 'ready' AS state, 1 AS version,
            DATE '2026-11-20' AS vault_day, 1 AS vault_batch, 'detected' AS result, 'single' AS basis, false AS is_corrected,
            DATE '2026-11-19' AS collected_on, 'S1' AS place
        FROM range(3) AS numbers(n)
    """
    with open_warehouse(Path(":memory:"), memory_limit="1GB", spill=None) as warehouse:
        changed = []
        for _ in range(2):
            with ledger.begin() as conn:
                changed.append(cards.add_many(conn, lambda: warehouse.connection.sql(rows).to_arrow_reader(1), NOW))
        assert changed == [3, 0]


def test_C15_moments_come_back_in_utc_and_naive_ones_are_refused(ledger: Ledger) -> None:
    hanoi = NOW.astimezone(timezone(timedelta(hours=7)))
    with ledger.begin() as conn:
        opened = journal.open_batch(conn, "intake", hanoi)
        assert opened.as_of == NOW
        assert conn.execute(select(batch.c.as_of)).scalar_one().tzinfo is UTC
    with pytest.raises(Exception, match="time zone"), ledger.begin() as conn:
        journal.finish(conn, opened.batch_no, NOW.replace(tzinfo=None))


def test_why_sending_waits_is_what_was_noted_last(ledger: Ledger) -> None:
    for reason in (None, "no_credentials", "paused", None):
        with ledger.begin() as conn:
            switches.note_sending_waits(conn, reason, NOW)
            assert switches.sending_waits(conn) == reason
            assert switches.stopped_by(conn) is None, "a reason to wait is no switch"
