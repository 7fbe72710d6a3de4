"""C01, C02, C13: killed outside of a plain run: while an earlier crash is cleared up, while Great Expectations judges, in the commands."""

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
from tests.faults.conftest import Scenes, assert_as_if_nothing_had_happened, killed_at
from tests.faults.points import AFTER, BEFORE, watch
from tests.faults.town import CALMS, DAY_2
from tests.homes import Figures, Installation, Killed, in_child

# Those of a run after a crash in the middle of sending: moment of the run, point.
AFTER_A_CRASH = {"ledger commit in lookup.lose_stale": CALMS[1], "ledger commit in lookup._reconcile_one": CALMS[2]}
REBUILD = {
    "warehouse commit in rebuild._replay": 1,
    "warehouse commit in decide.decide_batch": 1,
    "replace in rebuild._put_in_place": 1,
    "unlink in rebuild._put_in_place": 1,
    "unlink in rebuild._remove": 2,
}


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
