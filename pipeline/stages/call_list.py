"""Whom somebody must call: people who were to be told "detected" and have not looked at their page in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from pipeline.domain.words import MessageState
from pipeline.ledger import audit, desk
from pipeline.stages.house import House
from pipeline.stages.lists import NOT_CARRIED, identities
from pipeline.warehouse.published import AnyOf, Published

# Who waits longest may have looked since the last run: so many times as many are read.
SPARE = 3
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


def how_many(house: House, now: datetime) -> int:
    """How many were not reached when the last run looked; whose time has not passed is not among them."""
    return Published(house.home.published).count("to_call", any_of=_due(house, now))


def unopened(house: House, limit: int, now: datetime) -> list[ToCall]:
    """The first `limit`, the longest waiting first, without those who have looked since the last run. Names nobody."""
    rows = Published(house.home.published).first("to_call", limit * SPARE, any_of=_due(house, now))
    with house.ledger.begin() as conn:
        opened = desk.opened_among(conn, [row["specimen_id"] for row in rows])
    return [
        ToCall(**{name: row[name] for name in ToCall.__dataclass_fields__} | {"message": MessageState(row["message"])})
        for row in rows
        if row["specimen_id"] not in opened
    ][:limit]


def _due(house: House, now: datetime) -> AnyOf:
    late = now - timedelta(hours=house.programme.clocks.unopened_hours)
    unsent = [state.value for state in (MessageState.NO_PHONE, *NOT_CARRIED)]
    return [[("owed_at", "<=", late)], [("message", "in", unsent)]]


def call_list(house: House, limit: int, *, who: str, now: datetime) -> list[Callee]:
    """The first `limit` of `unopened` with the people behind them. That `who` looked goes into the audit before anybody is shown."""
    waiting = unopened(house, limit, now)
    with house.ledger.begin() as conn:
        audit.append(conn, who, "looked", "call list", f"{len(waiting)} people", now)
    known = identities(house, [(one.vault_day, one.vault_batch, one.specimen_id) for one in waiting], PERSON)
    return [Callee(one, known.get(one.specimen_id, dict.fromkeys(PERSON, ""))) for one in waiting]
