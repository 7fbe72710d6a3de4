"""Receipts, batches, cards, holds and the audit trail, on a real PostgreSQL."""

from __future__ import annotations

import traceback
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import text, update

from pipeline.domain.words import Choice, FileKind, HoldReason, PersonState, Verdict
from pipeline.errors import Broken, CountsDoNotBalance
from pipeline.ledger import audit, cards, decisions, holds, invariants, journal, outbox, receipts
from pipeline.ledger.engine import Ledger
from pipeline.ledger.receipts import Arrival
from pipeline.ledger.tables import receipt

from .conftest import Given

LATER = Given.now + timedelta(hours=1)


def _record(ledger: Ledger, claim: str, size: int = 10) -> int:
    with ledger.begin() as conn:
        receipts.record(conn, [Arrival(claim, f"{claim}.csv", "team1", FileKind.MANIFEST, "ab" * 32, size)], Given.now)
        return receipts.number_of(conn, claim)


def _verdict(number: int, **other: Any) -> dict[str, Any]:
    row = {"receipt_no": number, "kind": "manifest", "profile": "canonical", "verdict": "accepted", "reason": None}
    counts = {"received": 10, "accepted": 6, "duplicate": 1, "rejected": 2, "held": 1, "warned": 3}
    return row | {f"rows_{name}": n for name, n in counts.items()} | other


def _batch(ledger: Ledger, *numbers: int) -> int:
    with ledger.begin() as conn:
        opened = journal.open_batch(conn, "intake", Given.now)
        receipts.assign(conn, opened.batch_no, numbers)
    return opened.batch_no


def test_C08_a_claim_recorded_twice_is_one_receipt(ledger: Ledger) -> None:
    first, second = _record(ledger, "a"), _record(ledger, "b")
    assert _record(ledger, "a") == first < second
    with ledger.begin() as conn:
        assert [found.receipt_no for found in receipts.listing(conn)] == [first, second]


def test_waiting_is_bounded_oldest_first_and_never_starves(ledger: Ledger) -> None:
    numbers = [_record(ledger, claim, size) for claim, size in (("a", 100), ("b", 5), ("c", 5))]

    def waiting(files: int, size: int) -> list[int]:
        with ledger.begin() as conn:
            return [found.receipt_no for found in receipts.waiting(conn, files, size)]

    assert waiting(10, 1_000) == numbers
    assert waiting(2, 1_000) == numbers[:2]
    assert waiting(10, 105) == numbers[:2]
    assert waiting(10, 1) == numbers[:1]
    _batch(ledger, numbers[0])
    assert waiting(10, 1_000) == numbers[1:]


def test_a_file_is_in_one_batch_only(ledger: Ledger) -> None:
    number = _record(ledger, "a")
    batch_no = _batch(ledger, number)
    with ledger.begin() as conn:
        receipts.assign(conn, batch_no, [number])
        journal.finish(conn, batch_no, LATER)
        other = journal.open_batch(conn, "decide", LATER)
    with pytest.raises(Broken), ledger.begin() as conn:
        receipts.assign(conn, other.batch_no, [number])
    with pytest.raises(Broken), ledger.begin() as conn:
        receipts.assign(conn, other.batch_no, [number + 1])


def test_I1_settled_counts_add_up_and_settling_twice_changes_nothing(ledger: Ledger) -> None:
    numbers = [_record(ledger, claim) for claim in ("a", "b", "c")]
    batch_no = _batch(ledger, *numbers[:2])
    rows = [_verdict(numbers[0]), _verdict(numbers[1], verdict="refused", reason="empty", **dict.fromkeys(receipts.ROW_COUNTS, 0))]
    for _ in range(2):
        with ledger.begin() as conn:
            receipts.settle(conn, batch_no, rows, LATER)
    with ledger.begin() as conn:
        assert receipts.counts(conn) == {
            "files": {"received": 3, "waiting": 1, "accepted": 1, "held": 0, "refused": 1},
            "rows": {"received": 10, "accepted": 6, "duplicate": 1, "rejected": 2, "held": 1, "warned": 3},
        }
        assert [(found.verdict, found.reason) for found in receipts.of_batch(conn, batch_no)] == [
            (Verdict.ACCEPTED, None),
            (Verdict.REFUSED, "empty"),
        ]
        assert invariants.violations(conn) == []


@pytest.mark.parametrize("part", ["received", "accepted", "duplicate", "rejected", "held"])
def test_I1_counts_that_do_not_add_up_are_refused_by_code_and_by_database(ledger: Ledger, part: str) -> None:
    number = _record(ledger, "a")
    batch_no = _batch(ledger, number)
    with pytest.raises(CountsDoNotBalance), ledger.begin() as conn:
        receipts.settle(conn, batch_no, [_verdict(number, **{f"rows_{part}": 99})], LATER)
    with pytest.raises(Broken), ledger.begin() as conn:
        conn.execute(update(receipt).values({f"rows_{part}": 99}))


def test_nobody_settles_the_files_of_another_batch_or_without_a_verdict(ledger: Ledger) -> None:
    number, other = _record(ledger, "a"), _record(ledger, "b")
    earlier = _batch(ledger, other)
    with ledger.begin() as conn:
        receipts.settle(conn, earlier, [_verdict(other)], LATER)
        journal.finish(conn, earlier, LATER)
    batch_no = _batch(ledger, number)
    with pytest.raises(Broken), ledger.begin() as conn:
        receipts.settle(conn, batch_no, [_verdict(other)], LATER)
    with pytest.raises(Broken), ledger.begin() as conn:
        receipts.settle(conn, batch_no, [_verdict(number, verdict="waiting")], LATER)
    with ledger.begin() as conn:
        receipts.settle(conn, batch_no, [], LATER)
        journal.finish(conn, batch_no, LATER)
        assert invariants.violations(conn) == [f"I1: receipt {number} has no verdict though its batch is done"]


def test_one_batch_at_a_time_and_all_in_order(ledger: Ledger) -> None:
    with ledger.begin() as conn:
        assert journal.unfinished(conn) is None
        first = journal.open_batch(conn, "intake", Given.now)
    with pytest.raises(Broken), ledger.begin() as conn:
        journal.open_batch(conn, "decide", Given.now)
    with pytest.raises(Broken), ledger.begin() as conn:
        conn.execute(text("INSERT INTO batch (kind, as_of, state) VALUES ('decide', now(), 'open')"))
    with ledger.begin() as conn:
        assert journal.unfinished(conn) == first
        journal.finish(conn, first.batch_no, LATER)
        journal.finish(conn, first.batch_no, LATER + timedelta(hours=1))
        second = journal.open_batch(conn, "decide", LATER)
        journal.finish(conn, second.batch_no, LATER)
        done = journal.all_done(conn)
        assert [(found.kind, found.as_of, found.finished_at) for found in done] == [("intake", Given.now, LATER), ("decide", LATER, LATER)]
        assert first.batch_no < second.batch_no
        with pytest.raises(Broken):
            journal.finish(conn, second.batch_no + 1, LATER)


def _cards(ledger: Ledger, *batches: pa.RecordBatch, now: datetime = Given.now) -> int:
    with ledger.begin() as conn:
        return cards.upsert_many(conn, iter(batches), now)


def test_I5_a_card_shows_the_newest_version_whatever_comes_last(ledger: Ledger, given: Given) -> None:
    people = [given.key(i) for i in range(3)]
    assert _cards(ledger, given.cards(people[:2]), given.cards(people[2:])) == 3
    assert _cards(ledger, given.cards(people, "ready", 2), now=LATER) == 3
    assert _cards(ledger, given.cards(people, "own_test_needed", 1)) == 0
    assert _cards(ledger, given.cards(people, "ready", 2), now=LATER + timedelta(hours=1)) == 0
    assert _cards(ledger, given.cards(people[:1], "withdrawn", 2), now=LATER) == 1
    with ledger.begin() as conn:
        assert cards.counts(conn) == {PersonState.READY: 2, PersonState.WITHDRAWN: 1}
        found = cards.by_specimen(conn, people[1])
        assert found is not None
        assert (found.specimen_id, found.version, found.vault_day, found.updated_at) == (people[1], 2, given.day, LATER)
        assert cards.by_specimen(conn, given.key("nobody")) is None


def test_no_cards_is_no_work(ledger: Ledger) -> None:
    assert _cards(ledger) == 0


def test_a_word_outside_the_set_a_missing_column_or_a_moment_without_zone_is_an_error(ledger: Ledger, given: Given) -> None:
    with pytest.raises(Broken, match="ck_card_state"):
        _cards(ledger, given.cards([given.key(1)], state="positive"))
    with pytest.raises(KeyError):
        _cards(ledger, given.cards([given.key(1)]).drop_columns(["vault_day"]))
    naive = given.messages({"specimen_id": given.key(1), "version": 1})
    at = naive.schema.get_field_index("due_at")
    naive = naive.set_column(at, "due_at", naive.column("due_at").cast(pa.timestamp("us")))
    with pytest.raises(ValueError, match="due_at"), ledger.begin() as conn:
        outbox.enqueue_many(conn, lambda: [naive], given.now)
    with ledger.begin() as conn:
        assert cards.counts(conn) == {} and outbox.counts(conn) == {}


def test_I8_errors_of_the_database_quote_no_values(ledger: Ledger, given: Given) -> None:
    person = given.key("canary")
    wrong = given.cards([person], state="canary-state")
    bad_id = given.cards(["canary-id"])
    for batches in ([wrong], [bad_id], [given.cards([person, person])]):
        with pytest.raises(Broken) as caught:
            _cards(ledger, *batches)
        told = "".join(traceback.format_exception(caught.value))
        assert "canary" not in told and person not in told
    with pytest.raises(Broken) as caught, ledger.begin() as conn:
        conn.execute(text("SELECT CAST(:given AS integer)"), {"given": "canary"})
    assert "canary" not in "".join(traceback.format_exception(caught.value)).replace('"given": "canary"', "")


def _hold(given: Given, subject: str, **other: Any) -> dict[str, Any]:
    return {
        "hold_id": given.key("hold", subject), "reason": "unmatched", "subject": subject, "owner": "lab1", "detail": {"tubes": 1},
    } | other  # fmt: skip


def test_a_hold_keeps_its_age_while_open_and_opens_anew_after(ledger: Ledger, given: Given) -> None:
    def opened() -> list[tuple[str, datetime, dict[str, Any]]]:
        with ledger.begin() as conn:
            return [(found.subject, found.opened_at, found.detail) for found in holds.open_holds(conn)]

    with ledger.begin() as conn:
        holds.upsert_many(conn, (_hold(given, subject) for subject in ("T2", "T1")), given.now)
        holds.upsert_many(conn, [_hold(given, "T1", detail={"tubes": 2})], LATER)
        assert holds.counts(conn) == {HoldReason.UNMATCHED: 2}
    assert opened() == [("T1", given.now, {"tubes": 2}), ("T2", given.now, {"tubes": 1})]
    with ledger.begin() as conn:
        holds.close_many(conn, [given.key("hold", "T1"), given.key("nothing")], LATER)
    assert [subject for subject, *_ in opened()] == ["T2"]
    with ledger.begin() as conn:
        holds.upsert_many(conn, [_hold(given, "T1")], LATER)
    assert opened()[-1] == ("T1", LATER, {"tubes": 1})


def test_a_national_day_of_holds_can_be_asked_who_has_spoken(ledger: Ledger, given: Given) -> None:
    """More than a statement can have parameters: 95,000 were open after 26 million people."""
    with ledger.begin() as conn:
        holds.upsert_many(conn, (_hold(given, f"T{number}") for number in range(70_000)), given.now)
        waiting = holds.open_holds(conn)
        assert decisions.say(conn, waiting[0], Choice.RELEASE, who="lan", why="seen", now=LATER).is_enough is False
        assert decisions.people_for(conn) == {waiting[0].hold_id: 1}
        holds.close_many(conn, [waiting[0].hold_id], LATER)
        assert decisions.people_for(conn) == {}


def _trail(ledger: Ledger) -> None:
    with ledger.begin() as conn:
        for i in range(4):
            audit.append(conn, "lead", "released", f"T{i}", "checked by hand\n2026 forged line", Given.now)
        assert audit.verify(conn) == []


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET who = 'other' WHERE entry_no = 2",
        "UPDATE audit SET why = why || ' ' WHERE entry_no = 4",
        "UPDATE audit SET at = at + interval '1 microsecond' WHERE entry_no = 1",
        "UPDATE audit SET who = who || what, what = '' WHERE entry_no = 3",
        "UPDATE audit SET hash = previous_hash WHERE entry_no = 3",
        "DELETE FROM audit WHERE entry_no = 2",
        "DELETE FROM audit WHERE entry_no = 1",
        "UPDATE audit SET subject = CASE subject WHEN 'T1' THEN 'T2' WHEN 'T2' THEN 'T1' ELSE subject END",
    ],
)
def test_W15_a_changed_audit_trail_shows(ledger: Ledger, tampering: str) -> None:
    _trail(ledger)
    with ledger.begin() as conn:
        assert conn.execute(text(tampering)).rowcount > 0
        assert audit.verify(conn) != []
        assert invariants.violations(conn) != []


def test_W15_an_entry_that_is_not_the_one_it_follows_shows(ledger: Ledger) -> None:
    """Sealed rightly, but after another entry than the one that now stands before it."""
    _trail(ledger)
    with ledger.begin() as conn:
        conn.execute(text("DELETE FROM audit WHERE entry_no = 4"))
        audit.append(conn, "forger", "released", "T9", "", Given.now)
        assert audit.verify(conn) == []
        audit.append(conn, "lead", "released", "T5", "", Given.now)
        # Entry 4 forged anew, after entry 5 was sealed upon it.
        conn.execute(text("CREATE TEMP TABLE kept AS SELECT * FROM audit WHERE entry_no = 5"))
        conn.execute(text("DELETE FROM audit WHERE entry_no >= 4"))
        audit.append(conn, "other", "released", "T9", "", Given.now)
        conn.execute(text("INSERT INTO audit SELECT * FROM kept"))
        assert audit.verify(conn) == ["audit: entry 5 does not follow the one before it"]


# Unique keys and checks forbid these states; a restored or foreign database may have lost them.
@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("ALTER TABLE receipt DROP CONSTRAINT ck_receipt_rows_balance; UPDATE receipt SET rows_received = 7", "I1: the row counts"),
        ("UPDATE message SET state = 'delivered' WHERE state = 'queued'", "I1: the state of message"),
        ("DELETE FROM message_event WHERE to_state = 'sending'", "I1: the events of message"),
        ("DELETE FROM message_event", "I1: the state of message"),
        ("DELETE FROM card", "I2: message"),
        ("UPDATE card SET version = 0", "I2: message"),
        ("UPDATE card SET result = NULL", "I2: the card of specimen"),
        ("ALTER TABLE card DROP CONSTRAINT ck_card_result_when_ready; UPDATE card SET state = 'withdrawn'", "I2: the card of specimen"),
        ("UPDATE message SET sid = NULL", "I3: message"),
        (
            "UPDATE message_event SET event_id = event_id + 1000 WHERE message_id = (SELECT message_id FROM message WHERE version = 1)",
            "I5: message",
        ),
        ("DROP INDEX ix_message_one_on_the_wire; UPDATE message SET state = 'unknown'", "I3: specimen"),
        (
            "ALTER TABLE message DROP CONSTRAINT uq_message_specimen_id_version_purpose; UPDATE message SET version = 1, sid = message_id",
            "I3: an outcome",
        ),
    ],
)
def test_O07_each_damage_is_found(ledger: Ledger, given: Given, damage: str, found: str) -> None:
    number = _record(ledger, "a")
    specimen = given.key("p")
    _cards(ledger, given.cards([specimen], "ready", 3))
    with ledger.begin() as conn:
        for version in (1, 2, 3):
            rows = given.messages({"specimen_id": specimen, "version": version})
            outbox.enqueue_many(conn, lambda rows=rows: [rows], given.now)
            if version < 3:
                (claimed,) = outbox.claim(conn, 1, "w", given.now + timedelta(minutes=version))
                outbox.advance(conn, claimed.message_id, outbox.MessageState.SENT, sid=f"SM{version}", source="test", now=given.now)
        receipts.assign(conn, journal.open_batch(conn, "intake", given.now).batch_no, [number])
        assert invariants.violations(conn) == []
        conn.execute(text(damage))
        assert [line for line in invariants.violations(conn) if line.startswith(found)]


def test_C15_a_clock_set_back_between_two_messages_is_no_wrong_order(ledger: Ledger, given: Given) -> None:
    specimen = given.key("p")
    _cards(ledger, given.cards([specimen], "ready", 2))
    for version, moment in ((1, given.now + timedelta(hours=1)), (2, given.now)):
        rows = given.messages({"specimen_id": specimen, "version": version})
        with ledger.begin() as conn:
            outbox.enqueue_many(conn, lambda rows=rows: [rows], given.now)
            (claimed,) = outbox.claim(conn, 1, "w", moment)
            outbox.advance(conn, claimed.message_id, outbox.MessageState.SENT, sid=f"SM{version}", source="test", now=moment)
            assert invariants.violations(conn) == []
