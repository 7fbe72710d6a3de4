"""The outbox: every message exists here before Twilio hears of it, and its state changes in `_move` only, which appends the event.

A person's messages go out one after the other, the newest version wins in whatever order they arrive, and what may have
reached Twilio (`sending`, `unknown`) keeps its specimen's other messages waiting until its fate is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Column, ColumnElement, Connection, case, false, func, insert, or_, select, text, true, update
from sqlalchemy.exc import IntegrityError

from pipeline.domain.states import may_move, may_return
from pipeline.domain.words import MessageState, PersonState, Purpose
from pipeline.errors import Broken
from pipeline.ledger import switches
from pipeline.ledger.columns import insert_into
from pipeline.ledger.staging import Rows, append, refresh_statistics, staged
from pipeline.ledger.tables import card, message, message_event

GIVEN = ("message_id", "specimen_id", "version", "purpose", "priority", "vault_day", "vault_batch", "collected_at", "due_at")
ROWS_AT_ONCE = 5_000
ON_THE_WIRE = (MessageState.SENDING, MessageState.UNKNOWN)
# What a message that Twilio accepted can no more become.
NEVER_ACCEPTED = (MessageState.QUEUED, MessageState.SUPERSEDED, MessageState.TOO_OLD, MessageState.NO_PHONE, MessageState.OVER_LIMIT)
# The reason of a message that Twilio took, whose last question it answered without a final word: it is asked no more.
STAYED_SILENT = "stayed_silent"

_other = message.alias("other")
_same_specimen = _other.c.specimen_id == message.c.specimen_id
_has_newer = select(1).where(_same_specimen, _other.c.version > message.c.version).exists()
_may_have_been_told = (
    select(1)
    .where(
        _same_specimen,
        _other.c.version < message.c.version,
        _other.c.purpose == Purpose.RESULT,
        or_(
            _other.c.sid.is_not(None),
            _other.c.state.in_((MessageState.SENT, MessageState.DELIVERED, MessageState.UNDELIVERED, MessageState.UNKNOWN)),
        ),
    )
    .exists()
)
# Two of one version differ in purpose; their order is any, as long as all workers agree on it.
_must_wait = (
    select(1)
    .where(
        _same_specimen,
        or_(
            _other.c.state.in_(ON_THE_WIRE),
            (_other.c.state == MessageState.QUEUED)
            & (_other.c.version == message.c.version)
            & (_other.c.message_id < message.c.message_id),
        ),
    )
    .exists()
)
# What a message calls its person to. A link that somebody asked for calls to whatever the page says.
_CALLS_TO = {
    Purpose.RESULT: PersonState.READY,
    Purpose.OWN_TEST: PersonState.OWN_TEST_NEEDED,
    Purpose.COME_AGAIN: PersonState.COME_AGAIN,
    Purpose.WITHDRAWN: PersonState.WITHDRAWN,
    Purpose.NOT_FOUND: PersonState.NOT_FOUND,
}
# A hold brings no newer version: until people or facts decide, the page takes back what the message would call to, and the message waits.
_is_taken_back = (
    select(1)
    .where(card.c.specimen_id == message.c.specimen_id, card.c.state != case(_CALLS_TO, value=message.c.purpose))
    .correlate(message)
    .exists()
    & ~_has_newer
)
# A queue's statistics are never true: it was empty a minute ago. By them the planner joins and sorts a million rows (1 s) to claim
# a hundred (1 ms). A condition inside CASE stays a look-up for each row, and without sorting only the queue's own index is left.
_may_go = case((_must_wait | _is_taken_back, false()), else_=true())
_WALK_THE_QUEUE = text("SET LOCAL enable_sort = off")


@dataclass(frozen=True)
class Message:
    """One thing to tell one person. `attempts` counts claims and names the present one; `sid` is Twilio's once it accepted."""

    message_id: str
    specimen_id: str
    version: int
    purpose: Purpose
    state: MessageState
    reason: str | None
    priority: int
    vault_day: date
    vault_batch: int
    collected_at: datetime
    due_at: datetime
    sid: str | None
    attempts: int
    claimed_at: datetime | None
    claimed_by: str | None
    is_correction: bool
    enqueued_at: datetime
    updated_at: datetime


def enqueue_many(conn: Connection, rows: Rows, now: datetime) -> int:
    """Add messages from record batches of the columns `GIVEN` and `reachable` (bool); returns how many are new.

    A message that is there already is left alone, so a repetition changes nothing. Who has no phone gets a `no_phone` row. A
    specimen's older messages in the queue are superseded; what is on its way to Twilio is not touched. Best in the order of
    `specimen_id`: the indexes are walked once, not hit at random.
    """
    columns = [*(message.c[name] for name in GIVEN), message.c.state, message.c.enqueued_at, message.c.updated_at]
    again: list[pa.RecordBatch] = []

    def whole() -> Iterator[pa.RecordBatch]:
        for batch in rows():
            # Only a later word can outdate one, and few people are told twice: their ids fit into memory.
            again.append(batch.select(["specimen_id"]).filter(pc.greater(batch["version"], 1)))
            yield _enqueued(batch, now)

    added = append(conn, message, columns, whole())
    if added is None:
        added = _add_what_is_new(conn, columns, whole())
    if any(batch.num_rows for batch in again):
        with staged(conn, "staged_specimen", [message.c.specimen_id], again) as told_again:
            outdated = select(message.c.message_id, message.c.state).where(
                message.c.state == MessageState.QUEUED, message.c.specimen_id.in_(select(told_again.c.specimen_id)), _has_newer
            )
            _move(conn, _pairs(conn, outdated), MessageState.SUPERSEDED, source="enqueue", now=now)
    return added


def _add_what_is_new(conn: Connection, columns: Sequence[Column[Any]], batches: Iterable[pa.RecordBatch]) -> int:
    with staged(conn, "staged_message", columns, batches) as given:
        new = conn.execute(
            insert_into(conn, message)
            .from_select([column.name for column in columns], select(given).where(true()))
            .on_conflict_do_nothing(index_elements=[message.c.message_id]),
            execution_options={"preserve_rowcount": True},
        )
        refresh_statistics(conn, message, new.rowcount)
        return int(new.rowcount)


def _enqueued(batch: pa.RecordBatch, now: datetime) -> pa.RecordBatch:
    """The batch with the columns that tell what becomes of its messages first."""
    state = pc.if_else(batch["reachable"], MessageState.QUEUED.value, MessageState.NO_PHONE.value)
    moment = pa.repeat(pa.scalar(now, pa.timestamp("us", "UTC")), batch.num_rows)
    return batch.append_column("state", state).append_column("enqueued_at", moment).append_column("updated_at", moment)


def message_id(specimen_id: str, version: int, purpose: Purpose) -> str:
    """The id of what is told: the same here and in sql/decide/messages, so that enqueuing it twice is one row."""
    digest = hashlib.md5("|".join((specimen_id, str(version), purpose)).encode(), usedforsecurity=False).hexdigest()
    return specimen_id[:18] + str(UUID(digest))[18:]


def claim(conn: Connection, n: int, worker: str, now: datetime) -> list[Message]:
    """Take up to `n` due messages for sending, most urgent first; commit before calling Twilio. Nothing while sending is stopped.

    Workers that claim at the same time get different messages. Outdated ones are superseded instead of claimed; one whose specimen has
    another message on the wire waits, and so does one whose page has taken back what it calls to. `is_correction` is set where an
    earlier result of the specimen may have reached the person.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(_WALK_THE_QUEUE)
    claimed: list[str] = []
    while len(claimed) < n and switches.stopped_by(conn) is None:
        candidates = (
            select(message.c.message_id, _has_newer.label("has_newer"))
            .where(message.c.state == MessageState.QUEUED, message.c.due_at <= now, _may_go)
            .order_by(message.c.priority, message.c.due_at, message.c.message_id)
            .limit(n - len(claimed))
            .with_for_update(skip_locked=True, of=message)
        )
        found = conn.execute(candidates).all()
        if not found:
            break
        outdated = [(message_id, MessageState.QUEUED) for message_id, has_newer in found if has_newer]
        current = [(message_id, MessageState.QUEUED) for message_id, has_newer in found if not has_newer]
        _move(conn, outdated, MessageState.SUPERSEDED, source="claim", now=now)
        _move(
            conn, current, MessageState.SENDING, source="claim", detail=worker, now=now,
            attempts=message.c.attempts + 1, claimed_at=now, claimed_by=worker, is_correction=_may_have_been_told,
        )  # fmt: skip
        claimed += [message_id for message_id, _ in current]
    return _messages(conn, message.c.message_id.in_(claimed), message.c.priority, message.c.due_at, message.c.message_id)


def advance(
    conn: Connection,
    message_id: str,
    to_state: MessageState,
    *,
    sid: str | None = None,
    reason: str | None = None,
    source: str,
    now: datetime,
    due_at: datetime | None = None,
    attempt: int | None = None,
) -> bool:
    """Bring news of one message; returns whether its state changed. Old, repeated and impossible news change nothing.

    `reason` is a code (Twilio's status or error), `source` who says so. `due_at` is when a message that goes back to the queue may be
    tried again. `attempt` is the claim that speaks: of a later claim it can tell only what Twilio accepted. A second SID for one
    message is written down for `invariants` to find. Raises Broken if there is no such message, or the SID is another message's.
    """
    known = select(message.c.state, message.c.sid, message.c.attempts, message.c.due_at).where(message.c.message_id == message_id)
    row = conn.execute(known.with_for_update()).mappings().one_or_none()
    if row is None:
        raise Broken(f"There is no message {message_id} in the outbox.", message_id=message_id)
    if sid is not None and row["sid"] not in (None, sid):
        _note_second_sid(conn, message_id, row["state"], sid=sid, source=source, now=now)
        return False
    news: dict[str, Any] = {}
    if sid is not None and row["sid"] is None:
        news["sid"] = sid
    accepted = sid is not None or row["sid"] is not None
    outrun = sid is None and attempt is not None and attempt != row["attempts"]
    possible = may_return(row["state"]) if to_state is MessageState.QUEUED else may_move(row["state"], to_state)
    moves = possible and not outrun and not (accepted and to_state in NEVER_ACCEPTED)
    try:
        if moves:
            if to_state is MessageState.QUEUED:
                news |= {"claimed_at": None, "claimed_by": None, "due_at": due_at or row["due_at"]}
            _move(conn, [(message_id, row["state"])], to_state, source=source, detail=reason, now=now, reason=reason, event_sid=sid, **news)
        elif news:
            conn.execute(update(message).where(message.c.message_id == message_id).values(news))
    except IntegrityError:
        raise Broken(f"Message {message_id}: its SID is another message's, or its specimen has one on the wire.") from None
    return moves


def note_asked(conn: Connection, message_id: str, now: datetime, *, is_last: bool = False) -> None:
    """Twilio was asked for this message's status: `unconfirmed` puts it behind the others, and after the last answer leaves it out.

    Its state stays. One that has moved on meanwhile is left alone.
    """
    news: dict[str, Any] = {"updated_at": now} | ({"reason": STAYED_SILENT} if is_last else {})
    still_silent = (message.c.message_id == message_id) & (message.c.state == MessageState.SENT)
    conn.execute(update(message).where(still_silent).values(news))


def by_id(conn: Connection, message_id: str) -> Message | None:
    """The message, or None: also for what is no id at all."""
    try:
        UUID(message_id)
    except ValueError:
        return None
    return next(iter(_messages(conn, message.c.message_id == message_id)), None)


def of_specimen(conn: Connection, specimen_id: str) -> list[Message]:
    """A specimen's messages, oldest version first."""
    return _messages(conn, message.c.specimen_id == specimen_id, message.c.version, message.c.purpose)


def unknown(conn: Connection, before: datetime) -> list[Message]:
    """Messages of unknown fate since before `before`: to be looked up at Twilio, never sent again unasked."""
    return _messages(conn, (message.c.state == MessageState.UNKNOWN) & (message.c.updated_at < before), message.c.updated_at)


def stale_sending(conn: Connection, before: datetime) -> list[Message]:
    """Messages claimed before `before` and heard of no more, as after a crash: `advance` them to `unknown`."""
    return _messages(conn, (message.c.state == MessageState.SENDING) & (message.c.claimed_at < before), message.c.claimed_at)


def unconfirmed(conn: Connection, before: datetime, n: int) -> list[Message]:
    """Up to `n` messages that Twilio accepted and whose delivery is unknown: to be read back there, the longest silent first.

    Silent means: no news and no question since `before`, and no answer to the last question yet (`note_asked`).
    """
    silent = (
        (message.c.state == MessageState.SENT)
        & message.c.sid.is_not(None)
        & (message.c.updated_at < before)
        & message.c.reason.is_distinct_from(STAYED_SILENT)
    )
    return _messages(conn, silent, message.c.updated_at, message.c.message_id, limit=n)


def taken_back(conn: Connection) -> int:
    """How many queued messages wait since their pages no longer say what they call to: a hold decides, or later facts."""
    waiting = select(func.count()).select_from(message).where(message.c.state == MessageState.QUEUED, _is_taken_back)
    return int(conn.execute(waiting).scalar_one())


def unreached(conn: Connection, states: Sequence[MessageState]) -> list[Message]:
    """The newest word to each person that no SMS carried, in one of `states`: for somebody to call. Longest waiting first."""
    return _messages(conn, message.c.state.in_(states) & ~_has_newer, message.c.enqueued_at, message.c.message_id)


def without_news(conn: Connection, *, unknown_before: datetime, sent_before: datetime) -> list[Message]:
    """Messages that nobody can wait for any longer: their fate became unknown before `unknown_before` and they are not told yet, however
    often they were queued again since; or Twilio took them before `sent_before` and says no more. Longest waiting first.

    An unknown message is listed though a newer word waits: that one waits for it.
    """
    was_unknown = (
        select(1)
        .where(
            message_event.c.message_id == message.c.message_id,
            message_event.c.to_state == MessageState.UNKNOWN,
            message_event.c.at < unknown_before,
        )
        .exists()
    )
    unsettled = message.c.state.in_((MessageState.QUEUED, *ON_THE_WIRE)) & (message.c.attempts > 0) & was_unknown
    taken_at = func.coalesce(message.c.claimed_at, message.c.enqueued_at)
    silent = (message.c.state == MessageState.SENT) & (taken_at < sent_before) & ~_has_newer
    return _messages(conn, unsettled | silent, message.c.enqueued_at, message.c.message_id)


def counts(conn: Connection) -> dict[MessageState, int]:
    """Messages by state; states without one are left out."""
    return dict(conn.execute(select(message.c.state, func.count()).group_by(message.c.state)).all())


def _move(
    conn: Connection,
    moves: Sequence[tuple[str, MessageState]],
    to_state: MessageState,
    *,
    source: str,
    now: datetime,
    detail: str | None = None,
    event_sid: str | None = None,
    **values: Any,
) -> None:
    """Change the state of messages that this transaction has locked, from the states given, and write each change down."""
    for start in range(0, len(moves), ROWS_AT_ONCE):
        some = moves[start : start + ROWS_AT_ONCE]
        fixed = {"at": now, "to_state": to_state, "source": source, "detail": detail, "sid": event_sid}
        conn.execute(insert(message_event), [fixed | {"message_id": message_id, "from_state": state} for message_id, state in some])
        ids = message.c.message_id.in_([message_id for message_id, _ in some])
        conn.execute(update(message).where(ids).values({"state": to_state, "updated_at": now} | values))


def _note_second_sid(conn: Connection, message_id: str, state: MessageState, *, sid: str, source: str, now: datetime) -> None:
    """Twilio accepted this message twice: the state stands, but nobody may overlook it. Once for each SID."""
    noted = select(1).where(message_event.c.message_id == message_id, message_event.c.sid == sid)
    if conn.execute(noted).first() is None:
        row = {"message_id": message_id, "at": now, "from_state": state, "to_state": state, "source": source, "detail": "second_sid"}
        conn.execute(insert(message_event), row | {"sid": sid})


def _pairs(conn: Connection, statement: Any) -> list[tuple[str, MessageState]]:
    """Lock the messages of a SELECT of (message_id, state), in one order for all: two transactions never wait for each other."""
    return list(conn.execute(statement.order_by(message.c.message_id).with_for_update(of=message)).all())


def _messages(conn: Connection, condition: ColumnElement[bool], *order: ColumnElement[Any], limit: int | None = None) -> list[Message]:
    found = select(message).where(condition).order_by(*order).limit(limit)
    return [Message(**row) for row in conn.execute(found).mappings()]
