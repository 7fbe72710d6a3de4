"""C01: killed right before and right after every side effect of a run, and run again: as if nothing had happened.

The points are found by tests/faults/points.py. A side effect that is new is missing here, and `test_every_side_effect_has_its_kill`
says so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.home import Home
from pipeline.stages.house import House
from pipeline.stages.init import init
from pipeline.stages.rebuild import rebuild
from pipeline.stages.receive import receive
from pipeline.vault.keys import load_master, master_file
from tests.faults.conftest import Scene, Scenes, small_and_quick, run_through
from tests.faults.points import AFTER, BEFORE, watch
from tests.faults.town import CALMS, DAY_2
from tests.homes import Figures, Installation, Killed, in_child

# Each side effect of a run, and how manieth time it is the one to die at: the second where there are several.
RUN = {
    "rename in inbox._take": 2,
    "replace in archive._put_unsynced": 2,
    "ledger commit in intake.take_in": 2,
    "unlink in inbox.discard": 2,
    "ledger commit in intake._next_batch": 1,
    "link in keys._write_new": 1,
    "unlink in keys._write_new": 1,
    "replace in identity.write_batch": 1,
    "replace in returns.return_rejects": 1,
    "warehouse commit in intake_batch.run_intake_batch": 1,
    "ledger commit in intake_batch.run_intake_batch": 1,
    "ledger commit in decide.decide": 1,
    "warehouse commit in decide.decide_batch": 1,
    "ledger commit in decide_batch._publish": 1,
    "ledger commit in notify._send_all": 1,
    "twilio in sending._send": 2,
    "ledger commit in sending._advance": 2,
}
# Those of the run that reads back what Twilio did not report.
LATE = {"ledger commit in lookup._read_one": 2}
# Those of a run after a crash in the middle of sending: moment of the run, point.
AFTER_A_CRASH = {"ledger commit in lookup.lose_stale": CALMS[1], "ledger commit in lookup._reconcile_one": CALMS[2]}
REBUILD = {
    "warehouse commit in rebuild._replay": 1,
    "warehouse commit in decide.decide_batch": 1,
    "replace in rebuild._put_in_place": 1,
    "unlink in rebuild._put_in_place": 1,
    "unlink in rebuild._remove": 2,
}


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Figures]:
    """Filled by the first who asks: what the second day comes to."""
    return {}


@pytest.fixture
def expected(undisturbed: dict[str, Figures], scenes: Scenes) -> Figures:
    if not undisturbed:
        scene = scenes()
        undisturbed["figures"] = scene.run(*CALMS)
        assert scene.accepted()["accepted"] == 7
        assert undisturbed["figures"].violations == []
    return undisturbed["figures"]


def killed_at(scene: Scene, point: str, when: str, nth: int, *moments: object, judge: Callable[[], None] = small_and_quick) -> None:
    """Run, and die there. Raises Failed if the point is not reached."""

    def work(house: House) -> None:
        judge()
        watch((point, when, nth))
        run_through(house, *moments)

    with pytest.raises(Killed):
        scene.installation.do(work)


def assert_as_if_nothing_had_happened(scene: Scene, expected: Figures) -> None:
    found = scene.run(*CALMS)
    assert found.violations == []
    assert found == expected
    told = scene.accepted()
    assert (told["accepted"], told["doubled"]) == (7, 0)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("point", RUN)
def test_C01_killed_in_a_run(scenes: Scenes, expected: Figures, point: str, when: str) -> None:
    scene = scenes()
    killed_at(scene, point, when, RUN[point], DAY_2)
    assert_as_if_nothing_had_happened(scene, expected)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_C01_T07_killed_while_late_statuses_are_read(scenes: Scenes, expected: Figures, when: str) -> None:
    scene = scenes()
    [(point, nth)] = LATE.items()
    killed_at(scene, point, when, nth, *CALMS)
    assert_as_if_nothing_had_happened(scene, expected)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("point", AFTER_A_CRASH)
def test_C02_T09_killed_again_while_a_crash_is_cleared_up(scenes: Scenes, expected: Figures, point: str, when: str) -> None:
    """The first crash: Twilio has the message, we do not know it."""
    scene = scenes()
    killed_at(scene, "twilio in sending._send", AFTER, 1, DAY_2)
    killed_at(scene, point, when, 1, *[moment for moment in CALMS if moment <= AFTER_A_CRASH[point]])
    assert_as_if_nothing_had_happened(scene, expected)


def test_C01_killed_while_data_docs_are_written(scenes: Scenes, expected: Figures) -> None:
    """With Great Expectations itself as the judge."""
    scene = scenes()
    killed_at(scene, "replace in data_docs._write", AFTER, 1, DAY_2, judge=lambda: None)
    scene.installation.run(DAY_2)
    assert_as_if_nothing_had_happened(scene, expected)


def test_every_side_effect_has_its_kill(scenes: Scenes) -> None:
    def reached(house: House) -> set[str]:
        small_and_quick()
        points = watch()
        run_through(house, *CALMS)
        return set(points.reached)

    assert scenes().installation.do(reached) == set(RUN) | set(LATE)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("point", ["link in inbox._link_unique", "unlink in inbox.seal"])
def test_C01_killed_while_receiving_and_received_again(scenes: Scenes, expected: Figures, tmp_path: Path, point: str, when: str) -> None:
    """One file twice at most: its rows are duplicates then, and nobody is told anything."""
    scene = scenes()
    file = tmp_path / "vong_2.csv"
    file.write_bytes((next((scene.installation.home / "inbox" / "LAB1").glob("vong_2.csv"))).read_bytes())

    def work(house: House) -> None:
        watch((point, when, 1))
        receive(house.home, [file], "LAB1", None)

    with pytest.raises(Killed):
        scene.installation.do(work)
    scene.installation.receive("LAB1", file)
    found = scene.run(*CALMS)
    assert (found.violations, found.state_hash, found.messages) == ([], expected.state_hash, expected.messages)
    assert scene.accepted()["accepted"] == 7
    assert list((scene.installation.home / "inbox").rglob("*.csv")) == []


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("point", REBUILD)
def test_C01_C13_killed_while_rebuilding(first_day: Installation, tmp_path: Path, point: str, when: str) -> None:
    copy = first_day.copy(tmp_path / "copy")
    try:
        before = copy.figures().state_hash

        def work(house: House) -> None:
            watch((point, when, REBUILD[point]))
            rebuild(house, DAY_2)

        with pytest.raises(Killed):
            copy.do(work)
        assert copy.do(lambda house: rebuild(house, DAY_2)).after == before
        found = copy.figures()
        assert (found.state_hash, found.violations) == (before, [])
    finally:
        copy.drop()


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("point", ["link in keys._write_new", "unlink in keys._write_new"])
def test_C01_killed_in_init(installation: Callable[..., Installation], point: str, when: str) -> None:
    made = installation(master_key=None)

    def work() -> None:
        watch((point, when, 1))
        init(made.settings)

    with pytest.raises(Killed):
        in_child(work)
    first = master_file_text(made)
    done = in_child(lambda: init(made.settings))
    assert done.made_key is (first is None)
    assert first in (None, master_file_text(made))
    assert len(in_child(lambda: load_master(made.settings, Home(made.home)))) == 32


def master_file_text(made: Installation) -> str | None:
    path = master_file(Home(made.home))
    return path.read_text() if path.exists() else None
