"""Facts of tests/facts.py as the reference model reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date, timedelta

from tests.facts import CLOCKS, DAY0, Fact, Member, Result, Slot
from tests.property import reference_model as model

MODEL_CLOCKS = model.Clocks(CLOCKS.match_window_days, CLOCKS.overdue_hours, CLOCKS.lost_days, CLOCKS.relabel_days)


def day(number: int) -> date:
    return (DAY0 + timedelta(days=number)).date()


def by_model(stored: Collection[Fact], hours: float, said: model.Words = None) -> model.Decision:
    """What the reference says of these facts, `hours` after DAY0. said: people's words about holds."""
    manifest = [
        model.ManifestRow(
            str(one.file), one.team, one.tube, DAY0 + timedelta(days=one.day), one.person, "lab" if one.own else "field", one.own or "",
            one.size, one.replaces or "",
        )
        for one in stored if isinstance(one, Member)
    ]  # fmt: skip
    lab = [
        model.LabRow(
            one.code, one.call or "", DAY0 + timedelta(hours=one.hours), one.status,
            None if one.told is None else DAY0 + timedelta(hours=one.told), None if one.collected is None else day(one.collected),
            one.reason, one.ct,
        )
        for one in stored if isinstance(one, Result)
    ]  # fmt: skip
    rejected = Counter((str(one.file), (one.tube, day(one.day))) for one in stored if isinstance(one, Slot))
    return model.decide(manifest, lab, DAY0 + timedelta(hours=hours), MODEL_CLOCKS, rejected, said)
