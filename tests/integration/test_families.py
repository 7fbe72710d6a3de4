"""T11: a hundred families with one phone each, and homes whose people share the office's: whoever they are, they are told as if alone."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import pytest

from pipeline.delivery.kept import Kept
from pipeline.delivery.link import link_in
from pipeline.delivery.stand_in import ANYBODY, create_app, in_thread
from pipeline.domain.names import fold_key
from pipeline.domain.phones import to_e164
from pipeline.domain.words import PersonState, Purpose
from pipeline.ledger.server import Server
from pipeline.programme import load_programme
from pipeline.stages.house import House
from pipeline.stages.lists import write_lists
from pipeline.stages.open_page import Door, birth_check
from pipeline.stages.publish import publish
from pipeline.stages.verify import verify
from pipeline.vault.identity import read_batch, refs
from pipeline.vault.keys import KeyPurpose
from pipeline.vault.tokens import specimen_of, token
from tests.faults.conftest import run_through, small_and_quick
from tests.faults.town import MANIFEST, RESULTS, drop, result, sheet
from tests.homes import Installation, new_installation
from tests.integration.office import assert_tells_nothing

NOW = datetime.fromisoformat("2026-11-12T18:00:00+07:00")
FAMILIES = 100
# One number, as people write it.
WRITTEN = ("0{}", "+84 {}", "0084-{}", "84{}")
PROGRAMME = load_programme("vietnam")


@dataclass(frozen=True)
class One:
    """Somebody in a tube. `kind` says what comes of it: negative, field (positive, nothing kept), kept (positive; the first's own is, too)."""

    tube: str
    place: int
    size: int
    kind: str
    number: str
    nth: int

    @property
    def name(self) -> str:
        return f"Người {self.tube} Thứ {self.place}"

    @property
    def birth_date(self) -> str:
        return f"19{20 + self.place * 3}-0{1 + self.nth % 9}-1{self.place % 10}"

    @property
    def own(self) -> str:
        return f"{self.tube}K{self.place}" if self.kind == "kept" else ""

    @property
    def row(self) -> str:
        phone = WRITTEN[self.place % len(WRITTEN)].format(self.number)
        mode = "lab" if self.own else "field"
        return f"{self.tube},2026-11-12 08:30,{self.name},{self.birth_date},F,{phone},,{self.nth} đường Thử,{self.size},{self.own},,{mode}"

    @cached_property
    def phone(self) -> str:
        found = to_e164(f"0{self.number}", PROGRAMME.phones)
        assert found is not None
        return found

    @property
    def told(self) -> Counter[Purpose]:
        return Counter({"negative": [Purpose.RESULT], "field": [Purpose.COME_AGAIN], "kept": [Purpose.OWN_TEST, Purpose.RESULT]}[self.kind])

    @property
    def state(self) -> PersonState:
        return PersonState.COME_AGAIN if self.kind == "field" else PersonState.READY


def tube(code: str, size: int, kind: str, number: int) -> list[One]:
    return [One(code, place, size, kind, f"91{number:07}", number) for place in range(size)]


KINDS = ("negative", "field", "kept")
AT_HOME = [one for f in range(FAMILIES) for one in tube(f"F{f:03}", 2 + f % 5, KINDS[f % 3], f)]
# Forty people, all of whom must be told; and more than a number may be told of on one day.
CARE_HOME = [one for t in range(4) for one in tube(f"H{t:03}", 10, ("negative", "kept")[t % 2], 1_000)]
BEYOND = 10
LARGE_HOME = [one for t in range((PROGRAMME.sending.per_number_day + BEYOND) // 10) for one in tube(f"L{t:03}", 10, "negative", 2_000)]
EVERYBODY = [*AT_HOME, *CARE_HOME, *LARGE_HOME]
POOLS = {one.tube: "negative" if one.kind == "negative" else "positive" for one in EVERYBODY}
OWN = {one.own: "negative" if one.place else "positive" for one in EVERYBODY if one.own}


@dataclass(frozen=True)
class Day:
    """The day's end. `sent`: what the stand-in took; `who`: specimen → person."""

    installation: Installation
    sent: list[Kept]
    who: Mapping[str, One]
    token_key: bytes
    broken: list[str]

    def specimens(self, people: list[One]) -> dict[str, One]:
        return {specimen: one for specimen, one in self.who.items() if one in people}

    def told(self) -> dict[str, list[tuple[Purpose, str]]]:
        """Specimen of the link → what for, and to which number."""
        found = defaultdict(list)
        for message in self.sent:
            link = link_in(message.body)
            assert link is not None
            specimen = specimen_of(self.token_key, link.token)
            assert specimen is not None
            found[specimen].append((purpose_of(message.body, link.whole), message.to))
        return found


def purpose_of(body: str, link: str) -> Purpose:
    [found] = [purpose for purpose in Purpose if PROGRAMME.texts[purpose].format(programme=PROGRAMME.sms_name, link=link) == body]
    return found


@pytest.fixture(scope="module")
def day(warm: None, embedded: Server, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """A run after the swabs, after the pools, after the retests."""
    folder = tmp_path_factory.mktemp("families")
    app = create_app(ANYBODY.account_sid, ANYBODY.auth_token, lambda: NOW)
    with in_thread(app) as address:
        made = new_installation(folder / "home", embedded, ledger_template, twilio=replace(ANYBODY, api_base_url=address))
        files = {
            "TEAM1": {"sang.csv": sheet(MANIFEST, [one.row for one in EVERYBODY])},
            "LAB1": {"vong_1.csv": sheet(RESULTS, [result(code, word, ct="24" * (word == "positive")) for code, word in POOLS.items()])},
            "LAB2": {"vong_2.csv": sheet(RESULTS, [result(code, word, at="12 16:00") for code, word in OWN.items()])},
        }
        for minutes, (sender, named) in enumerate(files.items()):
            drop(made, {sender: named}, folder / "desk")
            made.do(lambda house, at=NOW + timedelta(minutes=5 * minutes): small_and_quick() or run_through(house, at))
        by_name = {one.name: one for one in EVERYBODY}

        def known(house: House) -> tuple[dict[str, One], bytes, list[str]]:
            publish(house, NOW, always=True)
            rows = [row for ref in refs(house.home) for row in read_batch(house.keys, ref.day, ref.batch_no).to_pylist()]
            return {row["specimen_id"]: by_name[row["full_name"]] for row in rows}, house.keys.derive(KeyPurpose.TOKEN), verify(house)

        yield Day(made, list(app.state.store.messages.values()), *made.do(known))
        made.drop()


@pytest.mark.parametrize("people", [AT_HOME, CARE_HOME], ids=["a hundred families", "forty people of a home"])
def test_T11_everybody_is_told_once_of_each_thing_by_a_link_of_their_own(
    day: Day, people: list[One], record_property: Callable[[str, int], None]
) -> None:
    """On the number that they share, and on no other."""
    told, mine = day.told(), day.specimens(people)
    assert len(mine) == len(people)
    assert {one.name: Counter(told[specimen]) for specimen, one in mine.items()} == {
        one.name: Counter({(purpose, one.phone): times for purpose, times in one.told.items()}) for one in people
    }
    assert set(told) <= set(day.who) and day.broken == []
    record_property("people_who_share_a_phone", len(people))


def test_T11_no_message_names_anybody_of_those_who_share_the_phone(day: Day) -> None:
    assert_tells_nothing(message.body for message in day.sent)
    for message in day.sent:
        link = link_in(message.body)
        assert link is not None
        # What tells two of them apart is the link, and nothing else.
        words = fold_key(message.body.replace(link.whole, ""))
        assert not [part for part in ("nguoi", "thu", "f0", "h0", "l0", "19") if part in words.replace("covid_19", "")], words


def test_T11_each_link_opens_the_page_of_its_own_person_and_of_no_one_else_of_the_family(day: Day) -> None:
    """With the birth date of the next in the family, or of the home, and then with one's own."""
    mine = day.specimens([*AT_HOME, *CARE_HOME])
    next_one = {(one.tube, one.place): one.birth_date for one in mine.values()}

    def opened(house: House) -> dict[str, tuple[bool, bool, PersonState]]:
        door = Door(house.ledger, day.token_key, birth_check(house.keys))
        found = {}
        for specimen, one in mine.items():
            link = token(day.token_key, specimen)
            others = door.open(link, next_one[one.tube, (one.place + 1) % one.size], NOW)
            found[one.name] = others, door.open(link, one.birth_date, NOW), door.shown([link])[link].state
        return found

    assert day.installation.do(opened) == {one.name: (False, True, one.state) for one in mine.values()}


def test_T11_who_is_beyond_the_days_limit_of_a_number_is_on_a_list_by_name(day: Day, tmp_path: Path) -> None:
    """A home of more people than one number may be told of on one day: told, or to be called, each of them, and nobody both."""
    told, mine = day.told(), day.specimens(LARGE_HOME)
    day.installation.do(lambda house: write_lists(house, tmp_path, NOW + timedelta(hours=1)) and None)
    with (tmp_path / "unreached.csv").open(encoding="utf-8-sig", newline="") as file:
        to_call = [row for row in csv.DictReader(file) if row["state"] == "over_limit"]
    reached = [one.name for specimen, one in mine.items() if specimen in told]
    assert len(reached) == PROGRAMME.sending.per_number_day
    assert sorted([*reached, *(row["full_name"] for row in to_call)]) == sorted(one.name for one in LARGE_HOME)
