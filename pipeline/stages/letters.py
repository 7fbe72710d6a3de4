"""From a claimed message to what goes to Twilio: a number, a text, a link. Also why a message does not go at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from pipeline.domain.messages import render
from pipeline.domain.phones import to_e164
from pipeline.domain.words import MessageState, Purpose, Silence
from pipeline.ledger.outbox import Message
from pipeline.programme import CORRECTION, Programme

# What the vault knows: (vault_day, vault_batch, specimen_id) of each message → specimen id → phone as written.
PhonesOf = Callable[[list[tuple[date, int, str]]], Mapping[str, str]]
LinkOf = Callable[[str], str]
# Numbers as Twilio takes them → why they get no messages, of those that get none.
SilentOf = Callable[[Sequence[str]], Mapping[str, Silence]]


@dataclass(frozen=True)
class Letter:
    """A message ready to go. Never printed: `to` and `body` are a person's."""

    message: Message
    to: str = field(repr=False)
    link: str = field(repr=False)
    body: str = field(repr=False)


@dataclass(frozen=True)
class Unsendable:
    """A message that does not go, and in which state it ends: `too_old`, `over_limit` or `no_phone`, with a `reason` where the number wants
    silence.
    """

    message: Message
    state: MessageState
    reason: Silence | None = None


def write_letters(
    messages: Sequence[Message], *, programme: Programme, phones_of: PhonesOf, link_of: LinkOf, silent_of: SilentOf, now: datetime
) -> tuple[list[Letter], list[Unsendable]]:
    """Split claimed messages into those that can go and those that cannot. The order is kept."""
    oldest = now - timedelta(days=programme.clocks.max_message_age_days)
    # A link that its person asks for now is no old news.
    fresh = [message for message in messages if message.collected_at >= oldest or message.purpose is Purpose.LINK]
    kept = {message.message_id for message in fresh}
    unsendable = [Unsendable(message, MessageState.TOO_OLD) for message in messages if message.message_id not in kept]
    addressed = address(fresh, programme=programme, phones_of=phones_of, link_of=link_of)
    silent = silent_of([letter.to for letter in addressed])
    unsendable += [Unsendable(one.message, MessageState.NO_PHONE, silent[one.to]) for one in addressed if one.to in silent]
    reachable = {letter.message.message_id for letter in addressed}
    unsendable += [Unsendable(message, MessageState.NO_PHONE) for message in fresh if message.message_id not in reachable]
    return [letter for letter in addressed if letter.to not in silent], unsendable


def address(messages: Sequence[Message], *, programme: Programme, phones_of: PhonesOf, link_of: LinkOf) -> list[Letter]:
    """Letters for the messages whose person has a number that takes an SMS."""
    if not messages:
        return []
    phones = phones_of([(message.vault_day, message.vault_batch, message.specimen_id) for message in messages])
    letters = []
    for message in messages:
        if to := to_e164(phones.get(message.specimen_id) or "", programme.phones):
            link = link_of(message.specimen_id)
            letters.append(Letter(message, to, link, _body(message, programme, link)))
    return letters


def _body(message: Message, programme: Programme, link: str) -> str:
    """A corrected result says so. Every other purpose is news of its own, and names the next step better than `correction` would."""
    corrects = message.is_correction and message.purpose is Purpose.RESULT
    return render(programme.texts[CORRECTION if corrects else message.purpose], programme=programme.sms_name, link=link)
