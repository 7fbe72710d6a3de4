"""O09: a backup taken while all goes on, restored on an empty machine: nothing lost, nothing doubled, and nobody told twice."""

from __future__ import annotations

import base64
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.home import Home
from pipeline.ledger import server
from pipeline.stages.backup import _held as held
from pipeline.stages.backup import backup
from pipeline.stages.backup_folder import Contents, check_files, read_contents
from pipeline.stages.house import House, open_house
from pipeline.stages.restore import Restored, restore
from pipeline.stages.status import status
from pipeline.vault.keys import Keys
from tests.faults.backups import Machine, back_up, nobody, reconcile
from tests.faults.conftest import Scene, Scenes, killed_at, run_through, small_and_quick
from tests.faults.points import AFTER, BEFORE, watch
from tests.faults.town import CALMS, DAY_2
from tests.homes import MASTER_KEY, ChildFailed, Figures, Installation, Killed, in_child

# Where the machine is when the backup is taken: killed there, on the second day. Between them messages are in every state.
HALF_WAY = {
    "claimed": ("ledger commit in intake.take_in", BEFORE, 1),
    "archived": ("ledger commit in intake.take_in", AFTER, 1),
    "taken in": ("warehouse commit in intake_batch.run_intake_batch", AFTER, 1),
    "decided": ("warehouse commit in decide.decide_batch", AFTER, 1),
    "sending": ("twilio in sending._send", AFTER, 2),
    "sent": ("ledger commit in sending._settle", AFTER, 3),
}


def assert_as_if_nothing_had_happened(scene: Scene, expected: Figures, copy: Path, contents: Contents, machine: Machine) -> None:
    """Restored, reconciled and run to quiet: the second day as it always comes out."""
    after, done = machine.restore(scene.installation, copy, DAY_2)
    assert (done.violations, done.contents) == ([], contents)
    assert after.do(status)["state_hash"] == contents.state_hash
    again = Scene(after, scene.accepted)
    before = scene.accepted()["accepted"]
    again.run(*CALMS[:2])
    assert scene.accepted()["accepted"] == before
    after.do(lambda house: reconcile(house, DAY_2))
    found = again.run(*CALMS)
    assert found == expected
    assert (scene.accepted()["accepted"], scene.accepted()["doubled"]) == (7, 0)


@pytest.mark.parametrize("where", HALF_WAY)
def test_O09_half_way_through_a_day(scenes: Scenes, expected: Figures, machine: Machine, tmp_path: Path, where: str) -> None:
    """The machine of the backup goes on to the end of the day, and then is lost."""
    scene = scenes()
    killed_at(scene, *HALF_WAY[where], DAY_2)
    contents = back_up(scene.installation, tmp_path / "copy", DAY_2)
    assert scene.run(*CALMS) == expected
    assert_as_if_nothing_had_happened(scene, expected, tmp_path / "copy", contents, machine)


@contextmanager
def running(installation: Installation) -> Iterator[None]:
    """Another process runs all stages again and again meanwhile, and is killed somewhere in a further run."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            small_and_quick()
            with open_house(installation.settings) as house:
                while True:
                    run_through(house, DAY_2)
                    os.write(writing, b"r")
        finally:
            os._exit(1)
    os.close(writing)
    try:
        yield
        assert os.read(reading, 1) == b"r"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)


def test_O09_while_all_goes_on(scenes: Scenes, expected: Figures, machine: Machine, tmp_path: Path) -> None:
    scene = scenes()
    with running(scene.installation):
        contents = back_up(scene.installation, tmp_path / "copy", DAY_2)
    assert scene.run(*CALMS) == expected
    assert_as_if_nothing_had_happened(scene, expected, tmp_path / "copy", contents, machine)


# Every side effect of a restore, and how manieth time.
RESTORE = {
    "replace in backup_folder._copy": 3,
    "replace in restore._begin": 1,
    "replace in day_keys._mark_both": 1,
    "replace in day_keys._copy_missing": 2,
    "link in inbox._link_unique": 2,
    "unlink in inbox.put_back": 1,
    "ledger commit in restore._block_sending": 1,
    "unlink in restore.restore": 1,
}


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("point", RESTORE)
def test_O09_C01_a_restore_that_was_killed_is_restored_again(
    first_day: Installation, machine: Machine, tmp_path: Path, point: str, when: str
) -> None:
    """Until then nobody opens the home."""
    contents = back_up(first_day, tmp_path / "copy", DAY_2)
    settings = machine.settings(first_day.settings)

    def work() -> Restored:
        watch((point, when, RESTORE[point]))
        return restore(settings, tmp_path / "copy", DAY_2, nobody)

    with pytest.raises(Killed):
        in_child(work)
    after = Installation(settings, machine.server)
    is_whole = (point, when) == ("unlink in restore.restore", AFTER)
    if not is_whole:
        if after.home.joinpath("restore.unfinished").exists():
            with pytest.raises(ChildFailed, match="unpool restore"):
                after.do(status)
        assert in_child(lambda: restore(settings, tmp_path / "copy", DAY_2, nobody)).violations == []
    found, before = after.figures(), first_day.figures()
    assert (found.status.pop("sending"), before.status.pop("sending")) == ("restored", "idle")
    assert (found, found.state_hash) == (before, contents.state_hash)


def test_every_side_effect_of_a_restore_has_its_kill(first_day: Installation, machine: Machine, tmp_path: Path) -> None:
    back_up(first_day, tmp_path / "copy", DAY_2)
    settings = machine.settings(first_day.settings)

    def work() -> set[str]:
        points = watch()
        restore(settings, tmp_path / "copy", DAY_2, nobody)
        return set(points.reached)

    assert in_child(work) == set(RESTORE)


# Every side effect of a backup, and how manieth time.
BACKUP = {
    "replace in backup_folder._copy": 3,
    "replace in archive._put_unsynced": 1,
    "replace in backup_folder.write_contents": 1,
    "rename in backup.backup": 1,
}


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("point", BACKUP)
def test_O09_C01_a_backup_is_there_when_it_is_whole(
    first_day: Installation, machine: Machine, tmp_path: Path, point: str, when: str
) -> None:
    """Killed in the middle, there is none yet; and it can be made again."""
    copy = tmp_path / "copy"

    def work(house: House) -> None:
        watch((point, when, BACKUP[point]))
        backup(house, copy, DAY_2, nobody)

    with pytest.raises(Killed):
        first_day.do(work)
    assert copy.exists() is ((point, when) == ("rename in backup.backup", AFTER))
    if not copy.exists():
        back_up(first_day, copy, DAY_2)
    assert list(tmp_path.glob(".copy.*.unfinished")) == []
    keys = Keys(base64.b64decode(MASTER_KEY), Home(tmp_path))
    check_files(copy, read_contents(copy, keys), nobody)


def test_O09_a_backup_that_is_under_way_is_let_alone(first_day: Installation, tmp_path: Path) -> None:
    """Its folder is locked by who makes it; what nobody has locked any more goes."""
    abandoned, under_way = (tmp_path / f".copy.{digit * 32}.unfinished" for digit in "ab")
    other = tmp_path / ".copy.mine.unfinished"
    for folder in (abandoned, under_way, other):
        folder.mkdir()
    with held(under_way):
        back_up(first_day, tmp_path / "copy", DAY_2)
    assert (abandoned.exists(), under_way.exists(), other.exists()) == (False, True, True)


def test_every_side_effect_of_a_backup_has_its_kill(first_day: Installation, tmp_path: Path) -> None:
    def work(house: House) -> set[str]:
        points = watch()
        backup(house, tmp_path / "copy", DAY_2, nobody)
        return set(points.reached)

    assert first_day.do(work) == set(BACKUP)


# Every side effect of reconciling.
RECONCILE = (
    "ledger commit in reconcile_restored._merge",
    "ledger commit in reconcile_restored._adopt_all",
    "ledger commit in reconcile_restored.reconcile_restored",
)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("point", RECONCILE)
def test_O10_C01_killed_while_reconciling(
    scenes: Scenes, expected: Figures, machine: Machine, tmp_path: Path, point: str, when: str
) -> None:
    scene = scenes()
    killed_at(scene, *HALF_WAY["sending"], DAY_2)
    back_up(scene.installation, tmp_path / "copy", DAY_2)
    scene.run(*CALMS)
    after, _ = machine.restore(scene.installation, tmp_path / "copy", DAY_2)

    def work(house: House) -> None:
        watch((point, when, 1))
        reconcile(house, DAY_2)

    with pytest.raises(Killed):
        after.do(work)
    is_done = (point, when) == (RECONCILE[-1], AFTER)
    assert (after.do(status)["sending"] == "restored") is not is_done
    assert (after.do(lambda house: reconcile(house, DAY_2)).since is None) is is_done
    assert Scene(after, scene.accepted).run(*CALMS) == expected
    assert (scene.accepted()["accepted"], scene.accepted()["doubled"]) == (7, 0)


def test_every_side_effect_of_reconciling_has_its_kill(scenes: Scenes, machine: Machine, tmp_path: Path) -> None:
    scene = scenes()
    killed_at(scene, *HALF_WAY["sending"], DAY_2)
    back_up(scene.installation, tmp_path / "copy", DAY_2)
    after, _ = machine.restore(scene.installation, tmp_path / "copy", DAY_2)

    def work(house: House) -> set[str]:
        points = watch()
        reconcile(house, DAY_2)
        return set(points.reached)

    assert after.do(work) == set(RECONCILE)


def test_O09_with_a_server_of_its_own(first_day: Installation, machine: Machine, tmp_path: Path) -> None:
    """Nothing is set but the home and the key: the embedded PostgreSQL is made first."""
    contents = back_up(first_day, tmp_path / "copy", DAY_2)
    settings = replace(first_day.settings, home=tmp_path / "home", database_url=None)
    try:
        assert in_child(lambda: restore(settings, tmp_path / "copy", DAY_2, nobody)).violations == []
        assert Installation(settings, machine.server).figures().state_hash == contents.state_hash
    finally:
        server.stop(settings.home)
