"""Reconcile: after a restore, ask Twilio who was told since the backup, before anything is sent again.

A restored ledger is older than the truth. What Twilio has and the ledger knows gets its news; what the ledger does not know is kept
aside (ledger/told.py), and adopted by the message that waits for it now or that the same files, sent in again, will make.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from pipeline.delivery.codes import reason_of, state_of
from pipeline.delivery.link import Link, link_in
from pipeline.delivery.sms import PAGE, Found, Sms
from pipeline.domain.messages import render
from pipeline.domain.words import Purpose
from pipeline.errors import ActionNeeded
from pipeline.ledger import audit, outbox, switches, told
from pipeline.ledger.told import Told
from pipeline.log import event
from pipeline.programme import CORRECTION, Programme
from pipeline.stages.house import House
from pipeline.vault.tokens import specimen_of

SOURCE: Final = "reconcile"
# Far more than two clocks differ, and than an answer of Twilio takes to be recorded.
MARGIN: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Reconciled:
    """In messages: `asked` of Twilio; `known` to the ledger; `adopted` by messages that waited; `kept` aside, the ledger has none for
    them yet; `foreign`: without a link of ours; `unreadable`: Twilio no longer shows their text. `since` None: nothing was to be done."""

    since: datetime | None
    asked: int = 0
    known: int = 0
    adopted: int = 0
    kept: int = 0
    foreign: int = 0
    unreadable: int = 0


def reconcile_restored(
    house: House, now: datetime, progress: Callable[[int], None], *, sms: Sms | None, despite_unreadable: bool = False
) -> Reconciled:
    """Compare the ledger with Twilio's list, then let sending go on. Killed anywhere and run again, it does the same.

    `progress` is called with the messages seen. Raises ActionNeeded without an account, and where texts cannot be read, unless
    `despite_unreadable`: their people may then be told a second time.
    """
    with house.ledger.begin() as conn:
        made_at = switches.restored_from(conn)
    if made_at is None:
        return Reconciled(None)
    if sms is None:
        raise ActionNeeded("No Twilio account is set (TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM): only Twilio knows who was told.")
    since = made_at - MARGIN
    counts = dict.fromkeys(("asked", "known", "foreign", "unreadable"), 0)
    listed = sms.since(since)
    while page := list(islice(listed, PAGE)):
        _merge(house, page, since, now, counts)
        progress(counts["asked"])
    adopted = _adopt_all(house, now)
    with house.ledger.begin() as conn:
        done = Reconciled(since, adopted=adopted, kept=told.kept(conn), **counts)
    event("reconciled", **{name: value for name, value in vars(done).items() if name != "since"})
    if done.unreadable and not despite_unreadable:
        raise ActionNeeded(
            f"Twilio no longer shows the text of {done.unreadable} messages sent since {since:%Y-%m-%d %H:%M %Z}: who got them cannot be "
            "known, and sending stays blocked. `unpool reconcile --despite-unreadable` lets it go on; some people may be told twice."
        )
    with house.ledger.begin() as conn:
        switches.end_restored(conn, who=SOURCE, now=now)
        switches.note_sending_waits(conn, None, now)
        why = ", ".join(f"{name} {value}" for name, value in vars(done).items())
        audit.append(conn, SOURCE, "reconciled", "sending", why, now)
    return done


def _merge(house: House, page: Sequence[Found], since: datetime, now: datetime, counts: dict[str, int]) -> None:
    """One page of Twilio's list into the ledger."""
    with house.ledger.begin() as conn:
        ours = told.known(conn, [one.sid for one in page])
        unheard = [one for one in page if one.sid not in ours]
        for one in page:
            state = state_of(one.status)
            if one.sid in ours and state is not None:
                reason = reason_of(one.error_code, default=one.status)
                outbox.advance(conn, ours[one.sid], state, sid=one.sid, reason=reason, source=SOURCE, now=now)
        ours_too = list(_ours(house, unheard, since))
        told.remember(conn, ours_too)
    unreadable = sum(not one.body for one in unheard)
    counts["asked"] += len(page)
    counts["known"] += len(page) - len(unheard)
    counts["unreadable"] += unreadable
    counts["foreign"] += len(unheard) - unreadable - len(ours_too)


def _ours(house: House, unheard: Sequence[Found], since: datetime) -> Iterator[Told]:
    key = house.keys.derive("token")
    for one in unheard:
        link = link_in(one.body)
        specimen_id = specimen_of(key, link.token) if link else None
        if link and specimen_id:
            yield Told(one.sid, specimen_id, _purpose(house.programme, one.body, link), one.created_at or since)


def _purpose(programme: Programme, body: str, link: Link) -> Purpose | None:
    """What the text was for, where it is the text of one purpose. A correction is a result."""
    fitting = [name for name, text in programme.texts.items() if render(text, programme=programme.sms_name, link=link.whole) == body]
    purposes = {Purpose.RESULT if name == CORRECTION else Purpose(name) for name in fitting}
    return purposes.pop() if len(purposes) == 1 else None


def _adopt_all(house: House, now: datetime) -> int:
    adopted = 0
    while True:
        with house.ledger.begin() as conn:
            some = told.adopt(conn, now)
        if not some:
            return adopted
        adopted += len(some)
