"""The folder of day keys and its mirror: written first, dropped together, never taken for another's or for an empty mount point."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline.errors import KeyMissing
from pipeline.home import Home
from pipeline.intake.archive import Archive
from pipeline.vault.day_keys import KeyFolder, KeyName, KeysMirrorMissing, take_over
from pipeline.vault.keys import Keys

MASTER = bytes(range(32))
DAY = date(2026, 11, 20)


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    return folder


def keys_of(home: Path, mirror: Path | None, master: bytes = MASTER) -> Keys:
    return Keys(master, Home(home), mirror)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_O11_a_key_is_in_the_mirror_too_and_goes_with_it(tmp_path: Path, mirror: Path) -> None:
    keys = keys_of(tmp_path / "home", mirror)
    keys.make_day_key(DAY)
    assert files(mirror) == files(keys.home.day_keys)
    assert sorted(files(mirror)) == ["2026-11-20.0001.json", "mirror.id"]
    keys.drop_day_key(DAY)
    assert sorted(files(mirror)) == sorted(files(keys.home.day_keys)) == ["2026-11-20.0001.dropped", "mirror.id"]
    assert keys_of(tmp_path / "new", mirror).folder().known() == {KeyName("2026-11-20", 1)}


def test_O11_no_key_is_used_that_is_in_one_place_only(tmp_path: Path) -> None:
    keys = keys_of(tmp_path / "home", tmp_path / "not mounted")
    with pytest.raises(KeysMirrorMissing, match="mount"):
        keys.make_day_key(DAY)
    assert list(keys.home.day_keys.glob("*.json")) == []


def test_O11_a_mirror_that_nobody_names_any_more_is_missed(tmp_path: Path, mirror: Path) -> None:
    keys_of(tmp_path / "home", mirror).make_day_key(DAY)
    with pytest.raises(KeysMirrorMissing, match="UNPOOL_KEYS_MIRROR"):
        keys_of(tmp_path / "home", None).drop_day_key(DAY)


def test_O11_a_mirror_set_later_gets_the_keys_that_were_there(tmp_path: Path, mirror: Path) -> None:
    keys_of(tmp_path / "home", None).make_day_key(DAY)
    keys = keys_of(tmp_path / "home", mirror)
    keys.folder().agree()
    assert files(mirror) == files(keys.home.day_keys)


def test_O11_another_installations_mirror_is_refused(tmp_path: Path, mirror: Path) -> None:
    keys_of(tmp_path / "home", mirror).make_day_key(DAY)
    with pytest.raises(KeysMirrorMissing, match="another installation"):
        keys_of(tmp_path / "other", mirror, bytes(32)).folder().agree()
    alike = keys_of(tmp_path / "alike", None)
    alike.make_day_key(DAY)
    with pytest.raises(KeysMirrorMissing, match="another installation"):
        keys_of(tmp_path / "alike", mirror).folder().agree()


def test_O11_a_next_key_seals_and_the_one_before_it_opens_until_it_is_dropped(tmp_path: Path) -> None:
    keys = keys_of(tmp_path / "home", None)
    archive = Archive(tmp_path / "archive", MASTER, keys)
    name = archive.put(b"who", DAY.isoformat())
    keys.make_next(DAY.isoformat())
    assert (archive.get(name), archive.key_of(name)) == (b"who", ("2026-11-20", 1))
    archive.put(b"who", DAY.isoformat())
    assert (archive.get(name), archive.key_of(name)) == (b"who", ("2026-11-20", 2))
    before = archive.put(b"before", DAY.isoformat())
    keys.folder().drop([KeyName("2026-11-20", 2)])
    with pytest.raises(KeyMissing):
        archive.get(before)
    assert keys.find(DAY.isoformat()).name.number == 1


def test_O11_tens_of_erased_persons_of_one_day(tmp_path: Path) -> None:
    """The twelfth key is newer than the second: what it sealed is not sealed anew by an older one."""
    keys = keys_of(tmp_path / "home", None)
    keys.make_day_key(DAY)
    for _ in range(11):
        keys.make_next(DAY.isoformat())
    assert keys.find(DAY.isoformat()).name.number == 12
    archive = Archive(tmp_path / "archive", MASTER, keys)
    name = archive.put(b"who", DAY.isoformat())
    assert archive.key_of(name) == ("2026-11-20", 12)


def test_O11_keys_that_lay_in_the_vault_move_out_of_it(tmp_path: Path) -> None:
    keys = keys_of(tmp_path / "home", None)
    secret, old = keys.make_day_key(DAY), keys.home.vault / "keys"
    old.mkdir(parents=True)
    (keys.home.day_keys / "2026-11-20.0001.json").rename(old / "2026-11-20.json")
    (old / "2026-11-19.erased").write_bytes(b"")
    for _ in range(2):
        take_over(old, keys.home.day_keys)
    assert not old.exists()
    assert keys.day_key(DAY) == secret
    with pytest.raises(KeyMissing, match="erased"):
        keys.make_day_key(date(2026, 11, 19))


def test_O11_a_file_sealed_before_keys_had_numbers_still_opens(tmp_path: Path) -> None:
    keys = keys_of(tmp_path / "home", None)
    archive = Archive(tmp_path / "archive", MASTER, keys)
    name = archive.put(b"who", DAY.isoformat())
    path, nonce = tmp_path / "archive" / name[:2] / name, os.urandom(12)
    path.chmod(0o600)
    path.write_bytes(b"\x02" + DAY.isoformat().encode() + nonce + AESGCM(keys.day_key(DAY)).encrypt(nonce, b"who", name.encode()))
    assert (archive.get(name), archive.day_of(name), archive.key_of(name)) == (b"who", DAY, ("2026-11-20", 1))
    archive.put(b"who", DAY.isoformat())
    assert (path.read_bytes()[:1], archive.get(name)) == (b"\x03", b"who")


@pytest.mark.parametrize("text", ["2026-11-20", "2026-11-20.x", ".0001", "2026-11-20.١"])
def test_what_is_no_keys_name_is_left_alone(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError):
        KeyName.parse(text)
    (tmp_path / f"{text}.json").write_bytes(b"")
    assert KeyFolder(tmp_path, None, "").alive() == []
