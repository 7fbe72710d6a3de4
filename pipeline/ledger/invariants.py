"""What must hold in the ledger at any moment, whatever happened. `unpool verify` prints what does not."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, FromClause, ScalarSelect, Select, and_, func, or_, select

from pipeline.domain.words import MessageState, PersonState, Verdict
from pipeline.ledger import audit
from pipeline.ledger.outbox import ON_THE_WIRE
from pipeline.ledger.tables import BatchState, batch, card, message, message_event, receipt

SHOWN = 20
ACCEPTED = (MessageState.SENT, MessageState.DELIVERED, MessageState.UNDELIVERED)
NEVER_CALLED = (MessageState.SUPERSEDED, MessageState.TOO_OLD, MessageState.NO_PHONE, MessageState.OVER_LIMIT)
BIRTH = (MessageState.QUEUED, MessageState.NO_PHONE)


def violations(conn: Connection) -> list[str]:
    """One sentence for each row that breaks an invariant, with its key; empty if all hold. At most `SHOWN` rows an invariant."""
    found: list[str] = []
    for sentence, statement in _CHECKS:
        keys = [str(row[0]) for row in conn.execute(statement.limit(SHOWN + 1))]
        found += [sentence.format(key) for key in keys[:SHOWN]]
        if len(keys) > SHOWN:
            found.append(sentence.format("more"))
    return found + audit.verify(conn)


def _unbalanced() -> Select[Any]:
    parts = receipt.c.rows_accepted + receipt.c.rows_duplicate + receipt.c.rows_rejected + receipt.c.rows_held
    return select(receipt.c.receipt_no).where(receipt.c.rows_received != parts)


def _left_behind() -> Select[Any]:
    return select(receipt.c.receipt_no).join(batch).where(batch.c.state == BatchState.DONE, receipt.c.verdict == Verdict.WAITING)


def _two_sids() -> Select[Any]:
    return (
        select(message_event.c.message_id)
        .where(message_event.c.sid.is_not(None))
        .group_by(message_event.c.message_id)
        .having(func.count(message_event.c.sid.distinct()) > 1)
    )


def _accepted_twice() -> Select[Any]:
    """Held by a unique key as well; asked again in case a restored or foreign database lost it."""
    return (
        select(message.c.specimen_id)
        .where(or_(message.c.sid.is_not(None), message.c.state.in_(ACCEPTED)))
        .group_by(message.c.specimen_id, message.c.version, message.c.purpose)
        .having(func.count() > 1)
    )


def _two_on_the_wire() -> Select[Any]:
    return select(message.c.specimen_id).where(message.c.state.in_(ON_THE_WIRE)).group_by(message.c.specimen_id).having(func.count() > 1)


def _state_unlike_events() -> Select[Any]:
    last = select(func.max(message_event.c.event_id).label("event_id")).group_by(message_event.c.message_id).subquery()
    latest = select(message_event.c.message_id, message_event.c.to_state).join(last, last.c.event_id == message_event.c.event_id).subquery()
    silent = and_(latest.c.to_state.is_(None), message.c.state.not_in(BIRTH))
    return (
        select(message.c.message_id)
        .outerjoin(latest, latest.c.message_id == message.c.message_id)
        .where(or_(latest.c.to_state != message.c.state, silent))
    )


def _broken_history() -> Select[Any]:
    """An event that does not begin where the one before it ended; the first begins in the state that `enqueue` gave."""
    earlier = (
        func.lag(message_event.c.to_state).over(partition_by=message_event.c.message_id, order_by=message_event.c.event_id).label("earlier")
    )
    history = select(message_event.c.message_id, message_event.c.from_state, earlier).subquery()
    wrong_start = and_(history.c.earlier.is_(None), history.c.from_state.not_in(BIRTH))
    return select(history.c.message_id).distinct().where(or_(history.c.earlier != history.c.from_state, wrong_start))


def _without_card() -> Select[Any]:
    return select(message.c.message_id).outerjoin(card, card.c.specimen_id == message.c.specimen_id).where(card.c.specimen_id.is_(None))


def _newer_than_card() -> Select[Any]:
    return select(message.c.message_id).join(card, card.c.specimen_id == message.c.specimen_id).where(message.c.version > card.c.version)


def _result_unlike_state() -> Select[Any]:
    return select(card.c.specimen_id).where((card.c.state == PersonState.READY) != card.c.result.is_not(None))


def _accepted_without_sid() -> Select[Any]:
    return select(message.c.message_id).where(message.c.state.in_(ACCEPTED), message.c.sid.is_(None))


def _older_after_newer() -> Select[Any]:
    """By the order in which the claims were written down: a clock may have been set back in between."""
    newer = message.alias("newer")
    sent_after = and_(
        newer.c.specimen_id == message.c.specimen_id,
        newer.c.version > message.c.version,
        newer.c.claimed_at.is_not(None),
        message.c.claimed_at.is_not(None),
        message.c.state.not_in(NEVER_CALLED),
        _claim_of(newer) < _claim_of(message),
    )
    return select(message.c.message_id).join(newer, sent_after).distinct()


def _claim_of(one: FromClause) -> ScalarSelect[Any]:
    claims = message_event.alias()
    last = select(func.max(claims.c.event_id)).where(claims.c.message_id == one.c.message_id, claims.c.to_state == MessageState.SENDING)
    return last.correlate(one).scalar_subquery()


_CHECKS: tuple[tuple[str, Select[Any]], ...] = (
    ("I1: the row counts of receipt {} do not balance", _unbalanced()),
    ("I1: receipt {} has no verdict though its batch is done", _left_behind()),
    ("I1: the state of message {} is not that of its last event", _state_unlike_events()),
    ("I1: the events of message {} do not follow each other", _broken_history()),
    ("I2: message {} is for a specimen without a card", _without_card()),
    ("I2: message {} tells a newer outcome than its card shows", _newer_than_card()),
    ("I2: the card of specimen {} says ready without a result, or a result without ready", _result_unlike_state()),
    ("I3: Twilio accepted message {} more than once", _two_sids()),
    ("I3: an outcome of specimen {} was accepted by Twilio more than once", _accepted_twice()),
    ("I3: specimen {} has two messages on the wire", _two_on_the_wire()),
    ("I3: message {} counts as accepted but has no SID", _accepted_without_sid()),
    ("I5: message {} was sent after one with a newer outcome", _older_after_newer()),
)
