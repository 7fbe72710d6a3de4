"""Keys: one master, purposes that do not mix, and a day that is erased with its key."""

from __future__ import annotations

import base64
import hmac
import stat
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipeline.errors import ActionNeeded, KeyMissing
from pipeline.home import Home
from pipeline.settings import Settings
from pipeline.vault.keys import KeyPurpose, Keys, create_master, load_master, master_file

MASTER = bytes(range(32))
DAY = date(2026, 11, 20)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "var")


def _settings(home: Home) -> Settings:
    return Settings(home=home.root, programme="vietnam")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _hkdf(master: bytes, info: str) -> bytes:
    """RFC 5869 in two lines, without a salt, for one block."""
    extracted = hmac.digest(bytes(32), master, "sha256")
    return hmac.digest(extracted, info.encode() + b"\x01", "sha256")


def test_purposes_have_keys_of_their_own_that_never_change(home: Home) -> None:
    keys = Keys(MASTER, home)
    derived = {purpose: keys.derive(purpose) for purpose in KeyPurpose}
    assert len(set(derived.values())) == len(KeyPurpose)
    assert all(len(key) == 32 for key in derived.values())
    # Pseudonyms and links that were given out hang on these bytes: a change here breaks every installation.
    assert derived[KeyPurpose.PSEUDONYM].hex() == "01fa7b9995f2a92475fdd297b2c24ed85f444435e53849a72af222a7b3214bda"
    assert derived == {purpose: _hkdf(MASTER, f"unpool {purpose.value}") for purpose in KeyPurpose}
    assert Keys(bytes(32), home).derive("token") != keys.derive("token")


def test_an_unknown_purpose_is_an_error(home: Home) -> None:
    with pytest.raises(ValueError):
        Keys(MASTER, home).derive("pseudonyms")


def test_the_master_is_not_shown(home: Home) -> None:
    assert repr(MASTER) not in repr(Keys(MASTER, home))


def test_a_day_has_one_key(home: Home) -> None:
    keys = Keys(MASTER, home)
    key = keys.make_day_key(DAY)
    assert len(key) == 32
    assert keys.make_day_key(DAY) == key == keys.day_key(DAY) == Keys(MASTER, home).day_key(DAY)
    assert keys.make_day_key(date(2026, 11, 21)) != key


def test_a_day_key_lies_wrapped_and_private(home: Home) -> None:
    key = Keys(MASTER, home).make_day_key(DAY)
    path = home.day_keys / "2026-11-20.0001.json"
    assert key not in path.read_bytes() and base64.b64encode(key) not in path.read_bytes()
    assert _mode(path) == 0o600 and _mode(path.parent) == 0o700
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_another_master_does_not_open_it_nor_another_day(home: Home) -> None:
    Keys(MASTER, home).make_day_key(DAY)
    with pytest.raises(KeyMissing, match="master key"):
        Keys(bytes(32), home).day_key(DAY)
    (home.day_keys / "2026-11-20.0001.json").rename(home.day_keys / "2026-11-21.0001.json")
    with pytest.raises(KeyMissing):
        Keys(MASTER, home).day_key(date(2026, 11, 21))


def test_a_dropped_key_is_gone_and_is_not_made_again_for_a_day_with_batches(home: Home) -> None:
    keys = Keys(MASTER, home)
    keys.make_day_key(DAY)
    (home.vault / "2026-11-20").mkdir(parents=True)
    (home.vault / "2026-11-20" / "7.parquet").write_bytes(b"x")
    keys.drop_day_key(DAY)
    keys.drop_day_key(DAY)
    with pytest.raises(KeyMissing, match="erased"):
        keys.day_key(DAY)
    with pytest.raises(KeyMissing, match="erased"):
        keys.make_day_key(DAY)


def test_a_master_is_made_once_and_found_again(home: Home) -> None:
    master = create_master(home)
    assert len(master) == 32
    assert _mode(master_file(home)) == 0o600 and _mode(home.keys) == 0o700
    assert load_master(_settings(home), home) == master
    with pytest.raises(ActionNeeded, match="kept"):
        create_master(home)
    assert load_master(_settings(home), home) == master


def test_the_environment_comes_first(home: Home) -> None:
    create_master(home)
    settings = replace(_settings(home), master_key=base64.b64encode(MASTER).decode())
    assert load_master(settings, home) == MASTER


def test_no_master_says_what_to_do(home: Home) -> None:
    with pytest.raises(KeyMissing, match="unpool init"):
        load_master(_settings(home), home)


@pytest.mark.parametrize("text", ["x", "bm90IDMyIGJ5dGVz", "Zm9v!", base64.b64encode(bytes(33)).decode()])
def test_a_wrong_master_is_named_by_its_place_and_not_shown(home: Home, text: str) -> None:
    with pytest.raises(KeyMissing, match="UNPOOL_MASTER_KEY") as error:
        load_master(replace(_settings(home), master_key=text), home)
    assert text == "x" or text not in str(error.value)


def test_a_master_that_others_may_read_is_refused(home: Home) -> None:
    create_master(home)
    master_file(home).chmod(0o640)
    with pytest.raises(KeyMissing, match="chmod 600"):
        load_master(_settings(home), home)
