"""The inbox: only whole files leave it, each to one run, and nothing is overwritten or forgotten."""

from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path

import pytest

from pipeline.domain.words import FileKind
from pipeline.errors import ActionNeeded
from pipeline.intake.inbox import Backlog, Claimed, backlog, claim, discard, seal, waiting


class Folders:
    def __init__(self, root: Path) -> None:
        self.inbox, self.claimed, self.source = root / "inbox", root / "claimed", root / "source"
        for folder in (self.inbox, self.claimed, self.source):
            folder.mkdir()

    def file(self, name: str, data: bytes = b"a,b\n") -> Path:
        path = self.source / name
        path.write_bytes(data)
        return path

    def claim(self, limit: int = 100, later: float = 0.0) -> list[Claimed]:
        return claim(self.inbox, self.claimed, limit, time.time() + later)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def test_a_sealed_file_is_claimed_at_once_with_all_that_is_known(folders: Folders) -> None:
    path = seal(folders.file("day.csv"), folders.inbox, "T01", FileKind.MANIFEST)
    assert path == folders.inbox / "T01" / "manifest" / "day.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o440
    (one,) = folders.claim()
    assert (one.sender, one.kind_hint, one.name) == ("T01", FileKind.MANIFEST, "day.csv")
    assert one.path == folders.claimed / f"{one.claim_id}.manifest" / "T01" / "day.csv"
    assert one.path.read_bytes() == b"a,b\n"
    assert folders.claim() == []


def test_of_a_backlog_the_oldest_and_the_newest_go_first(folders: Folders) -> None:
    """By arrival, not by name: what was dropped late is not kept waiting by a pile of older files."""
    names = ["f", "a", "e", "b", "d", "c"]
    for name in names:
        path = seal(folders.file(f"{name}.csv"), folders.inbox, "T01", None)
        # The change time has the file system's own grain: go on when the clock has.
        while time.time_ns() - path.stat().st_ctime_ns < 20_000_000:
            os.sched_yield()
    assert backlog(folders.inbox).files == 6
    rounds = [[one.name.removesuffix(".csv") for one in folders.claim(limit=limit)] for limit in (3, 2, 2)]
    assert rounds == [["f", "a", "c"], ["e", "d"], ["b"]]
    assert backlog(folders.inbox) == Backlog(0, None)


def test_a_name_that_is_taken_gets_a_number(folders: Folders) -> None:
    names = [seal(folders.file("day.csv", bytes([65 + n])), folders.inbox, "T01", None).name for n in range(3)]
    assert names == ["day.csv", "day-2.csv", "day-3.csv"]
    assert sorted(one.path.read_bytes() for one in folders.claim()) == [b"A", b"B", b"C"]


@pytest.mark.parametrize("name", [".hidden.csv", "x.part", "x.TMP"])
def test_a_file_that_was_received_is_never_taken_for_an_unfinished_one(folders: Folders, name: str) -> None:
    seal(folders.file(name), folders.inbox, "T01", None)
    assert len(folders.claim()) == 1


@pytest.mark.parametrize("sender", ["", "_", "../x", "a/b", ".a", "a b"])
def test_a_sender_must_be_a_code(folders: Folders, sender: str) -> None:
    with pytest.raises(ActionNeeded):
        seal(folders.file("day.csv"), folders.inbox, sender, None)


def test_a_missing_source_is_named(folders: Folders) -> None:
    with pytest.raises(ActionNeeded, match=r"absent\.csv"):
        seal(folders.source / "absent.csv", folders.inbox, "T01", None)


@pytest.mark.parametrize(
    ("place", "sender", "kind"),
    [
        ("a.csv", "", None),
        ("T01/a.csv", "T01", None),
        ("T01/results/a.csv", "T01", FileKind.RESULTS),
        ("T01/manifest/2026/a.csv", "T01", FileKind.MANIFEST),
        ("T01/other/a.csv", "T01", None),
        ("results/a.csv", "", FileKind.RESULTS),
    ],
)
def test_where_a_file_was_dropped_says_whose_and_what_it_is(folders: Folders, place: str, sender: str, kind: FileKind | None) -> None:
    path = folders.inbox / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    (one,) = folders.claim(later=10)
    assert (one.sender, one.kind_hint, one.name) == (sender, kind, "a.csv")
    assert waiting(folders.claimed) == [one]


def test_a_file_that_still_changes_is_left(folders: Folders) -> None:
    path = folders.inbox / "a.csv"
    path.write_bytes(b"x")
    assert folders.claim() == []
    # A copying tool that sets the old modification time makes a growing file look old.
    os.utime(path, (1, 1))
    assert folders.claim() == []
    assert len(folders.claim(later=2.1)) == 1


@pytest.mark.parametrize("name", [".a.csv", "a.csv.part", "a.tmp", "a.csv.filepart", ".git/a.csv"])
def test_unfinished_names_are_left_however_old(folders: Folders, name: str) -> None:
    path = folders.inbox / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    assert folders.claim(later=1e6) == []


def test_links_are_not_followed(folders: Folders, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_bytes(b"x")
    (folders.inbox / "link.csv").symlink_to(secret / "key")
    (folders.inbox / "folder").symlink_to(secret)
    assert folders.claim(later=1e6) == []


def test_the_limit_holds_and_the_rest_stays(folders: Folders) -> None:
    for number in range(5):
        seal(folders.file(f"{number}.csv"), folders.inbox, "T01", None)
    assert len(folders.claim(limit=2)) == 2
    assert len(folders.claim()) == 3


def test_what_an_earlier_run_claimed_is_found_until_it_is_discarded(folders: Folders) -> None:
    for number in range(3):
        seal(folders.file(f"{number}.csv"), folders.inbox, "T01", FileKind.RESULTS)
    claimed = folders.claim()
    assert sorted(waiting(folders.claimed), key=lambda one: one.name) == claimed
    for one in claimed[:2]:
        discard(one)
        discard(one)
    assert waiting(folders.claimed) == claimed[2:]
    discard(claimed[2])
    assert list(folders.claimed.iterdir()) == []


def test_an_empty_claim_folder_of_a_crash_is_no_file(folders: Folders) -> None:
    (folders.claimed / "id" / "T01" / "any").mkdir(parents=True)
    assert waiting(folders.claimed) == []


def test_F17_many_who_claim_while_files_arrive_get_each_file_once_and_whole(folders: Folders) -> None:
    content = b"0123456789" * 2_000
    done = threading.Event()

    def drop() -> None:
        for number in range(150):
            seal(folders.file(f"{number}.csv", content), folders.inbox, "T01", None)
        done.set()

    def take(found: list[Claimed]) -> None:
        while not done.is_set():
            found += folders.claim(limit=7)
        found += folders.claim(limit=1_000)

    takings: list[list[Claimed]] = [[], [], []]
    threads = [threading.Thread(target=drop), *(threading.Thread(target=take, args=(found,)) for found in takings)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    taken = [one for found in takings for one in found]
    assert sorted(one.name for one in taken) == sorted(f"{number}.csv" for number in range(150))
    assert all(one.path.read_bytes() == content for one in taken)
    assert len(waiting(folders.claimed)) == 150
