"""Notify, in the house: what `stages.notify` needs from vault, keys and Twilio's account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial

from pipeline.delivery.link import links
from pipeline.delivery.sms import Sms
from pipeline.domain.words import Silence
from pipeline.ledger import silences
from pipeline.stages.house import House
from pipeline.stages.lists import identities
from pipeline.stages.notify import NotifySummary, notify
from pipeline.vault.keys import KeyPurpose
from pipeline.vault.numbers import number_print
from pipeline.vault.tokens import token


def notify_due(house: House, now: datetime) -> NotifySummary:
    """Send what is due; look up what is unknown; read statuses that no callback brought."""

    def phones_of(places: list[tuple[date, int, str]]) -> Mapping[str, str]:
        return {specimen: known["phone"] for specimen, known in identities(house, places, ("phone",)).items()}

    number_key = house.keys.derive(KeyPurpose.NUMBER)

    def silent_of(numbers: Sequence[str]) -> Mapping[str, Silence]:
        printed = {number_print(number_key, number): number for number in numbers}
        with house.ledger.begin() as conn:
            return {printed[found]: reason for found, reason in silences.among(conn, list(printed)).items()}

    return notify(
        settings=house.settings,
        programme=house.programme,
        ledger=house.ledger,
        phones_of=phones_of,
        link_of=links(house.settings.result_url, partial(token, house.keys.derive("token"))),
        silent_of=silent_of,
        print_of=partial(number_print, number_key),
        sms=Sms(house.settings.twilio) if house.settings.twilio else None,
        now=now,
    )
