"""O10: what Twilio has and a restored ledger does not know is adopted by the message that was sent so, and never sent again."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from pipeline.domain.words import MessageState, Purpose
from pipeline.ledger import outbox, switches, told
from pipeline.ledger.told import Told
from pipeline.stages import notify
from pipeline.stages.sending import WhyWaiting
from tests.integration.office import MINUTE, NOW, Office, key


def remember(office: Office, specimen: str, *given: Purpose | None) -> list[str]:
    """Told for these purposes, a minute after the other; their SIDs."""
    some = [Told(f"SM{uuid4().hex}", specimen, purpose, NOW + number * MINUTE) for number, purpose in enumerate(given)]
    with office.ledger.begin() as conn:
        told.remember(conn, some)
        told.remember(conn, some)
    return [one.sid for one in some]


def adopt(office: Office, *among: str) -> set[str]:
    with office.ledger.begin() as conn:
        return told.adopt(conn, office.at, among or None)


def left(office: Office) -> int:
    with office.ledger.begin() as conn:
        return told.kept(conn)


def test_O10_who_was_told_is_not_told_again(office: Office) -> None:
    specimens = office.enqueue(5)
    sids = [remember(office, specimen, Purpose.RESULT)[0] for specimen in specimens[:3]]
    summary = office.run()
    assert (summary.sent, summary.found, office.counts()["accepted"]) == (2, 3, 2)
    assert [office.message(specimen).sid for specimen in specimens[:3]] == sids
    assert office.states() == {MessageState.SENT: 5}
    assert left(office) == 0
    assert office.run().sent == 0


def test_O10_a_claim_of_nothing_but_the_told_is_not_the_end(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first claims are all adopted, and the queue goes on behind them."""
    monkeypatch.setattr(notify, "LARGEST_CLAIM", 2)
    for specimen in office.enqueue(4, priority=1):
        remember(office, specimen, Purpose.RESULT)
    office.enqueue(3, priority=9)
    summary = office.run()
    assert (summary.sent, summary.found, summary.queued) == (3, 4, 0)


def test_O10_another_purpose_is_news(office: Office) -> None:
    [specimen] = office.enqueue(1)
    remember(office, specimen, Purpose.OWN_TEST)
    assert office.run().sent == 1
    assert left(office) == 1


def test_O10_the_oldest_is_adopted_first_and_what_was_told_before_is_done_with(office: Office) -> None:
    """Result, own test, corrected result were told; the files at once make only the last two again."""
    [specimen] = office.enqueue(1, purpose="own_test")
    result, own_test, corrected = remember(office, specimen, Purpose.RESULT, Purpose.OWN_TEST, Purpose.RESULT)
    assert len(adopt(office)) == 1
    assert office.message(specimen, purpose="own_test").sid == own_test
    assert left(office) == 1
    office.put({"specimen_id": specimen, "version": 2})
    assert len(adopt(office)) == 1
    assert office.message(specimen, 2).sid == corrected != result
    assert left(office) == 0


def test_O10_of_two_messages_each_adopts_its_own(office: Office) -> None:
    [specimen] = office.enqueue(1)
    sids = remember(office, specimen, Purpose.RESULT, Purpose.RESULT)
    adopt(office)
    office.put({"specimen_id": specimen, "version": 2})
    assert adopt(office, office.message(specimen, 2).message_id) == {office.message(specimen, 2).message_id}
    assert [office.message(specimen, version).sid for version in (1, 2)] == sids


def test_O10_a_text_that_nobody_knows_any_more_is_adopted_last(office: Office) -> None:
    [specimen] = office.enqueue(1)
    unknown, result = remember(office, specimen, None, Purpose.RESULT)
    adopt(office)
    assert office.message(specimen).sid == result
    # Told before: done with.
    assert left(office) == 0
    [other] = office.enqueue(1)
    [unknown] = remember(office, other, None)
    adopt(office)
    assert office.message(other).sid == unknown


def test_O10_a_sid_that_a_callback_brought_is_nobody_else_s(office: Office) -> None:
    [specimen] = office.enqueue(1)
    [sid] = remember(office, specimen, Purpose.RESULT)
    office.put({"specimen_id": specimen, "version": 2})
    with office.ledger.begin() as conn:
        outbox.advance(conn, key(specimen, 1, "result"), MessageState.SENT, sid=sid, source="callback", now=office.at)
    assert left(office) == 0
    assert office.run().sent == 1


def test_O10_those_that_are_not_among_them_wait(office: Office) -> None:
    first, second = office.enqueue(2)
    for specimen in (first, second):
        remember(office, specimen, Purpose.RESULT)
    assert adopt(office, office.message(first).message_id) == {office.message(first).message_id}
    assert office.message(second).state is MessageState.QUEUED


@pytest.mark.parametrize("queued", [0, 2])
def test_O10_nothing_goes_out_before_reconciling(office: Office, queued: int) -> None:
    office.enqueue(queued)
    with office.ledger.begin() as conn:
        switches.set_restored(conn, NOW, who="test", now=office.at)
    summary = office.run()
    assert (summary.why_waiting, summary.sent, summary.queued) == (WhyWaiting.RESTORED, 0, queued)
    with office.ledger.begin() as conn:
        assert outbox.claim(conn, 10, "somebody", office.at) == []
        assert switches.sending_waits(conn) == "restored"
        switches.end_restored(conn, who="test", now=office.at)
    assert office.run().sent == queued


def test_O10_a_backup_of_what_was_itself_not_reconciled_goes_back_to_the_first(office: Office) -> None:
    with office.ledger.begin() as conn:
        assert switches.restored_from(conn) is None
        for days in (0, 2, 1):
            switches.set_restored(conn, NOW + timedelta(days=days), who="test", now=office.at)
            assert switches.restored_from(conn) == NOW
        switches.end_restored(conn, who="test", now=office.at)
        assert switches.restored_from(conn) is None
