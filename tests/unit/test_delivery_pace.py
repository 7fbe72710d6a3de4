"""The rate, and quiet hours. Time is a number here."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.delivery.pace import BURST_S, FLOOR, Pace
from pipeline.delivery.quiet import is_quiet

NEVER = float("inf")


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def pace(per_second: float, time: FakeTime) -> Pace:
    return Pace(per_second, clock=time.clock, sleep=time.sleep, chance=lambda: 1.0)


@given(st.floats(0.1, 500), st.lists(st.floats(0, 3), min_size=2, max_size=60))
def test_no_window_holds_more_than_the_rate_allows(per_second: float, idle: list[float]) -> None:
    time = FakeTime()
    bucket = pace(per_second, time)
    left = []
    for seconds in idle:
        time.now += seconds
        assert bucket.wait(NEVER)
        left.append(time.now)
    for first in range(len(left)):
        for last in range(first, len(left)):
            assert last - first <= (left[last] - left[first] + BURST_S) * per_second + 1e-6


def test_the_rate_is_reached() -> None:
    time = FakeTime()
    bucket = pace(20, time)
    for _ in range(201):
        bucket.wait(NEVER)
    assert time.now == pytest.approx(10, abs=0.3)


def test_T03_a_jam_halves_the_rate_once_and_successes_bring_it_back() -> None:
    time = FakeTime()
    bucket = pace(16, time)
    assert [bucket.jam(None) for _ in range(3)] == [1.0, 1.0, 1.0]
    assert bucket.per_second == 8
    time.now += 1.0
    assert bucket.jam(None) == 2.0
    assert bucket.per_second == 4
    for _ in range(150):
        bucket.recover()
    assert bucket.per_second == 16
    time.now += 100
    assert bucket.jam(None) == 1.0


def test_T03_the_rate_has_a_floor() -> None:
    time = FakeTime()
    bucket = pace(64, time)
    for _ in range(20):
        time.now += bucket.jam(1.0)
    assert bucket.per_second == 64 * FLOOR


def test_T03_retry_after_is_kept_to() -> None:
    time = FakeTime()
    bucket = pace(100, time)
    assert bucket.jam(7.0) == 7.0
    assert bucket.wait(NEVER)
    assert time.now >= 7.0


def test_T03_a_pause_beyond_the_deadline_is_not_slept_through() -> None:
    time = FakeTime()
    bucket = pace(100, time)
    bucket.jam(3600.0)
    assert not bucket.wait(30.0)
    assert time.slept == []


def test_a_rate_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="above 0"):
        pace(0, FakeTime())


@pytest.mark.parametrize(
    ("local", "quiet_from", "quiet_to", "quiet"),
    [
        ("2026-11-20T21:59", "22:00", "06:00", False),
        ("2026-11-20T22:00", "22:00", "06:00", True),
        ("2026-11-21T00:00", "22:00", "06:00", True),
        ("2026-11-21T05:59", "22:00", "06:00", True),
        ("2026-11-21T06:00", "22:00", "06:00", False),
        ("2026-11-21T12:30", "12:00", "13:00", True),
        ("2026-11-21T13:00", "12:00", "13:00", False),
        ("2026-11-21T03:00", None, None, False),
    ],
)
def test_T14_quiet_hours_are_local_and_may_span_midnight(local: str, quiet_from: str | None, quiet_to: str | None, quiet: bool) -> None:
    moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")).astimezone(ZoneInfo("UTC"))
    assert is_quiet(moment, quiet_from=quiet_from, quiet_to=quiet_to, time_zone="Asia/Ho_Chi_Minh") is quiet
