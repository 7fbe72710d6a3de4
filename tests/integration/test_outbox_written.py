"""What the outbox writes down: each change with who says so, the claim on the message, and the order in which what hangs is looked at."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from pipeline.domain.words import MessageState
from pipeline.errors import Broken
from pipeline.ledger import outbox
from pipeline.ledger.engine import Ledger
from pipeline.ledger.tables import message_event

from .conftest import Given

S = MessageState


def _enqueue(ledger: Ledger, given: Given, key: object, version: int = 1, now: datetime = Given.now, **more: object) -> str:
    with ledger.begin() as conn:
        batch = given.messages({"specimen_id": given.key(key), "version": version} | more)
        assert outbox.enqueue_many(conn, lambda: [batch], now) == 1
    return str(batch["message_id"][0])


def _claim(ledger: Ledger, now: datetime = Given.now, n: int = 1, worker: str = "w7") -> list[outbox.Message]:
    with ledger.begin() as conn:
        return outbox.claim(conn, n, worker, now)


def _advance(ledger: Ledger, message_id: str, to: MessageState, **news: object) -> bool:
    with ledger.begin() as conn:
        return outbox.advance(conn, message_id, to, **({"source": "callback", "now": Given.now} | news))  # type: ignore[arg-type]


def _message(ledger: Ledger, message_id: str) -> outbox.Message:
    with ledger.begin() as conn:
        found = outbox.by_id(conn, message_id)
    assert found is not None
    return found


def _events(ledger: Ledger, message_id: str) -> list[tuple[object, ...]]:
    names = ("from_state", "to_state", "source", "detail", "sid", "at")
    with ledger.begin() as conn:
        event = select(*(message_event.c[name] for name in names)).where(message_event.c.message_id == message_id)
        return [tuple(row) for row in conn.execute(event.order_by(message_event.c.event_id))]


def test_every_change_is_written_down_with_who_says_so(ledger: Ledger, given: Given) -> None:
    at = [given.now + timedelta(minutes=n) for n in range(8)]
    older = _enqueue(ledger, given, "p")
    _claim(ledger, at[1])
    assert _advance(ledger, older, S.UNKNOWN, reason="timeout", now=at[2])
    assert _advance(ledger, older, S.QUEUED, source="lookup", now=at[3])
    newer = _enqueue(ledger, given, "p", 2, at[4])
    assert _events(ledger, older) == [
        (S.QUEUED, S.SENDING, "claim", "w7", None, at[1]),
        (S.SENDING, S.UNKNOWN, "callback", "timeout", None, at[2]),
        (S.UNKNOWN, S.QUEUED, "lookup", None, None, at[3]),
        (S.QUEUED, S.SUPERSEDED, "enqueue", None, None, at[4]),
    ]
    _claim(ledger, at[5])
    assert _advance(ledger, newer, S.SENT, sid="SM1", now=at[6])
    assert _advance(ledger, newer, S.DELIVERED, sid="SM2", now=at[7]) is False
    assert _events(ledger, newer)[1:] == [
        (S.SENDING, S.SENT, "callback", None, "SM1", at[6]),
        (S.SENT, S.SENT, "callback", "second_sid", "SM2", at[7]),
    ]
    assert (_message(ledger, newer).updated_at, _message(ledger, newer).sid) == (at[6], "SM1")


def test_what_an_unclaimed_newer_word_outdates_is_written_down_by_the_claim(ledger: Ledger, given: Given) -> None:
    _enqueue(ledger, given, "p", 2)
    older = _enqueue(ledger, given, "p", 1)
    assert [found.version for found in _claim(ledger, n=2)] == [2]
    assert _events(ledger, older) == [(S.QUEUED, S.SUPERSEDED, "claim", None, None, given.now)]


def test_a_claim_stands_on_its_message_until_it_goes_back(ledger: Ledger, given: Given) -> None:
    message_id = _enqueue(ledger, given, "p")
    fresh = _message(ledger, message_id)
    assert (fresh.attempts, fresh.claimed_at, fresh.claimed_by, fresh.due_at) == (0, None, None, given.now)
    with pytest.raises(FrozenInstanceError):
        fresh.state = S.SENT  # type: ignore[misc]
    later = given.now + timedelta(minutes=1)
    (claimed,) = _claim(ledger, later)
    assert (claimed.state, claimed.attempts, claimed.claimed_at, claimed.claimed_by) == (S.SENDING, 1, later, "w7")
    assert _advance(ledger, message_id, S.QUEUED, attempt=1)
    back = _message(ledger, message_id)
    assert (back.attempts, back.claimed_at, back.claimed_by, back.due_at) == (1, None, None, given.now), "due as before"


def test_a_sid_alone_is_kept_and_never_replaced(ledger: Ledger, given: Given) -> None:
    message_id = _enqueue(ledger, given, "p")
    _claim(ledger)
    assert not _advance(ledger, message_id, S.SENDING, sid="SM1")
    assert _message(ledger, message_id).sid == "SM1"
    assert not _advance(ledger, message_id, S.QUEUED) and _message(ledger, message_id).state is S.SENDING
    assert _advance(ledger, message_id, S.SENT)
    assert _message(ledger, message_id).sid == "SM1"


def test_what_hangs_longest_is_looked_at_first(ledger: Ledger, given: Given) -> None:
    """Enqueued and claimed in one order, heard of in the other."""
    ids = {}
    for name, minute in (("c", 1), ("a", 2), ("b", 3)):
        ids[name] = _enqueue(ledger, given, name)
        _claim(ledger, given.now + timedelta(minutes=minute))
    after = given.now + timedelta(hours=1)
    with ledger.begin() as conn:
        assert [found.message_id for found in outbox.stale_sending(conn, after)] == [ids[name] for name in "cab"]
        assert [found.message_id for found in outbox.stale_sending(conn, given.now + timedelta(minutes=2))] == [ids["c"]]
    for state, search in ((S.UNKNOWN, outbox.unknown), (S.SENT, lambda conn, before: outbox.unconfirmed(conn, before, 9))):
        for name, minute in (("b", 11), ("c", 12), ("a", 13)):
            assert _advance(ledger, ids[name], state, sid=f"SM{name}", now=given.now + timedelta(minutes=minute))
        with ledger.begin() as conn:
            assert [found.message_id for found in search(conn, after)] == [ids[name] for name in "bca"]
            assert [found.message_id for found in search(conn, given.now + timedelta(minutes=12))] == [ids["b"]]
    with ledger.begin() as conn:
        outbox.note_asked(conn, ids["b"], given.now + timedelta(minutes=20))
        assert [found.message_id for found in outbox.unconfirmed(conn, after, 9)] == [ids[name] for name in "cab"]


def test_the_newest_word_that_no_sms_carried_is_somebodys_to_call(ledger: Ledger, given: Given) -> None:
    late, early = given.now + timedelta(minutes=5), given.now
    first = _enqueue(ledger, given, "a", now=late, reachable=False)
    second = _enqueue(ledger, given, "b", now=early, reachable=False)
    _enqueue(ledger, given, "c", reachable=False)
    _enqueue(ledger, given, "c", 2)
    with ledger.begin() as conn:
        assert [found.message_id for found in outbox.unreached(conn, [S.NO_PHONE])] == [second, first]
        assert outbox.unreached(conn, [S.FAILED]) == []
        assert outbox.counts(conn) == {S.NO_PHONE: 3, S.QUEUED: 1}


def test_without_news_is_what_still_hangs_and_not_what_is_settled_waits_its_turn_or_is_outdated(ledger: Ledger, given: Given) -> None:
    names = ("settled", "silent", "outdated", "hangs", "again", "claimed")
    ids = {name: _enqueue(ledger, given, name) for name in names}
    _claim(ledger, n=len(names))
    for name in ("settled", "hangs", "again"):
        assert _advance(ledger, ids[name], S.UNKNOWN)
    assert _advance(ledger, ids["again"], S.QUEUED)
    for name in ("settled", "silent", "outdated"):
        assert _advance(ledger, ids[name], S.SENT, sid=f"SM-{name}")
    assert _advance(ledger, ids["settled"], S.DELIVERED)
    _enqueue(ledger, given, "never claimed")
    _enqueue(ledger, given, "outdated", 2)
    after = given.now + timedelta(seconds=1)
    with ledger.begin() as conn:
        for unknown_before, sent_before, listed in (
            (after, after, {"silent", "hangs", "again"}),
            (after, given.now, {"hangs", "again"}),
            (given.now, after, {"silent"}),
        ):
            found = outbox.without_news(conn, unknown_before=unknown_before, sent_before=sent_before)
            assert {one.message_id for one in found} == {ids[name] for name in listed}


def test_what_is_wrong_is_said_in_a_sentence(ledger: Ledger, given: Given) -> None:
    nobody = given.key("nobody")
    with pytest.raises(Broken, match=rf"^There is no message {nobody} in the outbox\.$"):
        _advance(ledger, nobody, S.SENT)
    one, two = _enqueue(ledger, given, "a"), _enqueue(ledger, given, "b")
    _claim(ledger, n=2)
    assert _advance(ledger, one, S.SENT, sid="SM1")
    with pytest.raises(Broken, match=rf"^Message {two}: its SID is another message's, or its specimen has one on the wire\.$"):
        _advance(ledger, two, S.SENT, sid="SM1")
