"""Is a message whose fate is unknown among those that Twilio has? Decided by number, time, link and text: there is no other key."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pipeline.delivery.sms import Found

# How far Twilio's clock and ours may be apart. Ours may be set a day ahead by mistake: what was sent then seems older than its claim,
# and must still be found. Whose it is, the link says.
SKEW: Final = timedelta(hours=25)


@dataclass(frozen=True)
class Present:
    """Twilio has it."""

    found: Found


@dataclass(frozen=True)
class Absent:
    """Twilio does not have it: it may be sent again."""


@dataclass(frozen=True)
class Undecided:
    """Twilio has a message to this number whose text it no longer shows: nobody may send again."""


Presence = Present | Absent | Undecided


def presence(found: Iterable[Found], *, body: str, link: str, taken: Collection[str]) -> Presence:
    """Look for our message among `found`: all to its number, created since it was claimed. `taken`: SIDs of our other messages.

    The whole text is preferred to the link alone. The link suffices, since the programme's texts may have been edited in between.
    """
    free = [message for message in found if message.sid not in taken]
    for ours in (lambda message: message.body == body, lambda message: link in message.body):
        if match := next(filter(ours, free), None):
            return Present(match)
    if any(not message.body for message in free):
        return Undecided()
    return Absent()
