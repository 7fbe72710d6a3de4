"""O11: days are erased by their keys. Nobody's name is found afterwards by anybody, what was decided stands, and the count still agrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.words import Choice, HoldReason
from pipeline.errors import ActionNeeded, KeyMissing
from pipeline.ledger import holds, receipts
from pipeline.ledger.holds import Hold
from pipeline.ledger.tables import metadata
from pipeline.stages.answer import answer
from pipeline.stages.breakers import OPERATOR
from pipeline.stages.erase import RETENTION, EraseSummary, erase, retain
from pipeline.stages.house import House
from pipeline.stages.kept_facts import kept
from pipeline.stages.lists import write_lists
from pipeline.stages.rebuild import rebuild
from pipeline.vault.identity import read_batch, refs
from tests.faults.backups import back_up, in_the_backup
from tests.faults.conftest import Scenes
from tests.faults.inside import watch, whens
from tests.faults.points import AFTER, BEFORE
from tests.faults.town import CALMS, DAY_2, FIRST_DAY, drop
from tests.homes import ChildFailed, Installation, Killed

LATER = DAY_2 + timedelta(days=40)
# The town's days are the 12th and the 13th. The first day's manifest comes again on the second.
MANY = 5
SECOND, OVER = date(2026, 11, 13), date(2026, 11, 14)
ALL = b"Ng\xc6\xb0\xe1\xbb\x9di S\xe1\xbb\x91"


def forget(house: House, before: date = OVER) -> EraseSummary:
    return erase(house, before, who="Trần Thị B", why="kept for 30 days", now=LATER)


def readable(house: House) -> bytes:
    """Every byte of the home folder and of the ledger, and whatever can be opened by anyone who has the master key."""
    parts = [path.read_bytes() for path in house.home.root.rglob("*") if path.is_file()]
    for sha256 in house.archive.names():
        try:
            parts.append(house.archive.get(sha256))
        except KeyMissing:
            continue
    for ref in refs(house.home):
        try:
            parts.append(str(read_batch(house.keys, ref.day, ref.batch_no).to_pylist()).encode())
        except KeyMissing:
            continue
    with house.ledger.begin() as conn:
        parts += [str(conn.execute(table.select()).all()).encode() for table in metadata.sorted_tables]
    return b"\n".join(parts)


def after_two_days(scenes: Scenes) -> Installation:
    scene = scenes()
    scene.run(*CALMS)
    scene.installation.do(lambda house: write_lists(house, house.home.lists, DAY_2) and None)
    return scene.installation


def test_O11_nobody_of_an_erased_day_is_found_in_any_volume(scenes: Scenes, record_property: Callable[[str, int], None]) -> None:
    town = after_two_days(scenes)
    before, everything = town.figures(), town.do(readable)
    assert ALL in everything
    assert ALL in b"".join(path.read_bytes() for path in town.home.glob("lists/*.csv"))

    done = town.do(forget)
    assert (done.days, done.files) == (2, len(before.receipts))
    left = town.do(readable)
    found = [canary for canary in (ALL, b"0912000", "đường Thử".encode()) if canary in left]
    assert found == []
    assert list(town.home.glob("archive/??/*")) == list(town.home.glob("vault/????-??-??/*")) == []
    after = town.figures()
    assert (after.state_hash, after.violations, after.receipts, after.messages) == (
        before.state_hash,
        [],
        before.receipts,
        before.messages,
    )
    assert town.do(lambda house: rebuild(house, LATER)).after == before.state_hash
    assert town.figures().violations == []
    assert town.do(forget) == EraseSummary(0, 0, 0)
    record_property("remains_after_erasing", len(found))


def test_O11_copies_of_an_erased_day_open_no_more(scenes: Scenes, tmp_path: Path) -> None:
    """A copy of archive and vault that somebody took before, put back without the keys."""
    town = after_two_days(scenes)
    copies = {path: path.read_bytes() for name in ("archive", "vault") for path in (town.home / name).rglob("*.*") if path.is_file()}
    copies |= {path: path.read_bytes() for path in town.home.glob("archive/??/*")}
    town.do(forget)
    for path, data in copies.items():
        if path.parent.name != "keys":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    assert len(list(town.home.glob("archive/??/*"))) > 0 < len(list(town.home.glob("vault/????-??-??/*")))
    assert ALL not in town.do(readable)


def test_O11_what_came_again_later_lives_as_long_as_the_later_day(scenes: Scenes) -> None:
    town = after_two_days(scenes)
    before = town.figures()
    done = town.do(lambda house: forget(house, SECOND))
    assert done.days == 1
    assert ALL in town.do(readable)
    assert town.do(lambda house: rebuild(house, LATER)).after == before.state_hash
    assert town.figures().violations == []


def test_O11_the_same_files_again_tell_nobody_twice(scenes: Scenes, tmp_path: Path) -> None:
    """It comes to what it would have come to without erasing."""

    def again(erased: bool) -> tuple[Any, ...]:
        scene = scenes()
        scene.run(*CALMS)
        town = scene.installation
        if erased:
            town.do(forget)
        drop(town, FIRST_DAY, tmp_path / "again")
        found = scene.run(LATER)
        return found.state_hash, found.violations, found.messages, scene.accepted()["accepted"], len(found.receipts)

    assert again(erased=True) == again(erased=False)


def test_O11_a_day_is_not_erased_while_a_file_of_it_is_held(scenes: Scenes) -> None:
    town = after_two_days(scenes)

    def hold_one(house: House) -> None:
        with house.ledger.begin() as conn:
            conn.exec_driver_sql("UPDATE receipt SET verdict = 'held' WHERE receipt_no = 1")

    town.do(hold_one)
    before = town.do(readable)

    def refused(house: House) -> str:
        with pytest.raises(ActionNeeded) as told:
            forget(house)
        return told.value.message

    assert "receipt 1" in town.do(refused)
    assert town.do(readable).count(ALL) == before.count(ALL)


def test_O11_a_day_that_is_not_over_cannot_be_erased(scenes: Scenes) -> None:
    def refused(house: House) -> None:
        with pytest.raises(ActionNeeded, match="over"):
            forget(house, LATER.date() + timedelta(days=1))

    scenes().installation.do(refused)


def test_O11_retention_erases_after_the_programmes_days_and_says_so_in_the_audit(scenes: Scenes) -> None:
    town = after_two_days(scenes)

    def kept_for(days: int | None, now: Any) -> Callable[[House], EraseSummary]:
        def work(house: House) -> EraseSummary:
            clocks = replace(house.programme.clocks, keep_days=days)
            return retain(replace(house, programme=replace(house.programme, clocks=clocks)), now)

        return work

    assert town.do(kept_for(None, LATER)).days == 0
    assert town.do(kept_for(31, DAY_2 + timedelta(days=31))).days == 1
    assert town.do(kept_for(31, DAY_2 + timedelta(days=32))).days == 1

    def audited(house: House) -> list[tuple[str, str, str]]:
        with house.ledger.begin() as conn:
            return [tuple(row) for row in conn.exec_driver_sql("SELECT who, what, subject FROM audit ORDER BY entry_no")]  # type: ignore[misc]

    assert town.do(audited)[-2:] == [(RETENTION, "erased", "days before 2026-11-13"), (RETENTION, "erased", "days before 2026-11-14")]


def test_O11_retention_that_cannot_go_on_is_a_hold_until_it_can(scenes: Scenes) -> None:
    """With its owner, its reason and its age; it closes by itself, whatever it waited for."""
    town = after_two_days(scenes)
    mirror = town.settings.keys_mirror
    assert mirror is not None

    def kept_for_a_day(now: datetime) -> list[Hold]:
        def work(house: House) -> list[Hold]:
            clocks = replace(house.programme.clocks, keep_days=1)
            retain(replace(house, programme=replace(house.programme, clocks=clocks)), now)
            with house.ledger.begin() as conn:
                return holds.open_for(conn, HoldReason.RETENTION_WAITS)

        return town.do(work)

    def turn(verdict: str) -> None:
        def work(house: House) -> None:
            with house.ledger.begin() as conn:
                conn.exec_driver_sql(f"UPDATE receipt SET verdict = '{verdict}' WHERE receipt_no = 1")

        town.do(work)

    turn("held")
    [first] = kept_for_a_day(LATER)
    assert (first.owner, first.detail) == (OPERATOR, {"before": "2026-12-22", "why": "ActionNeeded", "receipt": 1})
    [still] = kept_for_a_day(LATER + timedelta(days=1))
    assert (still.hold_id, still.opened_at, still.detail["before"]) == (first.hold_id, LATER, "2026-12-23")
    with pytest.raises(ChildFailed, match="closes by itself"):
        town.do(lambda house: answer(house, first.hold_id, Choice.RELEASE, who="lan", why="x", now=LATER))
    turn("accepted")
    away = mirror.rename(mirror.with_name("away"))
    [other] = kept_for_a_day(LATER)
    assert other.detail["why"] == "KeysMirrorMissing"
    assert ALL in town.do(readable)
    away.rename(mirror)
    assert kept_for_a_day(LATER) == []
    assert ALL not in town.do(readable)


def killed_everywhere(town: Installation, folder: Path, work: Callable[[House], Any], check: Callable[[Installation], None]) -> int:
    """Copies of `town`, each killed once at one of the places where `work` can die, then done again and checked. Returns how many.

    Of many side effects: before each one, which is after the one before it.
    """

    def reached(house: House) -> list[str]:
        points = watch()
        work(house)
        return list(dict.fromkeys(points.reached))

    trial = town.copy(folder / "trial")
    found = trial.do(reached)
    places = [(point, when) for point in found for when in (whens(point) if len(found) <= MANY else (BEFORE,))] + [(found[-1], AFTER)]
    trial.drop()
    for number, place in enumerate(places):
        one = town.copy(folder / str(number))

        def killed(house: House, stop: tuple[str, str, int] = (*place, 1)) -> None:
            watch(stop)
            work(house)

        with pytest.raises(Killed):
            one.do(killed)
        one.do(work)
        check(one)
        one.drop()
    return len(places)


def test_O11_C01_killed_anywhere_it_is_done_by_the_next_try(
    scenes: Scenes, tmp_path: Path, record_property: Callable[[str, int], None]
) -> None:
    town = after_two_days(scenes)
    back_up(town, tmp_path / "copy", LATER)
    before = town.figures()

    def check(one: Installation) -> None:
        assert ALL not in one.do(readable)
        assert ALL not in in_the_backup(tmp_path / "copy", one)
        found = one.figures()
        assert (found.state_hash, found.violations, found.messages) == (before.state_hash, [], before.messages)
        assert one.do(lambda house: rebuild(house, LATER)).after == before.state_hash

    kills = killed_everywhere(town, tmp_path, forget, check)
    assert kills >= 9
    record_property("kills", kills)


def test_O11_facts_are_kept_of_every_batch_whose_files_go(scenes: Scenes) -> None:
    def compared(house: House) -> bool:
        forget(house)
        with house.ledger.begin() as conn:
            return {one.batch_no for one in receipts.listing(conn)} == set(kept(house.home))

    assert after_two_days(scenes).do(compared)
