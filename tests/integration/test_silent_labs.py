"""O01: a lab that sent day after day and falls silent is named, once; it is forgotten when it sends again."""

from __future__ import annotations

import types
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.domain.words import Choice, HoldReason, Verdict
from pipeline.ledger import decisions, holds, journal, receipts
from pipeline.ledger.engine import Ledger
from pipeline.ledger.receipts import ROW_COUNTS, Arrival
from pipeline.stages.breakers import silent_labs

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
HOUSE: Any = types.SimpleNamespace(programme=types.SimpleNamespace(clocks=types.SimpleNamespace(lab_silent_hours=24)))


def send(ledger: Ledger, lab: str, at: datetime, kind: str = "results") -> None:
    """One accepted file."""
    with ledger.begin() as conn:
        claim = f"{lab} {at}"
        receipts.record(conn, [Arrival(claim, "a.csv", lab, None, "0" * 64, 1)], at)
        batch = journal.open_batch(conn, "intake", at)
        number = receipts.number_of(conn, claim)
        receipts.assign(conn, batch.batch_no, [number])
        row = {"receipt_no": number, "kind": kind, "profile": "p", "verdict": Verdict.ACCEPTED, "reason": None}
        receipts.settle(conn, batch.batch_no, [row | dict.fromkeys(ROW_COUNTS, 0)], at)
        journal.finish(conn, batch.batch_no, at)


def silent(ledger: Ledger, at: datetime) -> list[str]:
    """The labs that are asked after, when `watch` looks at `at`."""
    with ledger.begin() as conn:
        count = silent_labs(conn, HOUSE, at)
        found = [one.owner for one in holds.open_for(conn, HoldReason.LAB_SILENT)]
    assert len(found) <= count
    return found


def test_O01_a_lab_that_falls_silent_is_named_until_it_sends_again(ledger: Ledger) -> None:
    for day in range(6):
        send(ledger, "LAB1", START + timedelta(days=day))
        send(ledger, "LAB2", START + timedelta(days=day, hours=1))
    last = START + timedelta(days=5)
    assert silent(ledger, last + timedelta(hours=30)) == []
    send(ledger, "LAB2", last + timedelta(hours=40))
    # Twice its longest pause, a day: then it is more than a quiet evening.
    assert silent(ledger, last + timedelta(hours=47)) == []
    assert silent(ledger, last + timedelta(hours=49)) == ["LAB1"]
    assert silent(ledger, last + timedelta(hours=50)) == ["LAB1"]
    send(ledger, "LAB1", last + timedelta(hours=51))
    assert silent(ledger, last + timedelta(hours=52)) == []


def test_O01_what_a_person_has_answered_is_not_asked_again(ledger: Ledger) -> None:
    for day in range(6):
        send(ledger, "LAB1", START + timedelta(days=day))
    at = START + timedelta(days=8)
    assert silent(ledger, at) == ["LAB1"]
    with ledger.begin() as conn:
        [hold] = holds.open_for(conn, HoldReason.LAB_SILENT)
        decisions.say(conn, hold, Choice.RELEASE, who="lan", why="closed for a holiday", now=at)
        holds.close_many(conn, [hold.hold_id], at)
    assert silent(ledger, at + timedelta(hours=1)) == []


def test_O01_who_never_had_a_rhythm_is_not_silent(ledger: Ledger) -> None:
    for day in range(4):
        send(ledger, "LAB1", START + timedelta(days=day))
    for day in range(9):
        send(ledger, "TEAM1", START + timedelta(days=day), kind="manifest")
    assert silent(ledger, START + timedelta(days=20)) == []
