"""Whom somebody must call: people who were to be told "detected" and have not looked at their page in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from pipeline.domain.words import MessageState
from pipeline.ledger import audit, desk
from pipeline.stages.house import House
from pipeline.stages.lists import NOT_CARRIED, identities
from pipeline.warehouse.published import Published

PERSON = ("full_name", "birth_date", "phone", "address")


@dataclass(frozen=True)
class ToCall:
    """One specimen that was detected and not looked at. owed_at: since when the word is owed; `message`: where it stands."""

    specimen_id: str
    tube_code: str
    team: str
    site_code: str
    collected_at: datetime
    owed_at: datetime
    message: MessageState
    vault_day: date
    vault_batch: int


@dataclass(frozen=True)
class Callee:
    """Who it is. Never printed; empty texts where the day was erased."""

    about: ToCall
    person: dict[str, str] = field(repr=False)


def unopened(house: House, now: datetime) -> list[ToCall]:
    """The longest waiting first. Names nobody. Whom no message was owed yet, or whose time has not passed, is not among them."""
    late = now - timedelta(hours=house.programme.clocks.unopened_hours)
    detected = {row["specimen_id"]: row for row in Published(house.home.published).read("detected")}
    with house.ledger.begin() as conn:
        told = desk.told_among(conn, list(detected))
        opened = desk.opened_among(conn, list(detected))
    waiting = [
        ToCall(message=state, owed_at=owed_at, **{name: row[name] for name in ToCall.__dataclass_fields__ if name in row})
        for specimen, row in detected.items()
        if specimen not in opened and specimen in told
        for state, owed_at in [told[specimen]]
        if owed_at <= late or state in (MessageState.NO_PHONE, *NOT_CARRIED)
    ]
    return sorted(waiting, key=lambda one: (one.owed_at, one.specimen_id))


def call_list(house: House, limit: int, *, who: str, now: datetime) -> list[Callee]:
    """The first `limit` of `unopened` with the people behind them. That `who` looked goes into the audit before anybody is shown."""
    waiting = unopened(house, now)[:limit]
    with house.ledger.begin() as conn:
        audit.append(conn, who, "looked", "call list", f"{len(waiting)} people", now)
    known = identities(house, [(one.vault_day, one.vault_batch, one.specimen_id) for one in waiting], PERSON)
    return [Callee(one, known.get(one.specimen_id, dict.fromkeys(PERSON, ""))) for one in waiting]
