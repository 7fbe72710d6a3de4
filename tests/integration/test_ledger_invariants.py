"""Each promise of the ledger finds the defect that it is for. Where a key or a CHECK holds it too, a database that lost that is asked."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from pipeline.domain.words import MessageState
from pipeline.ledger import cards, invariants, journal, outbox, receipts
from pipeline.ledger.engine import Ledger
from pipeline.ledger.invariants import _CHECKS
from pipeline.ledger.receipts import Arrival

from .conftest import Given

FIRST, SECOND = "(SELECT message_id FROM message WHERE version = 1)", "(SELECT message_id FROM message WHERE version = 2)"
# The promise's sentence → what breaks it, by hand.
BROKEN = {
    "I1: the row counts of receipt {} do not balance": (
        "ALTER TABLE receipt DROP CONSTRAINT ck_receipt_rows_balance",
        "UPDATE receipt SET rows_received = 3",
    ),
    "I1: receipt {} has no verdict though its batch is done": ("UPDATE receipt SET verdict = 'waiting', settled_at = NULL",),
    "I1: the state of message {} is not that of its last event": (f"UPDATE message SET state = 'unknown' WHERE message_id = {FIRST}",),
    "I1: the events of message {} do not follow each other": (
        f"UPDATE message_event SET from_state = 'unknown' WHERE message_id = {FIRST} AND to_state = 'sending'",
    ),
    "I2: message {} is for a specimen without a card": ("DELETE FROM card",),
    "I2: message {} tells a newer outcome than its card shows": ("UPDATE card SET version = 1",),
    "I2: the card of specimen {} says ready without a result, or a result without ready": (
        "ALTER TABLE card DROP CONSTRAINT ck_card_result_when_ready",
        "UPDATE card SET state = 'come_again'",
    ),
    "I3: Twilio accepted message {} more than once": (
        f"UPDATE message_event SET sid = 'SM9' WHERE message_id = {FIRST} AND to_state = 'sending'",
    ),
    "I3: an outcome of specimen {} was accepted by Twilio more than once": (
        "ALTER TABLE message DROP CONSTRAINT uq_message_specimen_id_version_purpose",
        "UPDATE message SET version = 2",
    ),
    "I3: specimen {} has two messages on the wire": (
        "DROP INDEX ix_message_one_on_the_wire",
        "UPDATE message SET state = 'sending', sid = NULL",
        "UPDATE message_event SET to_state = 'sending', from_state = 'queued'",
    ),
    "I3: message {} counts as accepted but has no SID": (f"UPDATE message SET sid = NULL WHERE message_id = {SECOND}",),
    "I5: message {} was sent after one with a newer outcome": (
        f"UPDATE message_event SET event_id = event_id + 1000 WHERE message_id = {FIRST}",
        "UPDATE message SET claimed_at = now()",
    ),
}


def settled(ledger: Ledger, given: Given) -> None:
    """A receipt in a batch that is done; a specimen that was told twice, in order."""
    specimen = given.key(1)
    with ledger.begin() as conn:
        arrived = Arrival("claim-1", "a.csv", "TEAM1", None, "0" * 64, 10)
        receipts.record(conn, [arrived], given.now)
        number = receipts.number_of(conn, arrived.claim_id)
        batch = journal.open_batch(conn, "intake", given.now)
        receipts.assign(conn, batch.batch_no, [number])
        one = {"receipt_no": number, "kind": "manifest", "profile": "x", "verdict": "accepted", "reason": ""}
        counts = dict.fromkeys(("rows_received", "rows_accepted"), 2) | dict.fromkeys(
            ("rows_duplicate", "rows_rejected", "rows_held", "rows_warned"), 0
        )
        receipts.settle(conn, batch.batch_no, [one | counts], given.now)
        journal.finish(conn, batch.batch_no, given.now)
        cards.upsert_many(conn, [given.cards([specimen], "ready", 2)], given.now)
    for version in (1, 2):
        with ledger.begin() as conn:
            outbox.enqueue_many(conn, lambda version=version: [given.messages({"specimen_id": specimen, "version": version})], given.now)  # type: ignore[misc]
        with ledger.begin() as conn:
            [message] = outbox.claim(conn, 10, "w", given.now)
            outbox.advance(conn, message.message_id, MessageState.SENT, source="api", now=given.now, sid=f"SM{version}")


def broken(ledger: Ledger) -> set[str]:
    """The promises that do not hold, by their sentences in _CHECKS."""
    with ledger.begin() as conn:
        told = invariants.violations(conn)
    ends = {sentence: sentence.split("{}") for sentence, _ in _CHECKS}
    return {sentence for sentence, (begin, end) in ends.items() if any(one.startswith(begin) and one.endswith(end) for one in told)}


def test_every_promise_has_its_defect() -> None:
    assert [sentence for sentence, _ in _CHECKS] == list(BROKEN)


@pytest.mark.parametrize("sentence", BROKEN)
def test_each_promise_of_the_ledger_finds_its_defect(ledger: Ledger, given: Given, sentence: str) -> None:
    settled(ledger, given)
    assert broken(ledger) == set()
    with ledger.begin() as conn:
        for statement in BROKEN[sentence]:
            conn.execute(text(statement))
    assert sentence in broken(ledger)
