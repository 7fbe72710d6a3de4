"""The archive: what was put comes back byte for byte, is unreadable without its key, and damage is found."""

from __future__ import annotations

import hashlib
import stat
from datetime import date
from pathlib import Path

import pytest

from pipeline.errors import KeyMissing
from pipeline.home import Home
from pipeline.intake.archive import Archive, ArchiveDamaged, NotInArchive
from pipeline.vault.keys import Keys

KEY = bytes(range(32))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def _only_file(root: Path) -> Path:
    (path,) = [path for path in root.rglob("*") if path.is_file()]
    return path


@pytest.mark.parametrize("data", [b"", b"a", b"x,y\n1,2\n" * 10_000])
def test_what_was_put_comes_back(root: Path, data: bytes) -> None:
    archive = Archive(root, KEY)
    name = archive.put(data)
    assert name == hashlib.sha256(data).hexdigest()
    assert name in archive
    assert archive.get(name) == data
    assert archive.names() == [name]


def test_twice_is_once_and_changes_nothing(root: Path) -> None:
    archive = Archive(root, KEY)
    archive.put(b"once")
    before = _only_file(root).stat().st_mtime_ns, _only_file(root).read_bytes()
    archive.put(b"once")
    assert (_only_file(root).stat().st_mtime_ns, _only_file(root).read_bytes()) == before


def test_many_come_back_in_order(root: Path) -> None:
    archive = Archive(root, KEY)
    files = [bytes([number % 50]) * number for number in range(200)]
    assert [archive.get(name) for name in archive.put_many(files)] == files


def test_the_disk_holds_no_plain_text_and_nobody_else_may_read_it(root: Path) -> None:
    Archive(root, KEY).put(b"CANARY " * 100)
    assert b"CANARY" not in _only_file(root).read_bytes()
    assert stat.S_IMODE(_only_file(root).stat().st_mode) & 0o377 == 0
    assert all(stat.S_IMODE(folder.stat().st_mode) == 0o700 for folder in [root, *root.iterdir()])


def test_a_missing_file_is_named(root: Path) -> None:
    with pytest.raises(NotInArchive, match="0" * 64):
        Archive(root, KEY).get("0" * 64)
    assert "0" * 64 not in Archive(root, KEY)


@pytest.mark.parametrize("place", [0, 1, 13, -1])
def test_damage_is_found(root: Path, place: int) -> None:
    archive = Archive(root, KEY)
    name = archive.put(b"some bytes of a file")
    path = _only_file(root)
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 1
    path.chmod(0o600)
    path.write_bytes(damaged)
    with pytest.raises(ArchiveDamaged):
        archive.get(name)


def test_another_key_or_a_swapped_file_does_not_open(root: Path) -> None:
    archive = Archive(root, KEY)
    first, second = archive.put(b"first"), archive.put(b"second")
    with pytest.raises(ArchiveDamaged):
        Archive(root, bytes(32)).get(first)
    (root / first[:2] / first).replace(root / second[:2] / second)
    with pytest.raises(ArchiveDamaged):
        archive.get(second)


def test_what_a_crash_left_behind_is_no_file_of_the_archive(root: Path) -> None:
    archive = Archive(root, KEY)
    name = archive.put(b"whole")
    (root / name[:2] / f".{name}.x.tmp").write_bytes(b"half")
    assert archive.names() == [name]


@pytest.fixture
def of_days(tmp_path: Path) -> Archive:
    home = Home(tmp_path)
    home.make()
    return Archive(home.archive, KEY, Keys(KEY, home))


DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)


def test_O11_a_file_of_a_day_opens_while_the_day_has_its_key(of_days: Archive, tmp_path: Path) -> None:
    name = of_days.put(b"who", DAY.isoformat())
    assert (of_days.get(name), of_days.day_of(name)) == (b"who", DAY)
    Keys(KEY, Home(tmp_path)).drop_day_key(DAY)
    with pytest.raises(KeyMissing, match="erased"):
        of_days.get(name)
    with pytest.raises(KeyMissing, match="erased"):
        of_days.put(b"more", DAY.isoformat())


def test_O11_what_comes_again_belongs_to_the_later_day(of_days: Archive, tmp_path: Path) -> None:
    name = of_days.put(b"who", DAY.isoformat())
    of_days.put(b"who", NEXT.isoformat())
    of_days.put(b"who", DAY.isoformat())
    assert of_days.day_of(name) == NEXT
    Keys(KEY, Home(tmp_path)).drop_day_key(DAY)
    assert of_days.get(name) == b"who"


def test_O11_a_file_sealed_before_days_had_keys_still_opens_and_gets_one_when_it_comes_again(of_days: Archive) -> None:
    name = of_days.put(b"who")
    assert (of_days.get(name), of_days.day_of(name)) == (b"who", None)
    of_days.put(b"who", DAY.isoformat())
    assert of_days.day_of(name) == DAY


@pytest.mark.parametrize("place", [0, 1, 5, 11, 24, -1])
def test_damage_of_a_days_file_is_found(of_days: Archive, tmp_path: Path, place: int) -> None:
    name = of_days.put(b"some bytes of a file", DAY.isoformat())
    path = tmp_path / "archive" / name[:2] / name
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 1
    path.chmod(0o600)
    path.write_bytes(damaged)
    with pytest.raises((ArchiveDamaged, KeyMissing)):
        of_days.get(name)


def test_an_erased_file_is_gone_and_twice_is_once(of_days: Archive) -> None:
    name = of_days.put(b"who", DAY.isoformat())
    of_days.erase(name)
    of_days.erase(name)
    assert name not in of_days
    assert of_days.day_of(name) is None
