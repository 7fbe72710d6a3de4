"""What a person asks for on the page of a link: "this is not me", no more messages, the link once more.

Whoever holds the link may ask for the first and the last without a birth date. Nothing here says whether there is such a link: the page
answers everybody alike.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

import pyarrow as pa

from pipeline.domain.words import HoldReason, Purpose, Silence
from pipeline.errors import KeyMissing
from pipeline.ledger import cards, holds, outbox, silences
from pipeline.ledger.cards import Card
from pipeline.ledger.engine import Ledger
from pipeline.log import event
from pipeline.vault.identity import read_batch
from pipeline.vault.keys import Keys
from pipeline.vault.numbers import number_print
from pipeline.vault.tokens import specimen_of

OPERATOR: Final = "operator"
# Whoever asks waits for it, and it is one message.
URGENT: Final = 0
_HOLDS: Final = uuid.UUID("5f0a7c2e-4a55-4a0e-8a4c-8f1d1f3a2b60")
# Vault day, vault batch, specimen id → the number as Twilio takes it, or None.
NumberOf = Callable[[date, int, str], str | None]


@dataclass(frozen=True)
class Wishes:
    """`number_key` prints numbers for the ledger."""

    ledger: Ledger
    token_key: bytes
    number_key: bytes
    number_of: NumberOf

    def wrong_number(self, token: str, now: datetime) -> None:
        """No more messages to the number behind the link, and an operator decides whether it is wrong. Twice is once."""
        asked = self._asked(token)
        if asked is None:
            return
        card, number = asked
        with self.ledger.begin() as conn:
            if not silences.keep(conn, number, Silence.WRONG_NUMBER, card.specimen_id, now):
                return
            row = {"hold_id": str(uuid.uuid5(_HOLDS, number)), "reason": HoldReason.WRONG_NUMBER, "subject": f"specimen {card.specimen_id}"}
            holds.upsert_many(conn, [row | {"owner": OPERATOR, "detail": {}}], now)
        event("wrong_number", specimen=card.specimen_id)

    def opt_out(self, token: str, now: datetime) -> None:
        """No more messages to this person's number: for all who gave it. For who has opened the page."""
        if asked := self._asked(token):
            card, number = asked
            with self.ledger.begin() as conn:
                silences.keep(conn, number, Silence.OPTED_OUT, card.specimen_id, now)

    def opt_in(self, token: str) -> None:
        """Takes `opt_out` back; a wrong number stays one."""
        if asked := self._asked(token):
            with self.ledger.begin() as conn:
                silences.end_number(conn, asked[1], Silence.OPTED_OUT)

    def new_link(self, token: str, now: datetime) -> None:
        """The link once more, to the number on file: one message for each version of what was told, however often it is asked for."""
        specimen_id = specimen_of(self.token_key, token)
        if specimen_id is None:
            return
        with self.ledger.begin() as conn:
            card = cards.by_specimen(conn, specimen_id)
            if card is not None:
                outbox.enqueue_many(conn, lambda: [_link_message(card, now)], now)

    def _asked(self, token: str) -> tuple[Card, str] | None:
        """The card behind a link, and the print of its person's number; None where either is missing."""
        specimen_id = specimen_of(self.token_key, token)
        if specimen_id is None:
            return None
        with self.ledger.begin() as conn:
            card = cards.by_specimen(conn, specimen_id)
        number = None if card is None else self.number_of(card.vault_day, card.vault_batch, specimen_id)
        return None if card is None or number is None else (card, number_print(self.number_key, number))


def _link_message(card: Card, now: datetime) -> pa.RecordBatch:
    moment = pa.timestamp("us", "UTC")
    collected_at = card.updated_at if card.collected_on is None else datetime.combine(card.collected_on, time(), UTC)
    columns: dict[str, tuple[object, pa.DataType]] = {
        "message_id": (outbox.message_id(card.specimen_id, card.version, Purpose.LINK), pa.string()),
        "specimen_id": (card.specimen_id, pa.string()),
        "version": (card.version, pa.int32()),
        "purpose": (Purpose.LINK.value, pa.string()),
        "priority": (URGENT, pa.int32()),
        "reachable": (True, pa.bool_()),
        "vault_day": (card.vault_day, pa.date32()),
        "vault_batch": (card.vault_batch, pa.int64()),
        "collected_at": (collected_at, moment),
        "due_at": (now, moment),
    }
    return pa.RecordBatch.from_arrays([pa.array([value], kind) for value, kind in columns.values()], names=list(columns))


def numbers(keys: Keys, e164_of: Callable[[str], str | None]) -> NumberOf:
    """From the vault. None for an erased day, and for who gave no number that takes an SMS."""

    def number_of(day: date, batch_no: int, specimen_id: str) -> str | None:
        try:
            found = read_batch(keys, day, batch_no, ["phone"], {specimen_id})["phone"].to_pylist()
        except KeyMissing:
            return None
        return e164_of(found[0]) if found and found[0] else None

    return number_of
