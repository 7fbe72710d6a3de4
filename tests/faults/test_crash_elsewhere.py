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
from tests.faults.conftest import Scenes, assert_as_if_nothing_had_happened, killed_at, note_kill, run_through
from tests.faults.inside import watch, whens
from tests.faults.points import AFTER
from tests.faults.test_crash_each_step import CASES as OF_A_RUN
from tests.faults.town import CALMS, DAY_2
from tests.homes import Figures, Installation, Killed, in_child

Died = set[tuple[str, str]]
Told = Callable[[str, int], None]

# Those of a run after a crash in the middle of sending: moment of the run, point.
AFTER_A_CRASH = {"ledger commit in lookup.lose_stale": CALMS[1], "ledger commit in lookup._reconcile_one": CALMS[2]}
REBUILD = {
    "warehouse commit in rebuild._replay": 1,
    "ledger commit in rebuild._fill_in_cards": 1,
    "warehouse commit in decide.decide_batch": 1,
    "replace in rebuild._put_in_place": 1,
    "unlink in rebuild._remove": 2,
}
RECEIVE = ("link in inbox._link_unique", "unlink in inbox.seal")
INIT = ("link in day_keys.write_new", "unlink in day_keys.write_new")
JUDGE = ("replace in data_docs._write", "replace in data_docs._write_page")


def cases(*points: str) -> list[tuple[str, str]]:
    return [(point, when) for point in points for when in whens(point)]


def note_here(died: Died, point: str, when: str, told: Told) -> None:
    """A point that a run has as well is counted there, perhaps by another process."""
    if (point, when) in OF_A_RUN:
        told("kills", 1)
    else:
        note_kill(died, point, when, told)


@pytest.mark.parametrize(("point", "when"), cases(*AFTER_A_CRASH))
def test_C02_T09_killed_again_while_a_crash_is_cleared_up(
    scenes: Scenes, expected: Figures, died: Died, record_property: Told, point: str, when: str
) -> None:
    """The first crash: Twilio has the message, we do not know it."""
    scene = scenes()
    killed_at(scene, "twilio in sending._send", AFTER, 1, DAY_2)
    killed_at(scene, point, when, 1, *[moment for moment in CALMS if moment <= AFTER_A_CRASH[point]])
    record_property("kills", 1)
    note_kill(died, point, when, record_property)
    assert_as_if_nothing_had_happened(scene, expected)


def test_C02_every_side_effect_after_a_crash_has_its_kill(scenes: Scenes, expected: Figures, record_property: Told) -> None:
    scene = scenes()
    killed_at(scene, "twilio in sending._send", AFTER, 1, DAY_2)
    record_property("kills", 1)
    assert set(assert_as_if_nothing_had_happened(scene, expected)) - set(OF_A_RUN) == set(cases(*AFTER_A_CRASH))
    record_property("commit_points", len(AFTER_A_CRASH))


@pytest.mark.parametrize(("point", "when"), cases(*JUDGE))
def test_C01_C02_killed_while_data_docs_are_written(
    warm_judge: None, scenes: Scenes, expected: Figures, died: Died, record_property: Told, point: str, when: str
) -> None:
    """With Great Expectations itself as the judge."""
    scene = scenes()
    for _ in range(2):
        killed_at(scene, point, when, 1, DAY_2, judge=lambda: None)
        note_kill(died, point, when, record_property)
    scene.installation.run(DAY_2)
    assert_as_if_nothing_had_happened(scene, expected)


def test_C01_every_side_effect_of_the_judge_has_its_kill(warm_judge: None, scenes: Scenes, record_property: Told) -> None:
    def reached(house: House) -> set[tuple[str, str]]:
        points = watch()
        run_through(house, DAY_2)
        return set(points.times)

    assert scenes(send_threads=1).installation.do(reached) - set(OF_A_RUN) == set(cases(*JUDGE))
    record_property("commit_points", len(JUDGE))


@pytest.mark.parametrize(("point", "when"), cases(*RECEIVE))
def test_C01_C02_killed_while_receiving_and_received_again(
    scenes: Scenes, expected: Figures, tmp_path: Path, died: Died, record_property: Told, point: str, when: str
) -> None:
    """One file as often as it was tried, at most: its rows are duplicates then, and nobody is told anything."""
    scene = scenes()
    file = tmp_path / "vong_2.csv"
    file.write_bytes((next((scene.installation.home / "inbox" / "LAB1").glob("vong_2.csv"))).read_bytes())

    def work(house: House) -> None:
        watch((point, when, 1))
        receive(house.home, [file], "LAB1", None)

    for _ in range(2):
        with pytest.raises(Killed):
            scene.installation.do(work)
        note_kill(died, point, when, record_property)
    scene.installation.receive("LAB1", file)
    found = scene.run(*CALMS)
    assert (found.violations, found.state_hash, found.messages) == ([], expected.state_hash, expected.messages)
    assert scene.accepted()["accepted"] == 7
    assert list((scene.installation.home / "inbox").rglob("*.csv")) == []


def test_C01_every_side_effect_of_receiving_has_its_kill(scenes: Scenes, tmp_path: Path, record_property: Told) -> None:
    file = tmp_path / "more.csv"
    file.write_bytes(b"tube_code,result,tested_at\n")

    def reached(house: House) -> set[tuple[str, str]]:
        points = watch()
        receive(house.home, [file], "LAB1", None)
        return set(points.times)

    assert scenes().installation.do(reached) == set(cases(*RECEIVE))
    record_property("commit_points", len(RECEIVE))


@pytest.mark.parametrize(("point", "when"), cases(*REBUILD))
def test_C01_C02_C13_killed_while_rebuilding(scenes: Scenes, died: Died, record_property: Told, point: str, when: str) -> None:
    copy = scenes().installation
    before = copy.figures().state_hash

    def work(house: House) -> None:
        watch((point, when, REBUILD[point]))
        rebuild(house, DAY_2)

    for _ in range(2):
        with pytest.raises(Killed):
            copy.do(work)
        note_here(died, point, when, record_property)
    assert copy.do(lambda house: rebuild(house, DAY_2)).after == before
    found = copy.figures()
    assert (found.state_hash, found.violations) == (before, [])


def test_C01_every_side_effect_of_a_rebuild_has_its_kill(scenes: Scenes, record_property: Told) -> None:
    def reached(house: House) -> set[tuple[str, str]]:
        points = watch()
        rebuild(house, DAY_2)
        return set(points.times)

    assert scenes().installation.do(reached) == set(cases(*REBUILD))
    record_property("commit_points", len([point for point in REBUILD if (point, AFTER) not in OF_A_RUN]))


@pytest.mark.parametrize(("point", "when"), cases(*INIT))
def test_C01_C02_killed_in_init(installation: Callable[..., Installation], record_property: Told, point: str, when: str) -> None:
    """Its points are those that make a day's key."""
    made = installation(master_key=None)

    def work() -> None:
        watch((point, when, 1))
        init(made.settings)

    with pytest.raises(Killed):
        in_child(work)
    record_property("kills", 1)
    first = master_file_text(made)
    if first is None:
        with pytest.raises(Killed):
            in_child(work)
        record_property("kills", 1)
    done = in_child(lambda: init(made.settings))
    assert done.made_key is (first is None)
    assert first in (None, master_file_text(made))
    assert len(in_child(lambda: load_master(made.settings, Home(made.home)))) == 32


def test_C01_every_side_effect_of_init_has_its_kill(installation: Callable[..., Installation]) -> None:
    made = installation(master_key=None)

    def reached() -> set[tuple[str, str]]:
        points = watch()
        init(made.settings)
        return set(points.times)

    assert in_child(reached) == set(cases(*INIT))


def master_file_text(made: Installation) -> str | None:
    path = master_file(Home(made.home))
    return path.read_text() if path.exists() else None
