"""C17: new code on old days. Thirty recorded days come to what they came to; a difference is meant, looked at, and recorded anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import small_and_quick
from tests.faults.recorded import KEPT, come_to, write_days
from tests.homes import Installation


@pytest.mark.lengthy
def test_C17_recorded_days_come_to_the_same(
    warm: None, installation: Callable[..., Installation], tmp_path: Path, record_property: Any
) -> None:
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    found = {day: come_to(installation(), path, small_and_quick) for day, path in write_days(tmp_path / "files").items()}
    differing = {day: {"now": found[day], "recorded": kept.get(day)} for day in found if found[day] != kept.get(day)}
    assert differing == {}, "meant? then `python -m tests.faults.recorded`, look at the difference, and commit it"
    assert found.keys() == kept.keys() and len(found) == 30
    record_property("recorded_days", len(found))
