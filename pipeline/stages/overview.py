"""Overview: the operator's first screen. What must be decided now, what is missing between teams and labs, and how long everything takes.

Holds, messages and switches are asked of the ledger at this moment; counts over all tubes are those that the last run published
(stages/publish.py says why), and `figures_at` says when. What nobody has measured yet is None, and no zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pipeline.domain.words import Choice, HoldReason, MessageState
from pipeline.ledger import decisions, desk, holds, outbox, signed_holds, switches
from pipeline.ledger.desk import HoldGroup
from pipeline.ledger.holds import Hold
from pipeline.ledger.switches import Stop, Switch
from pipeline.quality.texts import reason_text
from pipeline.stages.answer import choices, is_of_tube
from pipeline.stages.call_list import how_many
from pipeline.stages.house import House
from pipeline.warehouse.published import Published

BREAKERS = (HoldReason.TOO_MANY_MESSAGES, HoldReason.LAB_SHIFTED, HoldReason.LAB_SILENT)
# Holds shown one by one: more than anybody decides in a sitting.
SHOWN = 50
# Which published figures tell what of a day.
_OF_A_DAY = {"arrivals": ("specimens", "results"), "positivity": ("tested", "detected"), "turnaround_days": ("p50", "p90")}


class Segment(StrEnum):
    """A part of a specimen's way, in its order."""

    COLLECTED_RECEIVED = "collected_received"
    COLLECTED_TESTED = "collected_tested"
    TESTED_RELEASED = "tested_released"
    RELEASED_SENT = "released_sent"
    SENT_OPENED = "sent_opened"


class Slip(StrEnum):
    """How the code at a lab differs from that in a manifest."""

    OTHER_CHARACTER = "other_character"
    LACKS_A_CHARACTER = "lacks_a_character"
    ONE_CHARACTER_MORE = "one_character_more"
    TWO_SWAPPED = "two_swapped"


@dataclass(frozen=True)
class Took:
    """Hours of one segment; None where nobody has gone through it."""

    segment: Segment
    specimens: int
    p50: float | None
    p90: float | None


@dataclass(frozen=True)
class OpenHold:
    """A hold with what a person may say to it, and how many have said `release`, of the two that it takes.

    is_signed: enough people have decided, and the next run of decide carries it out.
    """

    hold: Hold
    choices: tuple[Choice, ...]
    said: int
    is_signed: bool = False

    @property
    def is_of_tube(self) -> bool:
        return is_of_tube(self.hold.reason)

    def why(self, language: str) -> str:
        """Of a held file, why it is held says more than that it is."""
        return reason_text(str(self.hold.detail.get("judgement") or self.hold.reason), language)


@dataclass(frozen=True)
class Near:
    """A result that no manifest names beside a tube without one, whose code is one slip of the hand away. Times are local."""

    slip: Slip
    lab_label: str
    lab: str
    tested_at: datetime
    lab_receipt_no: int
    lab_row_no: int
    tube_label: str
    team: str
    site_code: str
    collected_at: datetime
    people: int
    team_receipt_no: int


@dataclass(frozen=True)
class Reconciled:
    """Tubes by where they are known; other_counts: at the lab, with another number of people than the team declared."""

    both: int
    other_counts: int
    manifest_only: int
    lab_only: int


@dataclass(frozen=True)
class Day:
    """What one day shows; None where nothing is known of it."""

    day: date
    specimens: int | None
    results: int | None
    tested: int | None
    detected: int | None
    p50: float | None
    p90: float | None

    @property
    def positivity(self) -> float | None:
        """Cases among people tested, 0 to 1."""
        return None if not self.tested or self.detected is None else self.detected / self.tested


@dataclass(frozen=True)
class Overview:
    figures_at: datetime | None
    breakers: list[OpenHold]
    decidable: list[OpenHold]
    groups: list[HoldGroup]
    switches: list[Switch]
    stopped_by: Stop | None
    messages: dict[MessageState, int]
    to_call: int
    last_receipt: datetime | None
    reconciled: Reconciled | None
    apart: list[dict[str, Any]]
    overdue: list[dict[str, Any]]
    turnaround: list[Took]
    days: list[Day]


def overview(house: House, now: datetime) -> Overview:
    """The whole first screen. Opens no warehouse, so it waits for nobody and keeps nobody waiting."""
    figures = Published(house.home.published).figures()
    to_call = how_many(house, now)
    with house.ledger.begin() as conn:
        said = decisions.people_for(conn)

        def shown(reasons: tuple[HoldReason, ...]) -> list[OpenHold]:
            return [OpenHold(one, choices(one.reason), said.get(one.hold_id, 0)) for one in desk.some_holds(conn, reasons, SHOWN)]

        return Overview(
            figures_at=None if figures is None else datetime.fromisoformat(figures["made_at"]),
            breakers=shown(BREAKERS),
            # Tubes are among the groups: in an epidemic they are too many to stand here one by one.
            decidable=shown(tuple(one for one in HoldReason if choices(one) and one not in BREAKERS and not is_of_tube(one))),
            groups=desk.hold_groups(conn),
            switches=[one for one in switches.all_switches(conn) if one.is_on],
            stopped_by=switches.stopped_by(conn),
            messages=outbox.counts(conn),
            to_call=to_call,
            last_receipt=desk.last_receipt(conn),
            reconciled=None if figures is None else Reconciled(**figures["reconciled"]),
            apart=[] if figures is None else figures["apart"],
            overdue=[] if figures is None else figures["overdue"],
            turnaround=_turnaround(figures),
            days=_days(figures),
        )


def holds_of(house: House, reason: HoldReason, owner: str | None) -> list[OpenHold]:
    """The longest waiting holds of one kind, of one owner or of all: what a group of the first screen opens to."""
    with house.ledger.begin() as conn:
        said = decisions.people_for(conn)
        found = desk.some_holds(conn, (reason,), SHOWN, owner=owner)
        return [OpenHold(one, choices(one.reason), said.get(one.hold_id, 0)) for one in found]


def hold_of(house: House, hold_id: str) -> OpenHold | None:
    """The hold, while it is open."""
    with house.ledger.begin() as conn:
        found = holds.find(conn, hold_id)
        if len(found) != 1:
            return None
        said = decisions.people_for(conn)
        return OpenHold(found[0], choices(found[0].reason), said.get(found[0].hold_id, 0), signed_holds.is_signed(conn, found[0]))


def near_to(house: House, hold_id: str) -> list[Near]:
    """Which tubes the result of this hold may be of, as the last run found them: shown to a person and never applied."""
    rows = Published(house.home.published).read("near", where=[("hold_id", "=", hold_id)])
    return [Near(Slip(row.pop("slip")), **{name: value for name, value in row.items() if name != "hold_id"}) for row in rows]


def _turnaround(figures: dict[str, Any] | None) -> list[Took]:
    known = {row["segment"]: row for row in ([] if figures is None else figures["turnaround"])}
    nothing = {"specimens": 0, "p50": None, "p90": None}
    return [Took(one, **{name: known.get(one.value, nothing)[name] for name in nothing}) for one in Segment]


def _days(figures: dict[str, Any] | None) -> list[Day]:
    """Every day of which anything is known, oldest first."""
    if figures is None:
        return []
    together: dict[str, dict[str, Any]] = {}
    for name, columns in _OF_A_DAY.items():
        for row in figures[name]:
            together.setdefault(row["day"], {}).update({column: row[column] for column in columns})
    every = [column for columns in _OF_A_DAY.values() for column in columns]
    return [Day(date.fromisoformat(day), **{name: row.get(name) for name in every}) for day, row in sorted(together.items())]
