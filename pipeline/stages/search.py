"""Search: by a tube's code, or by a person's phone or citizen id through its keyed hash. Every look is in the audit before it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from pipeline.domain.tube_codes import is_code, normalise
from pipeline.domain.words import PersonState
from pipeline.ledger import audit, cards, openings, outbox
from pipeline.ledger.outbox import Message
from pipeline.stages.call_list import PERSON
from pipeline.stages.house import House
from pipeline.stages.lists import identities
from pipeline.vault import finder
from pipeline.warehouse.published import Published

# People shown at once: two full tubes. A number that more have is no one person's.
MOST = 40


@dataclass(frozen=True)
class Specimen:
    """One specimen with where it stands. `state` None: not decided yet. opened_at: of the person's page, None: never."""

    specimen_id: str
    tube_code: str
    specimen_code: str | None
    collected_at: datetime
    team: str
    site_code: str
    state: PersonState | None
    messages: list[Message]
    opened_at: datetime | None
    person: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Found:
    """What is known of a code or number; `results` are the lab's rows for the tubes and for the specimens' own codes.

    is_cut: more than `MOST` specimens fit, and the others are not shown.
    """

    specimens: list[Specimen]
    results: list[dict[str, Any]]
    is_cut: bool

    @property
    def is_anything(self) -> bool:
        return bool(self.specimens or self.results)


def search(house: House, wanted: str, *, who: str, now: datetime, team: str | None = None) -> Found:
    """Everything about a tube code, a specimen code, a phone or a citizen id. `team`: only what that team collected, for its own people.

    The audit says who looked at which specimens; what was searched for is in no log and in no audit, since it may be a number.
    """
    shown = Published(house.home.published)
    rows = {row["specimen_id"]: row for row in (*_by_code(shown, wanted), *_by_number(house, shown, wanted))}
    mine = [row for row in rows.values() if team is None or row["team"] == team]
    some = sorted(mine, key=lambda row: (row["collected_at"], row["specimen_id"]), reverse=True)[:MOST]
    _note(house, some, who, now)
    # A lab's rows without a specimen of one's own belong to somebody else's tube, or to nobody's: the operator's question.
    codes = {row["tube_code"] for row in some} | {row["specimen_code"] for row in some if row["specimen_code"]}
    if team is None and is_code(wanted):
        codes.add(normalise(wanted))
    results = shown.find("results", where=[("tube_code", "in", sorted(codes))]) if codes else []
    return Found(_specimens(house, some), results, len(mine) > len(some))


def _by_code(shown: Published, wanted: str) -> list[dict[str, Any]]:
    if not is_code(wanted):
        return []
    code = normalise(wanted)
    pools = {row["tube_code"] for row in shown.find("own_codes", where=[("specimen_code", "=", code)])}
    own = shown.find("specimens", where=[("tube_code", "in", sorted(pools)), ("specimen_code", "=", code)]) if pools else []
    return [*shown.find("specimens", where=[("tube_code", "=", code)]), *own]


def _by_number(house: House, shown: Published, wanted: str) -> Iterable[dict[str, Any]]:
    for ref, specimens in finder.find(house.keys, wanted, finder.prints(house.keys, house.programme.phones)):
        yield from shown.read(f"specimens/{ref.batch_no}", where=[("specimen_id", "in", specimens[: MOST + 1])])


def _note(house: House, rows: Sequence[Mapping[str, Any]], who: str, now: datetime) -> None:
    """One entry a look, with the specimens' pseudonyms; a look that finds nobody is one too."""
    subject = " ".join(row["specimen_id"] for row in rows) or "nobody"
    with house.ledger.begin() as conn:
        audit.append(conn, who, "searched", subject, f"{len(rows)} people", now)


def _specimens(house: House, rows: Sequence[Mapping[str, Any]]) -> list[Specimen]:
    places: list[tuple[date, int, str]] = [(row["vault_day"], row["vault_batch"], row["specimen_id"]) for row in rows]
    known = identities(house, places, PERSON)
    found = []
    with house.ledger.begin() as conn:
        for row in rows:
            specimen_id = row["specimen_id"]
            card = cards.by_specimen(conn, specimen_id)
            found.append(
                Specimen(
                    specimen_id=specimen_id,
                    tube_code=row["tube_label"],
                    specimen_code=row["specimen_code"],
                    collected_at=row["collected_at"],
                    team=row["team"],
                    site_code=row["site_code"],
                    state=None if card is None else card.state,
                    messages=outbox.of_specimen(conn, specimen_id),
                    opened_at=openings.first_opened_at(conn, specimen_id),
                    person=known.get(specimen_id, dict.fromkeys(PERSON, "")),
                )
            )
    return found
