"""Work: what a lab shall test now, urgent first, out of what a run has published. It names nobody: a lab needs no name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.domain.words import Call
from pipeline.stages.house import House
from pipeline.warehouse.published import Published

COLUMNS: Final = ("specimen_code", "tube_code", "reason", "collected_at", "team", "site_code")
# After a positive pool, or after one that said nothing.
URGENT: Final = f"pool_{Call.DETECTED.value}"


@dataclass(frozen=True)
class Item:
    """A tube to test: a person's own (`specimen_code`), or the whole tube once more ('': its first test was invalid). Local time."""

    specimen_code: str
    tube_code: str
    reason: str
    collected_at: datetime
    team: str
    site_code: str

    @property
    def is_urgent(self) -> bool:
        return self.reason == URGENT


@dataclass(frozen=True)
class Work:
    """`as_of`: when it was published; None: never yet."""

    items: Sequence[Item]
    as_of: datetime | None

    def rows(self, reason: Callable[[str], str]) -> list[tuple[str, ...]]:
        """The items as text, under COLUMNS. `reason`: a reason's code in words."""
        return [tuple(reason(one.reason) if name == "reason" else str(getattr(one, name)) for name in COLUMNS) for one in self.items]


def work_of(house: House, lab: str) -> Work:
    """A lab's open work: what comes after a positive pool, then tubes to repeat and what was unclear, the longest waiting first."""
    shown = Published(house.home.published)
    figures = shown.figures()
    mine = [("lab", "=", lab)]
    found = [_item(row) for name in ("worklist", "repeat") for row in shown.read(name, where=mine)]
    found.sort(key=lambda one: (not one.is_urgent, one.collected_at, one.tube_code, one.specimen_code))
    return Work(found, datetime.fromisoformat(figures["made_at"]) if figures else None)


def _item(row: dict[str, object]) -> Item:
    return Item(**{name: row.get(name, "") for name in COLUMNS})  # type: ignore[arg-type]  # the columns of published/worklist and repeat
