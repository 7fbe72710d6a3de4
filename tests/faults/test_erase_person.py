"""O11: one person is erased. Their name is in no volume afterwards, everybody else's still is, and what was decided stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import ActionNeeded
from pipeline.programme import load_programme
from pipeline.stages.erase_person import Person, PersonErased, birth_date, erase_person
from pipeline.stages.house import House
from pipeline.stages.rebuild import rebuild
from pipeline.vault.identity import read_batch, refs
from tests.faults.backups import back_up, in_the_backup
from tests.faults.conftest import Scenes
from tests.faults.test_erase import LATER, after_two_days, killed_everywhere, readable
from tests.faults.town import CALMS, FIRST_DAY, MANIFEST, drop, person, sheet
from tests.homes import Installation

# The 7th of the town: in both days' manifests, and in the first day's a second time, by birth date and phone.
SEVENTH = Person(phone="0912 000 007", birth_date="1957-08-17")
NAME, PHONE = "Người Số 7".encode(), b"0912000007"


def forget(house: House) -> PersonErased:
    return erase_person(house, SEVENTH, who="lan", why="asked for it", now=LATER)


def names_kept(house: House) -> set[str]:
    return {name for ref in refs(house.home) for name in read_batch(house.keys, ref.day, ref.batch_no)["full_name"].to_pylist()}


def test_O11_one_person_is_in_no_volume_and_everybody_else_is(scenes: Scenes, record_property: Callable[[str, int], None]) -> None:
    town = after_two_days(scenes)
    before, people = town.figures(), town.do(names_kept)
    assert NAME in town.do(readable) and NAME.decode() in people

    done = town.do(forget)
    assert done.specimens == 2 and done.files >= 2
    left = town.do(readable)
    remains = [canary for canary in (NAME, PHONE) if canary in left]
    assert remains == []
    assert town.do(names_kept) == people - {NAME.decode()}
    after = town.figures()
    assert (after.state_hash, after.violations, after.messages) == (before.state_hash, [], before.messages)
    assert town.do(lambda house: rebuild(house, LATER)).after == before.state_hash
    assert town.figures().violations == []
    assert not town.do(forget).is_anything
    record_property("remains_after_erasing", len(remains))


def test_O11_a_person_whose_row_was_only_rejected_is_erased_as_well(scenes: Scenes, tmp_path: Path) -> None:
    """The vault never knew them; the file as received and the row that went back did."""
    scene = scenes()
    unreadable = b"what,ever\n0912 000-060,x\n"
    drop(
        scene.installation,
        {"TEAM1": {"mot_dong.csv": sheet(MANIFEST, [person(60, "!!", size=1, day=13)]), "notes.csv": unreadable}},
        tmp_path / "one",
    )
    scene.run(*CALMS)
    town = scene.installation
    sixtieth = Person(phone="0912000060", birth_date="1970-07-10")
    assert any(b"0912000060" in path.read_bytes() for path in town.home.glob("returns/**/*.csv"))

    done = town.do(lambda house: erase_person(house, sixtieth, who="lan", why="asked for it", now=LATER))
    assert (done.specimens, done.files) == (0, 2)
    left = town.do(readable)
    assert b"0912000060" not in left and b"0912 000-060" not in left


def test_O11_not_while_files_wait(scenes: Scenes, tmp_path: Path) -> None:
    town = after_two_days(scenes)
    drop(town, FIRST_DAY, tmp_path / "again")

    def refused(house: House) -> str:
        with pytest.raises(ActionNeeded) as told:
            forget(house)
        return told.value.message

    assert "unpool run" in town.do(refused)
    assert NAME in town.do(readable)


def test_O11_C01_killed_anywhere_the_next_try_erases_the_person(
    scenes: Scenes, tmp_path: Path, record_property: Callable[[str, int], None]
) -> None:
    town = after_two_days(scenes)
    back_up(town, tmp_path / "copy", LATER)
    before = town.figures()

    def check(one: Installation) -> None:
        assert NAME not in one.do(readable)
        assert NAME not in in_the_backup(tmp_path / "copy", one)
        found = one.figures()
        assert (found.state_hash, found.violations, found.messages) == (before.state_hash, [], before.messages)

    kills = killed_everywhere(town, tmp_path, forget, check)
    assert kills >= 8
    record_property("kills", kills)


@pytest.mark.parametrize(
    ("row", "is_theirs"),
    [
        ({"citizen_id": "001 057 012345", "phone": "", "birth_date": ""}, True),
        ({"citizen_id": "001057012346", "phone": "0912000007", "birth_date": "1957-08-18"}, False),
        ({"citizen_id": "", "phone": "+84 912 000 007", "birth_date": "1957-08-17"}, True),
        ({"citizen_id": "", "phone": "0912000007", "birth_date": "1957-08-18"}, False),
        ({"citizen_id": "", "phone": "", "birth_date": "1957-08-17"}, False),
        ({"citizen_id": None, "phone": None, "birth_date": None}, False),
    ],
)
def test_O11_who_is_the_person(row: dict[str, str | None], is_theirs: bool) -> None:
    assert Person("001057012345", "0912.000.007", "1957-08-17").is_of(row, load_programme("vietnam").phones) is is_theirs


@pytest.mark.parametrize(("text", "is_named"), [(b"x;0912 000-007;y", True), (b"0\x009\x001\x002\x000\x000\x000\x000\x000\x007\x00", True), (b"0912000008", False)])  # fmt: skip
def test_O11_a_number_is_found_whatever_separates_its_digits(text: bytes, is_named: bool) -> None:
    assert SEVENTH.is_named_in(text) is is_named


@pytest.mark.parametrize(
    "given",
    [
        {"phone": "0912000007"},
        {"birth_date": "1957-08-17"},
        {},
        {"citizen_id": "abc"},
        {"citizen_id": "1"},
        {"phone": "none", "birth_date": "1957-08-17"},
    ],
)
def test_O11_what_many_have_in_common_is_nobody(given: dict[str, str]) -> None:
    """A text without digits is what everybody has who gave no number."""
    with pytest.raises(ActionNeeded):
        Person(**given)


@pytest.mark.parametrize(("text", "good"), [("1957-08-17", True), ("1957", True), ("17/08/1957", False), ("", False)])
def test_a_birth_date_is_an_iso_date_or_a_year(text: str, good: bool) -> None:
    if good:
        assert birth_date(text) == text
    else:
        with pytest.raises(ActionNeeded):
            birth_date(text)
