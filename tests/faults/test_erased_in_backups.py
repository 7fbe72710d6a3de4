"""O11: what is erased is erased in the backups made before, by keys that no backup holds; and stays erased where one of them is restored."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.domain.words import Verdict
from pipeline.errors import ActionNeeded
from pipeline.ledger import receipts
from pipeline.stages.backup import backup
from pipeline.stages.erase import erase
from pipeline.stages.house import House
from pipeline.stages.intake import take_in
from pipeline.stages.rebuild import rebuild
from pipeline.stages.returns import rejects_path
from pipeline.vault.day_keys import KeysMirrorMissing
from tests.faults.backups import Machine, back_up, in_the_backup, nobody
from tests.faults.conftest import Scenes, run_through, small_and_quick
from tests.faults.test_backup_refused import refusal
from tests.faults.test_erase import ALL, LATER, after_two_days, forget, readable
from tests.faults.test_erase_person import NAME, PHONE, names_kept
from tests.faults.test_erase_person import forget as forget_person
from tests.faults.town import CALMS, DAY_2, FIRST_DAY
from tests.homes import Installation

KEPT = "Người Số 4"


def with_a_backup(scenes: Scenes, copy: Path) -> Installation:
    """After two days; rejected rows that name people lie in the senders' folders."""
    town = after_two_days(scenes)

    def reject_all(house: House) -> None:
        with house.ledger.begin() as conn:
            [one] = [one for one in receipts.listing(conn) if one.file_name == "sang.csv"]
        path = rejects_path(house.home, one)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FIRST_DAY["TEAM1"]["sang.csv"])

    town.do(reject_all)
    back_up(town, copy, LATER)
    assert in_the_backup(copy, town).count(NAME) >= 4
    return town


def test_O11_nobody_of_an_erased_day_is_found_in_a_backup_made_before(
    scenes: Scenes, machine: Machine, tmp_path: Path, record_property: Callable[[str, int], None]
) -> None:
    town = with_a_backup(scenes, tmp_path / "copy")
    before = town.figures()
    town.do(forget)
    found = [canary for canary in (ALL, b"0912000", "đường Thử".encode()) if canary in in_the_backup(tmp_path / "copy", town)]
    assert found == []

    after, done = machine.restore(town, tmp_path / "copy", LATER)
    assert (done.violations, done.shut, done.erased.files) == ([], 0, len(before.receipts))
    assert ALL not in after.do(readable)
    assert after.do(lambda house: rebuild(house, LATER)).after == before.state_hash
    assert after.figures().messages == before.messages
    record_property("remains_in_backups", len(found))


def test_O11_one_person_is_in_no_backup_made_before_and_everybody_is_in_the_next(
    scenes: Scenes, machine: Machine, tmp_path: Path, record_property: Callable[[str, int], None]
) -> None:
    town = with_a_backup(scenes, tmp_path / "copy")
    before, people = town.figures(), town.do(names_kept)
    assert town.do(forget_person).days >= 2
    found = [canary for canary in (NAME, PHONE) if canary in in_the_backup(tmp_path / "copy", town)]
    assert found == []
    assert town.do(names_kept) == people - {NAME.decode()}
    back_up(town, tmp_path / "next", LATER)
    assert KEPT.encode() in in_the_backup(tmp_path / "next", town)

    after, done = machine.restore(town, tmp_path / "copy", LATER)
    assert (done.violations, done.erased.batches > 0) == ([], True)
    assert NAME not in after.do(readable)
    assert after.do(lambda house: rebuild(house, LATER)).after == before.state_hash
    following, done = machine.restore(town, tmp_path / "next", LATER)
    assert (done.violations, done.erased.files) == ([], 0)
    assert following.do(names_kept) == people - {NAME.decode()}
    record_property("remains_in_backups", len(found))


def test_O11_a_person_in_a_file_that_waited_when_the_backup_was_made(scenes: Scenes, machine: Machine, tmp_path: Path) -> None:
    scene = scenes()
    town = scene.installation
    back_up(town, tmp_path / "copy", DAY_2)
    assert NAME in in_the_backup(tmp_path / "copy", town)
    scene.run(*CALMS)
    town.do(forget_person)
    assert NAME not in in_the_backup(tmp_path / "copy", town)
    _, done = machine.restore(town, tmp_path / "copy", DAY_2)
    assert (done.shut > 0, done.violations) == (True, [])


def test_O11_what_waited_outlives_the_erasing_of_days_before(scenes: Scenes, machine: Machine, tmp_path: Path) -> None:
    """The retention of every night must not make yesterday evening's backup forget what it acknowledged."""
    scene = scenes()
    town = scene.installation
    back_up(town, tmp_path / "copy", DAY_2)
    scene.run(*CALMS)
    town.do(lambda house: erase(house, DAY_2.date(), who="lan", why="kept for 0 days", now=DAY_2))
    after, done = machine.restore(town, tmp_path / "copy", DAY_2)
    assert (done.shut, done.violations) == (0, [])
    assert len(list(after.home.glob("inbox/*/*.csv"))) > 0


def test_O11_a_file_that_nobody_had_decided_when_it_was_backed_up_comes_back_refused(
    scenes: Scenes, machine: Machine, tmp_path: Path
) -> None:
    """Archived, with its receipt, in no batch yet: decided and erased after the backup."""
    scene = scenes()
    town = scene.installation

    def only_take_in(house: House) -> None:
        with house.writer():
            take_in(house, DAY_2)

    town.do(only_take_in)
    back_up(town, tmp_path / "copy", DAY_2)
    scene.run(*CALMS)
    town.do(forget)
    after, done = machine.restore(town, tmp_path / "copy", LATER)
    assert done.violations == []

    def quickly(house: House) -> None:
        small_and_quick()
        run_through(house, LATER)

    after.do(quickly)
    found = after.figures()
    refused = [one for one in found.receipts if one[3] == "erased"]
    assert (found.violations, {one[2] for one in refused}, len(refused) >= 3) == ([], {Verdict.REFUSED.value}, True)
    assert after.do(lambda house: rebuild(house, LATER)).after == found.state_hash
    assert after.figures().receipts == found.receipts


def test_O11_no_key_is_in_a_backup(scenes: Scenes, tmp_path: Path) -> None:
    town = with_a_backup(scenes, tmp_path / "copy")
    keys = [path.read_bytes() for path in (town.home / "keys" / "days").glob("*.json")]
    assert len(keys) >= 2
    files = [path.read_bytes() for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert [key for key in keys if any(key in data for data in files)] == []


def test_O09_missing_day_keys_are_noticed_before_anything_is_written(scenes: Scenes, machine: Machine, tmp_path: Path) -> None:
    town = with_a_backup(scenes, tmp_path / "copy")
    settings = machine.settings(town.settings)
    assert settings.keys_mirror is not None
    one = sorted(settings.keys_mirror.glob("*.json"))[0]
    elsewhere = one.rename(tmp_path / one.name)
    kind, sentence, left = refusal(settings, tmp_path / "copy")
    assert (kind, "UNPOOL_KEYS_MIRROR" in sentence, one.name.removesuffix(".json") in sentence, left) == ("KeyMissing", True, True, [])
    shutil.rmtree(settings.keys_mirror)
    assert refusal(settings, tmp_path / "copy")[::2] == ("KeyMissing", [])
    settings.keys_mirror.mkdir()
    # As good: the folder itself, put into the empty home.
    shutil.copytree(town.home / "keys" / "days", settings.home / "keys" / "days")
    # The folder says that it had a mirror, and this one is empty.
    assert refusal(settings, tmp_path / "copy")[0] == "KeysMirrorMissing"
    assert not (settings.home / "archive").exists()
    assert elsewhere.exists()
    (settings.home / "keys" / "days" / "mirror.id").unlink()
    assert refusal(settings, tmp_path / "copy")[0] == ""
    assert sorted(path.name for path in settings.keys_mirror.glob("*.json")) == sorted(
        path.name for path in (town.home / "keys" / "days").glob("*.json")
    )


def test_O11_nothing_is_erased_while_the_mirror_is_away(scenes: Scenes, tmp_path: Path) -> None:
    """A key that lived on there would open every copy."""
    town = with_a_backup(scenes, tmp_path / "copy")
    mirror = town.settings.keys_mirror
    assert mirror is not None
    away = mirror.rename(tmp_path / "away")
    before = town.do(readable).count(NAME)

    def refused(house: House) -> str:
        with pytest.raises(KeysMirrorMissing) as told:
            forget(house)
        with pytest.raises(KeysMirrorMissing):
            forget_person(house)
        return told.value.message

    assert "mount" in town.do(refused)
    mirror.mkdir()
    assert "empty" in town.do(refused)
    assert town.do(readable).count(NAME) == before
    mirror.rmdir()
    away.rename(mirror)
    town.do(forget)
    assert list(mirror.glob("*.json")) == list((town.home / "keys" / "days").glob("*.json")) == []


def test_O11_a_tombstone_of_either_side_wins(scenes: Scenes, tmp_path: Path) -> None:
    """A mirror brought back from an older copy of it, and a home brought back so."""
    town = with_a_backup(scenes, tmp_path / "copy")
    mirror, days = town.settings.keys_mirror, town.home / "keys" / "days"
    assert mirror is not None
    keys = {path.name: path.read_bytes() for path in mirror.glob("*.json")}
    town.do(forget)
    for folder in (mirror, days):
        for name, data in keys.items():
            (folder / name).write_bytes(data)
        if folder is days:
            for path in days.glob("*.dropped"):
                path.unlink()
        town.do(lambda house: house.keys.folder().agree())
        assert list(mirror.glob("*.json")) == list(days.glob("*.json")) == []
    assert NAME not in in_the_backup(tmp_path / "copy", town)


def test_O09_a_backup_wants_a_mirror_of_the_keys(scenes: Scenes, tmp_path: Path) -> None:
    installation = scenes().installation

    def refused(house: House) -> str:
        with pytest.raises(ActionNeeded) as told:
            backup(replace(house, keys=replace(house.keys, mirror=None)), tmp_path / "copy", DAY_2, nobody)
        return told.value.message

    assert "UNPOOL_KEYS_MIRROR" in installation.do(refused)
    assert not (tmp_path / "copy").exists()
