"""The call-back list of one team, with its people; and a person swabbed again, whose new tube is linked to the old episode.

The link is a fact like any other: a manifest of one row that names the tube it replaces, handed in through the same door as every file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.domain.columns import IDENTITY_COLUMNS, MANIFEST_COLUMNS
from pipeline.domain.tube_codes import is_acceptable, normalise
from pipeline.errors import ActionNeeded
from pipeline.ledger import audit
from pipeline.ledger.sessions import Person
from pipeline.stages.hand_in import hand_in_row, place_of
from pipeline.stages.house import House
from pipeline.stages.lists import identities
from pipeline.warehouse.published import Published

# On screen; the file has all.
MOST = 200


@dataclass(frozen=True)
class CallBack:
    """Somebody whom the team shall swab again. suggested_tube: of a later swab of the same person that names no tube it replaces; whether
    it does is the team's word. `person` is empty texts where their day was erased."""

    specimen_id: str
    replaces_tube: str
    reason: str
    collected_at: datetime
    site_code: str
    suggested_tube: str | None
    person: dict[str, str] = field(repr=False)


class NotASwab(ActionNeeded):
    """What was entered cannot be a new swab: `problem` is `tube`, `same_tube` or `time`."""

    def __init__(self, problem: str) -> None:
        super().__init__("This cannot be a new swab.")
        self.problem = problem


def call_backs(house: House, person: Person, now: datetime, most: int | None = MOST) -> tuple[list[CallBack], int]:
    """The team's people to swab again, the longest waiting first, at most `most`; and how many there are. The look is audited first."""
    rows = _of(house, place_of(person))
    some = rows[:most]
    with house.ledger.begin() as conn:
        audit.append(conn, person.login, "looked", f"call-back list {place_of(person)}", f"{len(some)} people", now)
    known = identities(house, [(row["vault_day"], row["vault_batch"], row["specimen_id"]) for row in some], IDENTITY_COLUMNS)
    return [_call_back(row, known.get(row["specimen_id"], dict.fromkeys(IDENTITY_COLUMNS, ""))) for row in some], len(rows)


def call_back(house: House, person: Person, specimen_id: str, now: datetime) -> CallBack | None:
    """One of the team's people; None for anybody else's, and for who is no longer on the list. The look is audited first."""
    for row in _of(house, place_of(person)):
        if row["specimen_id"] == specimen_id:
            with house.ledger.begin() as conn:
                audit.append(conn, person.login, "looked", f"specimen {specimen_id}", "call-back", now)
            known = identities(house, [(row["vault_day"], row["vault_batch"], specimen_id)], IDENTITY_COLUMNS)
            return _call_back(row, known.get(specimen_id, dict.fromkeys(IDENTITY_COLUMNS, "")))
    return None


def swabbed_again(house: House, person: Person, about: CallBack, tube: str, collected_at: datetime, now: datetime) -> str:
    """Hand in that `about` was swabbed again into a tube of their own, at `collected_at` (local); returns the file's SHA-256.

    Raises NotASwab, QuotaSpent, DiskFails. Sent twice, it is one file.
    """
    if not is_acceptable(tube, house.programme.own_tube_prefix):
        raise NotASwab("tube")
    if normalise(tube) == normalise(about.replaces_tube):
        raise NotASwab("same_tube")
    if not about.collected_at <= collected_at <= house.local(now):
        raise NotASwab("time")
    return hand_in_row(house, person, f"{normalise(tube)}.csv", _manifest(about, tube, collected_at), now)


def _of(house: House, place: str) -> list[dict[str, Any]]:
    return Published(house.home.published).read("callback", where=[("team", "=", place)])


def _call_back(row: dict[str, Any], person: dict[str, str]) -> CallBack:
    told = {name: row[name] for name in ("specimen_id", "replaces_tube", "reason", "collected_at", "site_code", "suggested_tube")}
    return CallBack(**told, person={name: person[name] or "" for name in IDENTITY_COLUMNS})


def _manifest(about: CallBack, tube: str, collected_at: datetime) -> dict[str, str]:
    """The same person as in the vault, letter by letter: only so is it the same pseudonym."""
    row = about.person | {
        "tube_code": tube.strip(),
        "collected_at": collected_at.isoformat(" ", "minutes"),
        "pool_size": "1",
        "replaces_tube": about.replaces_tube,
        "site_code": about.site_code,
    }
    return {name: row.get(name, "") for name in MANIFEST_COLUMNS}
