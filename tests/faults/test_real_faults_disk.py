"""C11, C12: a disk that is full or fails: at the Nth call of the system, for every N until nothing fails; and a small disk that fills up.

What was acknowledged stays, whoever runs it is told one sentence, and when the disk is well again it is as if nothing had happened.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from pipeline.errors import DiskFails, UnpoolError
from pipeline.home import Home
from pipeline.stages.decide import decide
from pipeline.stages.house import open_house
from pipeline.stages.intake import intake
from pipeline.stages.receive import receive
from tests.faults.command import command, environment
from tests.faults.conftest import Scene, Scenes, assert_as_if_nothing_had_happened, run_through, small_and_quick
from tests.faults.strace import Fault, injected, needs_strace
from tests.faults.town import CALMS, DAY_2
from tests.homes import Figures, in_child

Told = Callable[[str, int], None]

FAULTS = {
    # A full disk stays full.
    "full": Fault("write,pwrite64", "ENOSPC", lasts=True),
    "not_written": Fault("write,pwrite64", "EIO", lasts=False),
    "not_synced": Fault("fsync,fdatasync", "EIO", lasts=False),
    "not_named": Fault("?rename,?renameat,?renameat2,?link,?linkat,?unlink,?unlinkat", "EIO", lasts=False),
}
KIB = 1024
# A small disk grows by so much whenever it was full.
STEP_KIB = 128
LATER = tuple(moment + timedelta(hours=4) for moment in CALMS)


@pytest.mark.lengthy
@needs_strace
@pytest.mark.parametrize("fault", FAULTS)
def test_C11_C12_a_day_on_a_disk_that_fails(scenes: Scenes, expected: Figures, tmp_path: Path, record_property: Told, fault: str) -> None:
    for nth in count(1):
        scene = scenes()

        def work(scene: Scene = scene) -> None:
            small_and_quick()
            with open_house(scene.installation.settings) as house:
                intake(house, DAY_2)
                decide(house, DAY_2)

        found = injected(work, FAULTS[fault], nth, tmp_path)
        assert found.raised in ("", DiskFails.__name__), found.words
        record_property("disk_faults", found.faults)
        assert_as_if_nothing_had_happened(scene, expected)
        if not found.faults:
            break
    assert nth > 3


@needs_strace
@pytest.mark.parametrize("fault", FAULTS)
def test_C11_C12_what_could_not_be_received_is_not_acknowledged(tmp_path: Path, record_property: Told, fault: str) -> None:
    file = tmp_path / "results.csv"
    file.write_bytes(b"tube_code,result,tested_at\n" * 100_000)
    for nth in count(1):
        home = Home(tmp_path / f"home_{nth}")
        home.make()
        found = injected(lambda home=home: receive(home, [file], "LAB1", None), FAULTS[fault], nth, tmp_path)
        record_property("disk_faults", found.faults)
        there = [path.read_bytes() == file.read_bytes() for path in home.inbox.rglob("[!.]*") if path.is_file()]
        if found.raised:
            assert found.raised == DiskFails.__name__
            assert found.words.startswith("results.csv was not received. The disk ")
            # Its name may have been made: then it is whole. What is sent again is counted as a duplicate.
            assert there in ([], [True])
        else:
            assert there == [True]
        if not found.faults:
            break
    assert nth > 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """A disk of so many KiB: made by the first call, made larger or smaller by later ones."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()

    def of_size(kib: int) -> Path:
        options = f"remount,size={kib}k" if folder.is_mount() else f"size={kib}k"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"this machine does not mount a small disk: {done.stderr.strip()}")
        return folder

    yield of_size
    if folder.is_mount():
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_C11_a_day_on_a_disk_that_fills_up_and_grows(
    scenes: Scenes, expected: Figures, small_disk: Callable[[int], Path], record_property: Told
) -> None:
    disk = small_disk(64 * KIB)
    scene = scenes(disk / "home")
    size = shutil.disk_usage(disk).used // KIB

    def until_it_is_full(number: int) -> str:
        """The sentence that ends the run, '' where it was done. Anything but a sentence fails the test."""
        try:
            with open_house(scene.installation.settings) as house:
                small_and_quick()
                run_through(house, DAY_2 + timedelta(minutes=3 * number))
        except UnpoolError as error:
            return error.message
        return ""

    for full in count():
        small_disk(size + full * STEP_KIB)
        scene.times.append(DAY_2 + timedelta(hours=4))
        sentence = in_child(lambda number=full: until_it_is_full(number))
        if not sentence:
            break
        assert "The disk is full." in sentence
    assert full > 1
    record_property("full_disks", full)
    small_disk(64 * KIB)
    assert_as_if_nothing_had_happened(scene, expected, LATER)


def test_C11_the_command_line_says_so_in_a_sentence(
    scenes: Scenes, expected: Figures, small_disk: Callable[[int], Path], tmp_path: Path
) -> None:
    disk = small_disk(64 * KIB)
    scene = scenes(disk / "home")
    file = tmp_path / "more.csv"
    file.write_bytes(b"tube_code,result,tested_at\n" * 10_000)
    small_disk(shutil.disk_usage(disk).used // KIB + 8)
    variables = environment(scene.installation.settings, DAY_2)
    for words in (["run"], ["receive", str(file), "--from", "LAB1"]):
        with command(variables, *words, output=tmp_path / "said.txt") as running:
            assert running.wait(120) == DiskFails.exit_code
        said = (tmp_path / "said.txt").read_text()
        assert "The disk is full." in said
        assert "Traceback" not in said
        assert len(said.strip().splitlines()) == 1
    assert "more.csv" not in " ".join(str(path) for path in (disk / "home" / "inbox").rglob("[!.]*"))
    small_disk(64 * KIB)
    assert_as_if_nothing_had_happened(scene, expected)
