"""The outbox on a real PostgreSQL: nothing twice, nothing lost, the newest version wins, states move forward only."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta
from itertools import permutations, product

import pyarrow as pa
import pytest
from sqlalchemy import select, text

from pipeline.domain.words import MessageState, PersonState, Purpose
from pipeline.errors import Broken
from pipeline.ledger import cards, invariants, outbox, switches
from pipeline.ledger.engine import Ledger
from pipeline.ledger.tables import message_event

from .conftest import Given

S = MessageState
TOLD = (S.SENT, S.DELIVERED, S.UNDELIVERED, S.FAILED)


def _enqueue(ledger: Ledger, *batches: pa.RecordBatch, now: datetime = Given.now) -> int:
    with ledger.begin() as conn:
        return outbox.enqueue_many(conn, lambda: batches, now)


def _claim(ledger: Ledger, n: int = 10, worker: str = "w", now: datetime = Given.now) -> list[outbox.Message]:
    with ledger.begin() as conn:
        return outbox.claim(conn, n, worker, now)


def _advance(ledger: Ledger, message_id: str, to: MessageState, **news: object) -> bool:
    with ledger.begin() as conn:
        return outbox.advance(conn, message_id, to, **({"source": "test", "now": Given.now} | news))  # type: ignore[arg-type]


def _state(ledger: Ledger, message_id: str) -> MessageState:
    with ledger.begin() as conn:
        found = outbox.by_id(conn, message_id)
        assert found is not None
        return found.state


def _events(ledger: Ledger, message_id: str) -> list[tuple[MessageState, MessageState]]:
    columns = (message_event.c.from_state, message_event.c.to_state)
    with ledger.begin() as conn:
        rows = conn.execute(select(*columns).where(message_event.c.message_id == message_id).order_by(message_event.c.event_id))
        return list(rows)


def _sound(ledger: Ledger) -> None:
    """No violation, but for the cards that these tests do without."""
    with ledger.begin() as conn:
        assert [line for line in invariants.violations(conn) if "without a card" not in line] == []


def test_I7_enqueued_twice_is_one_row(ledger: Ledger, given: Given) -> None:
    batch = given.messages({"specimen_id": given.key(1), "version": 1}, {"specimen_id": given.key(2), "version": 1, "reachable": False})
    assert _enqueue(ledger, batch) == 2
    assert _enqueue(ledger, batch, now=given.now + timedelta(hours=1)) == 0
    with ledger.begin() as conn:
        assert outbox.counts(conn) == {S.QUEUED: 1, S.NO_PHONE: 1}
        assert outbox.by_id(conn, given.message_id(given.key(1), 1)).enqueued_at == given.now  # type: ignore[union-attr]
    _sound(ledger)


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_I5_the_newest_version_wins_in_any_order(ledger: Ledger, given: Given, order: tuple[int, ...]) -> None:
    specimen = given.key("p")
    for version in order:
        _enqueue(ledger, given.messages({"specimen_id": specimen, "version": version}))
    assert [found.version for found in _claim(ledger)] == [3]
    states = {version: _state(ledger, given.message_id(specimen, version)) for version in order}
    assert states == {1: S.SUPERSEDED, 2: S.SUPERSEDED, 3: S.SENDING}
    _sound(ledger)


def test_I5_a_later_version_outdates_what_is_queued_at_once(ledger: Ledger, given: Given) -> None:
    for version in (1, 2, 3):
        _enqueue(ledger, given.messages({"specimen_id": given.key("p"), "version": version}))
    states = {version: _state(ledger, given.message_id(given.key("p"), version)) for version in (1, 2, 3)}
    assert states == {1: S.SUPERSEDED, 2: S.SUPERSEDED, 3: S.QUEUED}


def test_I5_all_versions_in_one_batch(ledger: Ledger, given: Given) -> None:
    rows = [{"specimen_id": given.key("p"), "version": version} for version in (2, 3, 1)]
    _enqueue(ledger, given.messages(*rows))
    assert [found.version for found in _claim(ledger)] == [3]


def test_an_unreachable_newer_version_still_supersedes(ledger: Ledger, given: Given) -> None:
    _enqueue(ledger, given.messages({"specimen_id": given.key("p"), "version": 1}))
    _enqueue(ledger, given.messages({"specimen_id": given.key("p"), "version": 2, "reachable": False}))
    assert _claim(ledger) == []
    assert _state(ledger, given.message_id(given.key("p"), 1)) is S.SUPERSEDED


def test_two_purposes_of_one_version_go_one_after_the_other(ledger: Ledger, given: Given) -> None:
    first_id, second_id = sorted((given.key("a"), given.key("b")))
    both = {"specimen_id": given.key("p"), "version": 1}
    _enqueue(ledger, given.messages(both | {"message_id": first_id}, both | {"message_id": second_id, "purpose": "own_test"}))
    first = _claim(ledger)
    assert len(first) == 1 and _claim(ledger) == []
    _advance(ledger, first[0].message_id, S.SENT, sid="SM1")
    second = _claim(ledger)
    assert [(found.purpose, found.is_correction) for found in (*first, *second)] == [("result", False), ("own_test", False)]


@pytest.mark.parametrize("fate", [S.SENDING, S.UNKNOWN])
def test_I3_a_newer_message_waits_until_the_fate_of_the_older_is_known(ledger: Ledger, given: Given, fate: MessageState) -> None:
    specimen = given.key("p")
    _enqueue(ledger, given.messages({"specimen_id": specimen, "version": 1}))
    (older,) = _claim(ledger)
    if fate is S.UNKNOWN:
        assert _advance(ledger, older.message_id, S.UNKNOWN)
    _enqueue(ledger, given.messages({"specimen_id": specimen, "version": 2}))
    assert _state(ledger, older.message_id) is fate
    assert _claim(ledger) == []
    assert _advance(ledger, older.message_id, S.SENT, sid="SM1")
    (newer,) = _claim(ledger)
    assert newer.version == 2 and newer.is_correction
    _sound(ledger)


def test_I5_an_older_one_that_was_not_accepted_is_not_sent_after_all(ledger: Ledger, given: Given) -> None:
    specimen = given.key("p")
    _enqueue(ledger, given.messages({"specimen_id": specimen, "version": 1}))
    (older,) = _claim(ledger)
    _advance(ledger, older.message_id, S.UNKNOWN)
    _enqueue(ledger, given.messages({"specimen_id": specimen, "version": 2}))
    assert _advance(ledger, older.message_id, S.QUEUED)
    (newer,) = _claim(ledger)
    assert newer.version == 2 and not newer.is_correction
    assert _state(ledger, older.message_id) is S.SUPERSEDED
    _sound(ledger)


@pytest.mark.parametrize(
    ("purpose", "fate", "sid", "expected"),
    [
        ("result", S.SENT, "SM1", True),
        ("result", S.DELIVERED, "SM1", True),
        ("result", S.UNDELIVERED, "SM1", True),
        ("result", S.FAILED, "SM1", True),
        ("result", S.FAILED, None, False),
        ("result", S.TOO_OLD, None, False),
        ("own_test", S.SENT, "SM1", False),
    ],
)
def test_I5_a_correction_is_one_where_the_person_may_have_been_told(
    ledger: Ledger, given: Given, purpose: str, fate: MessageState, sid: str | None, expected: bool
) -> None:
    specimen = given.key("p")
    _enqueue(ledger, given.messages({"specimen_id": specimen, "version": 1, "purpose": purpose}))
    (older,) = _claim(ledger)
    assert _advance(ledger, older.message_id, fate, sid=sid)
    _enqueue(ledger, given.messages({"specimen_id": specimen, "version": 2}))
    (newer,) = _claim(ledger)
    assert newer.is_correction is expected


def test_claims_the_urgent_and_the_due_first_and_nothing_early(ledger: Ledger, given: Given) -> None:
    later = given.now + timedelta(minutes=5)
    _enqueue(
        ledger,
        given.messages(
            {"specimen_id": given.key(1), "version": 1, "priority": 9},
            {"specimen_id": given.key(2), "version": 1, "due_at": given.now - timedelta(hours=1)},
            {"specimen_id": given.key(3), "version": 1},
            {"specimen_id": given.key(4), "version": 1, "priority": 0, "due_at": later},
        ),
    )
    assert [found.specimen_id for found in _claim(ledger, 2)] == [given.key(2), given.key(3)]
    assert [found.specimen_id for found in _claim(ledger)] == [given.key(1)]
    assert [found.specimen_id for found in _claim(ledger, now=later)] == [given.key(4)]


def test_O08_nothing_is_claimed_while_paused_and_nothing_is_lost(ledger: Ledger, given: Given) -> None:
    _enqueue(ledger, given.messages({"specimen_id": given.key(1), "version": 1}))
    with ledger.begin() as conn:
        switches.set_paused(conn, True, reason="too_many", who="breaker", now=given.now)
    assert _claim(ledger) == []
    with ledger.begin() as conn:
        assert switches.stopped_by(conn) is switches.Stop.PAUSED
        switches.set_paused(conn, False, reason="looked_at", who="lead", now=given.now)
    assert len(_claim(ledger)) == 1


def test_C10_nobody_waits_for_what_another_worker_is_claiming(ledger: Ledger, given: Given) -> None:
    _enqueue(ledger, given.messages(*({"specimen_id": given.key(i), "version": 1} for i in range(2))))
    with ledger.begin() as one, ledger.begin() as two:
        (first,) = outbox.claim(one, 1, "w1", given.now)
        two.execute(text("SET LOCAL lock_timeout = '3s'"))
        (second,) = outbox.claim(two, 1, "w2", given.now)
    assert first.message_id != second.message_id


def test_a_claim_is_filled_up_where_some_are_outdated_and_no_further(ledger: Ledger, given: Given) -> None:
    """Who waited on the wire while newer words came, and comes back, is outdated: another takes the place, and one only."""
    old, rest = [given.key(i) for i in (1, 2)], [given.key(i) for i in range(3, 9)]
    _enqueue(ledger, given.messages(*({"specimen_id": one, "version": 1, "priority": 1} for one in old)))
    back = _claim(ledger)
    _enqueue(
        ledger, given.messages(*({"specimen_id": one, "version": 2} for one in old), *({"specimen_id": one, "version": 1} for one in rest))
    )
    for one in back:
        _advance(ledger, one.message_id, S.QUEUED)
    claimed = _claim(ledger, 3)
    assert len(claimed) == 3 and not {one.message_id for one in claimed} & {one.message_id for one in back}
    with ledger.begin() as conn:
        assert outbox.counts(conn) == {S.SENDING: 3, S.SUPERSEDED: 2, S.QUEUED: 5}


def test_C10_eight_workers_never_take_the_same_message(ledger: Ledger, given: Given) -> None:
    rows, workers = 5_000, 8
    _enqueue(ledger, given.messages(*({"specimen_id": given.key(i // 2), "version": 1 + i % 2} for i in range(rows))))
    taken: list[str] = []
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            while claimed := _claim(ledger, 50, name):
                taken.extend(found.message_id for found in claimed)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert max(Counter(taken).values()) == 1
    # Of each pair the older was superseded as it was enqueued.
    assert len(taken) == rows // 2
    with ledger.begin() as conn:
        assert outbox.counts(conn) == {S.SENDING: rows // 2, S.SUPERSEDED: rows // 2}
    _sound(ledger)


def test_C10_enqueueing_and_claiming_at_once_sends_one_message_a_specimen_at_a_time(ledger: Ledger, given: Given) -> None:
    """New versions arrive while workers claim and send: every specimen ends told of its newest version, or of that alone."""
    specimens, versions, workers = 60, 6, 4
    done = threading.Event()
    failures: list[BaseException] = []

    def guarded(work: object, *args: object) -> threading.Thread:
        def run() -> None:
            try:
                work(*args)  # type: ignore[operator]
            except BaseException as error:
                failures.append(error)

        return threading.Thread(target=run)

    def arrive() -> None:
        for version in range(1, versions + 1):
            _enqueue(ledger, given.messages(*({"specimen_id": given.key(i), "version": version} for i in range(specimens))))
        done.set()

    def send(name: str) -> None:
        while True:
            was_done = done.is_set()
            claimed = _claim(ledger, 7, name)
            for found in claimed:
                assert _advance(ledger, found.message_id, S.SENT, sid=f"SM{found.message_id}", attempt=found.attempts)
            if was_done and not claimed:
                return

    threads = [guarded(arrive), *(guarded(send, f"w{i}") for i in range(workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with ledger.begin() as conn:
        assert set(outbox.counts(conn)) <= {S.SENT, S.SUPERSEDED}
    for i in range(specimens):
        assert _state(ledger, given.message_id(given.key(i), versions)) is S.SENT
    _sound(ledger)


@pytest.mark.parametrize("pair", list(product(TOLD, repeat=2)))
def test_T05_T06_pairs_of_callbacks_only_move_forward(ledger: Ledger, given: Given, pair: tuple[MessageState, ...]) -> None:
    _enqueue(ledger, given.messages({"specimen_id": given.key(1), "version": 1}))
    (found,) = _claim(ledger)
    first, second = pair
    assert _advance(ledger, found.message_id, first, sid="SM1")
    moved = _advance(ledger, found.message_id, second, sid="SM1")
    assert moved is (first is S.SENT and second is not S.SENT)
    assert _state(ledger, found.message_id) is (second if moved else first)
    assert len(_events(ledger, found.message_id)) == (3 if moved else 2)
    assert _claim(ledger) == []
    _sound(ledger)


def test_T06_callbacks_in_every_order_and_doubled_end_the_same(ledger: Ledger, given: Given) -> None:
    orders = list(permutations((S.SENDING, S.SENT, S.DELIVERED)))
    _enqueue(ledger, given.messages(*({"specimen_id": given.key(i), "version": 1} for i in range(len(orders)))))
    for order, found in zip(orders, _claim(ledger, len(orders)), strict=True):
        for state in [*order, *order]:
            _advance(ledger, found.message_id, state, sid=f"SM{found.message_id}")
        assert _state(ledger, found.message_id) is S.DELIVERED
    assert _claim(ledger) == []
    _sound(ledger)


def test_T03_back_off_waits_for_its_moment_and_keeps_count(ledger: Ledger, given: Given) -> None:
    later = given.now + timedelta(seconds=30)
    _enqueue(ledger, given.messages({"specimen_id": given.key(1), "version": 1}))
    (found,) = _claim(ledger)
    assert _advance(ledger, found.message_id, S.QUEUED, reason="20429", due_at=later, attempt=1)
    assert _claim(ledger) == []
    (again,) = _claim(ledger, now=later)
    assert again.attempts == 2 and again.reason == "20429"


def test_C04_a_claim_that_was_overtaken_cannot_undo_the_next_one(ledger: Ledger, given: Given) -> None:
    _enqueue(ledger, given.messages({"specimen_id": given.key(1), "version": 1}))
    (first,) = _claim(ledger)
    _advance(ledger, first.message_id, S.UNKNOWN)
    _advance(ledger, first.message_id, S.QUEUED)
    (second,) = _claim(ledger)
    assert not _advance(ledger, first.message_id, S.QUEUED, attempt=first.attempts)
    assert not _advance(ledger, first.message_id, S.FAILED, attempt=first.attempts)
    # What Twilio accepted is true, whoever brings it.
    assert _advance(ledger, second.message_id, S.SENT, sid="SM1", attempt=first.attempts)


def test_I3_an_accepted_message_never_goes_back_to_the_queue(ledger: Ledger, given: Given) -> None:
    _enqueue(ledger, given.messages({"specimen_id": given.key(1), "version": 1}))
    (found,) = _claim(ledger)
    assert not _advance(ledger, found.message_id, S.SENDING, sid="SM1")
    _advance(ledger, found.message_id, S.UNKNOWN)
    for back in (S.QUEUED, S.TOO_OLD, S.SUPERSEDED):
        assert not _advance(ledger, found.message_id, back)
    assert _state(ledger, found.message_id) is S.UNKNOWN


def test_T09_a_callback_for_a_message_put_back_too_early_stops_the_second_send(ledger: Ledger, given: Given) -> None:
    _enqueue(ledger, given.messages({"specimen_id": given.key(1), "version": 1}))
    (found,) = _claim(ledger)
    _advance(ledger, found.message_id, S.UNKNOWN)
    _advance(ledger, found.message_id, S.QUEUED)
    assert _advance(ledger, found.message_id, S.SENT, sid="SM1")
    assert _claim(ledger) == []
    _sound(ledger)


def test_I3_a_second_sid_is_written_down_once_and_found(ledger: Ledger, given: Given) -> None:
    _enqueue(ledger, given.messages({"specimen_id": given.key(1), "version": 1}))
    (found,) = _claim(ledger)
    _advance(ledger, found.message_id, S.SENT, sid="SM1")
    for _ in range(2):
        assert not _advance(ledger, found.message_id, S.DELIVERED, sid="SM2")
    assert _state(ledger, found.message_id) is S.SENT
    assert len(_events(ledger, found.message_id)) == 3
    with ledger.begin() as conn:
        assert f"I3: Twilio accepted message {found.message_id} more than once" in invariants.violations(conn)


def test_one_sid_for_two_messages_is_refused(ledger: Ledger, given: Given) -> None:
    _enqueue(ledger, given.messages(*({"specimen_id": given.key(i), "version": 1} for i in range(2))))
    one, two = _claim(ledger)
    _advance(ledger, one.message_id, S.SENT, sid="SM1")
    with pytest.raises(Broken):
        _advance(ledger, two.message_id, S.SENT, sid="SM1")
    assert _state(ledger, two.message_id) is S.SENDING


def test_news_of_an_unknown_message_is_an_error(ledger: Ledger, given: Given) -> None:
    with pytest.raises(Broken):
        _advance(ledger, given.key("nobody"), S.SENT)
    with ledger.begin() as conn:
        assert outbox.by_id(conn, given.key("nobody")) is None
        assert outbox.by_id(conn, "'; DROP TABLE message") is None


def test_finds_what_hangs(ledger: Ledger, given: Given) -> None:
    _enqueue(ledger, given.messages(*({"specimen_id": given.key(i), "version": 1} for i in range(3))))
    one, two, three = _claim(ledger)
    _advance(ledger, two.message_id, S.UNKNOWN)
    _advance(ledger, three.message_id, S.SENT, sid="SM3")
    with ledger.begin() as conn:
        for search in (outbox.stale_sending, outbox.unknown):
            assert search(conn, given.now) == []
        assert outbox.unconfirmed(conn, given.now, 9) == []
        after = given.now + timedelta(seconds=1)
        assert [found.message_id for found in outbox.stale_sending(conn, after)] == [one.message_id]
        assert [found.message_id for found in outbox.unknown(conn, after)] == [two.message_id]
        assert [found.message_id for found in outbox.unconfirmed(conn, after, 9)] == [three.message_id]


def test_who_is_silent_comes_by_in_turn_until_the_last_answer(ledger: Ledger, given: Given) -> None:
    _enqueue(ledger, given.messages(*({"specimen_id": given.key(i), "version": 1} for i in range(3))))
    for number, one in enumerate(_claim(ledger)):
        _advance(ledger, one.message_id, S.SENT, sid=f"SM{number}")
    later, after = given.now + timedelta(seconds=1), given.now + timedelta(seconds=2)
    with ledger.begin() as conn:
        in_turn = [one.message_id for one in outbox.unconfirmed(conn, after, 9)]
        assert in_turn == sorted(in_turn)
        assert [one.message_id for one in outbox.unconfirmed(conn, after, 2)] == in_turn[:2]
        outbox.note_asked(conn, in_turn[0], later)
        outbox.note_asked(conn, in_turn[1], later, is_last=True)
        assert [one.message_id for one in outbox.unconfirmed(conn, after, 9)] == [in_turn[2], in_turn[0]]
    _advance(ledger, in_turn[2], S.DELIVERED, reason="delivered")
    with ledger.begin() as conn:
        outbox.note_asked(conn, in_turn[2], after, is_last=True)
        known = outbox.by_id(conn, in_turn[2])
        assert [one.message_id for one in outbox.unconfirmed(conn, after, 9)] == [in_turn[0]], "who has a last word is asked no more"
        asked = outbox.by_id(conn, in_turn[1])
    assert known is not None and asked is not None
    assert (known.reason, known.updated_at) == ("delivered", given.now), "what moved on meanwhile is left alone"
    assert asked.reason == "stayed_silent", "ledgers hold this word: by another one all of theirs would be asked again"


def test_a_specimens_messages_are_listed_by_version(ledger: Ledger, given: Given) -> None:
    _enqueue(ledger, given.messages(*({"specimen_id": given.key(1), "version": version} for version in (2, 1))))
    with ledger.begin() as conn:
        found = outbox.of_specimen(conn, given.key(1))
    assert [(one.version, one.purpose) for one in found] == [(1, Purpose.RESULT), (2, Purpose.RESULT)]


# What a page says while a message calls to it.
CALLS_TO = {
    Purpose.RESULT: "ready", Purpose.OWN_TEST: "own_test_needed", Purpose.COME_AGAIN: "come_again", Purpose.WITHDRAWN: "withdrawn",
    Purpose.NOT_FOUND: "not_found",
}  # fmt: skip


@pytest.mark.parametrize("purpose", Purpose)
def test_I2_a_message_waits_while_its_page_has_taken_back_what_it_calls_to(ledger: Ledger, given: Given, purpose: Purpose) -> None:
    """By each state of a page. A link that somebody asked for calls to whatever the page says; and so does what has no page."""
    for place, state in enumerate(PersonState):
        specimen, now = given.key(place), given.now + timedelta(minutes=place)
        goes = purpose is Purpose.LINK or CALLS_TO[purpose] == state
        with ledger.begin() as conn:
            cards.upsert_many(conn, [given.cards([specimen], state, 1)], now)
        _enqueue(ledger, given.messages({"specimen_id": specimen, "version": 1, "purpose": purpose}))
        assert [one.specimen_id for one in _claim(ledger, now=now)] == [specimen] * goes
        with ledger.begin() as conn:
            assert outbox.taken_back(conn) == (not goes)
            # Decided: it says so again, and what waited goes.
            cards.upsert_many(conn, [given.cards([specimen], CALLS_TO.get(purpose, state), 1)], now)
            assert outbox.taken_back(conn) == 0
        assert [one.specimen_id for one in _claim(ledger, now=now)] == [specimen] * (not goes)
    _enqueue(ledger, given.messages({"specimen_id": given.key("no card"), "version": 1, "purpose": purpose}))
    assert len(_claim(ledger)) == 1


def test_I5_what_was_taken_back_is_superseded_by_a_newer_word(ledger: Ledger, given: Given) -> None:
    """Also while that one waits itself."""
    specimen = given.key(1)
    with ledger.begin() as conn:
        cards.upsert_many(conn, [given.cards([specimen], "at_lab", 2)], given.now)
    old, new = ({"specimen_id": specimen, "version": version} for version in (1, 2))
    _enqueue(ledger, given.messages(old))
    assert (_claim(ledger), _state(ledger, given.message_id(specimen, 1))) == ([], S.QUEUED)
    _enqueue(ledger, given.messages(new))
    assert _claim(ledger) == []
    assert [_state(ledger, given.message_id(specimen, version)) for version in (1, 2)] == [S.SUPERSEDED, S.QUEUED]
    with ledger.begin() as conn:
        assert outbox.taken_back(conn) == 1
        cards.upsert_many(conn, [given.cards([specimen], "ready", 2)], given.now)
    assert [one.version for one in _claim(ledger)] == [2]


def test_invariants_hold_with_cards(ledger: Ledger, given: Given) -> None:
    with ledger.begin() as conn:
        cards.upsert_many(conn, [given.cards([given.key(1)], "ready", 1)], given.now)
    _enqueue(ledger, given.messages({"specimen_id": given.key(1), "version": 1}))
    with ledger.begin() as conn:
        assert invariants.violations(conn) == []
    _enqueue(ledger, given.messages({"specimen_id": given.key(2), "version": 1}))
    with ledger.begin() as conn:
        assert [line[:3] for line in invariants.violations(conn)] == ["I2:"]
