"""sql/intake/result_profile: does a lab's drop show, and is a lab that only has its days asked in vain? Over made-up months, seeds fixed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.warehouse.connect import Warehouse, open_warehouse

NOW = datetime(2026, 11, 20, 18)
# As it must be: a drop by ten points seen within so many results, at most one false alarm a lab and month.
WITHIN = 2_000
FILE_ROWS = 250


@dataclass
class Lab:
    """A lab whose files are judged one after the other, each stored when it was not held."""

    warehouse: Warehouse
    chance: np.random.Generator
    name: str = "LAB1"
    batch_no: int = 0
    since: int = 0
    profile: dict[str, Any] = field(default_factory=dict)

    def send(self, rows: int, positivity: float, invalid: float = 0.01, *, store: bool = True) -> bool:
        """One file more. Returns whether the lab's shift would hold it; a file that is not held is stored."""
        self.batch_no += 1
        drawn = self.chance.random(rows)
        is_invalid = self.chance.random(rows) < invalid
        calls = np.where(is_invalid, "invalid", np.where(drawn < positivity, "detected", "not_detected"))
        typed = pa.table({"receipt_no": [self.batch_no] * rows, "row_no": range(rows), "lab": [self.name] * rows, "call": calls,
                          "tube_code": [f"T{self.batch_no}X{row}" for row in range(rows)], "tested_at": [NOW] * rows})  # fmt: skip
        reading = pa.table({"receipt_no": [self.batch_no], "sender": [self.name], "rows": [rows]})
        problem = self.warehouse.connection.sql("SELECT 1 AS receipt_no, 1 AS row_no, '' AS severity, '' AS rule LIMIT 0").to_arrow_table()
        baseline = pa.table({"lab": pa.array([self.name]), "since": pa.array([self.since], pa.int64())})
        with self.warehouse.given(typed=typed, reading=reading, problem=problem, baseline=baseline):
            [self.profile] = self.warehouse.dicts("intake/result_profile", as_of=NOW, oldest=NOW - timedelta(days=14))
        is_held = self._is_over("shift") or self._is_over("invalid_shift")
        if store and not is_held:
            with self.warehouse.given(typed=typed):
                self.warehouse.connection.execute(
                    "INSERT INTO lab_result BY NAME SELECT uuid() AS result_id, tube_code, tube_code AS tube_label, tested_at, "
                    "tested_at AS resulted_at, 'F' AS status, call, '' AS reject_reason, '' AS ct, '' AS plate_code, uuid() AS content, "
                    f"lab, receipt_no, row_no, {self.batch_no} AS batch_no FROM typed"
                )
        return is_held

    def _is_over(self, what: str) -> bool:
        found, limit = self.profile[what], self.profile[f"{what}_limit"]
        assert (found is None) == (limit is None)
        return found is not None and found > limit

    def send_all(self, results: int, positivity: float, rows: int = FILE_ROWS) -> int | None:
        """Files until `results` are sent. The number of results after which one was held; None if none was."""
        for first in range(0, results, rows):
            if self.send(rows, positivity):
                return first + rows
        return None


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    with open_warehouse(Path(":memory:"), memory_limit="1GB", spill=None) as opened:
        yield opened


@pytest.mark.parametrize("usual", [0.12, 0.2, 0.35])
def test_P09_a_drop_by_ten_points_is_seen_within_two_thousand_results(warehouse: Warehouse, usual: float) -> None:
    seen = []
    for number in range(8):
        lab = Lab(warehouse, np.random.default_rng(number), f"LAB{number}")
        assert lab.send_all(8_000, usual, rows=2_000) is None
        seen.append(lab.send_all(2 * WITHIN, usual - 0.1))
    assert all(results is not None and results <= WITHIN for results in seen), seen


def test_P09_labs_that_have_their_days_are_not_asked_in_vain(warehouse: Warehouse, record_property: Any) -> None:
    """10 lab-months of two files a day. Positivity wanders by half a point a day, and each day scatters about it by a point."""
    alarms = 0
    for number in range(10):
        chance = np.random.default_rng(1_000 + number)
        lab, level = Lab(warehouse, chance, f"LAB{number}"), float(chance.uniform(0.02, 0.2))
        for _ in range(30):
            level = float(np.clip(level + chance.normal(0, 0.005), 0.005, 0.4))
            today = float(np.clip(chance.normal(level, 0.01), 0.001, 0.5))
            alarms += sum(lab.send(2 * FILE_ROWS, today) for _ in range(2))
    record_property("false_alarms_in_10_lab_months", alarms)
    assert alarms <= 10


def test_P09_more_invalid_tests_are_a_shift_too(warehouse: Warehouse) -> None:
    lab = Lab(warehouse, np.random.default_rng(5))
    assert lab.send_all(6_000, 0.1, rows=2_000) is None
    assert any(lab.send(FILE_ROWS, 0.1, invalid=0.12) for _ in range(8))
    assert lab.profile["invalid_shift"] > lab.profile["invalid_shift_limit"]


def test_P09_after_a_release_what_was_before_is_no_measure(warehouse: Warehouse) -> None:
    lab = Lab(warehouse, np.random.default_rng(6))
    assert lab.send_all(6_000, 0.25, rows=2_000) is None
    assert lab.send_all(WITHIN, 0.1) is not None
    lab.since = lab.batch_no
    assert lab.send_all(8_000, 0.1, rows=2_000) is None
    assert lab.send_all(WITHIN, 0.3) is not None


def test_a_lab_without_a_past_is_not_judged_by_one(warehouse: Warehouse) -> None:
    lab = Lab(warehouse, np.random.default_rng(7))
    assert lab.send_all(2_000, 0.1) is None
    assert (lab.profile["shift"], lab.profile["shift_limit"]) == (None, None)
    assert lab.profile["share_old"] == 0
