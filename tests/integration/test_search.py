"""Search by tube, phone or citizen id: everybody who is meant is found, nobody else, and each look is in the audit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline.domain.words import PersonState
from pipeline.ledger import audit
from pipeline.ledger.server import Server
from pipeline.programme import load_programme
from pipeline.stages.erase import erase
from pipeline.stages.erase_person import Person, erase_person
from pipeline.stages.house import House
from pipeline.stages.publish import publish
from pipeline.stages.search import Found, search
from pipeline.vault import finder, indexes
from pipeline.vault.identity import refs
from tests.faults.town import MANIFEST, RESULTS, person, result, sheet
from tests.homes import Installation
from tests.integration.published import published_day

NOW = datetime.fromisoformat("2026-11-12T18:00:00+07:00")
CITIZEN_ID = "079184001234"
# A tube of a family of two with one phone; one person with a citizen id and a kept specimen.
MANIFESTS = {
    "TEAM1": [person(1, "FAM", size=2, phone="0987 654 321"), person(2, "FAM", size=2, phone="+84987654321"), person(3, "SP3", size=1)],
    "TEAM2": ["LP4,2026-11-12 08:30,Bà Có Thẻ,1984-05-05,F,0912000044," + CITIZEN_ID + ",1 đường Thử,1,KEPT4,,lab"],
}


@pytest.fixture(scope="module")
def day(warm: None, embedded: Server, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    files = {sender: sheet(MANIFEST, rows) for sender, rows in MANIFESTS.items()}
    files["LAB1"] = sheet(RESULTS, [result("FAM", "negative"), result("STRANGE", "positive", ct="20")])
    with published_day(files, NOW, embedded, ledger_template, tmp_path_factory.mktemp("day")) as made:
        yield made


def found(day: Installation, wanted: str, team: str | None = None) -> Found:
    return day.do(lambda house: search(house, wanted, who="lan", now=NOW, team=team))


def names(one: Found) -> list[str]:
    return sorted(specimen.person["full_name"] for specimen in one.specimens)


@pytest.mark.parametrize("written", ["0987654321", "0987.654.321", "+84 987 654 321", "84987654321"])
def test_a_phone_however_written_finds_the_family_and_nobody_else(day: Installation, written: str) -> None:
    assert names(found(day, written)) == ["Người Số 1", "Người Số 2"]


def test_a_citizen_id_finds_one_person(day: Installation) -> None:
    one = found(day, "079 184 001 234")
    assert names(one) == ["Bà Có Thẻ"]
    assert [(specimen.tube_code, specimen.specimen_code, specimen.state) for specimen in one.specimens] == [
        ("LP4", "KEPT4", PersonState.REGISTERED)
    ]


def test_a_tube_is_found_however_typed_with_its_people_results_and_messages(day: Installation) -> None:
    one = found(day, " f-am ")
    assert names(one) == ["Người Số 1", "Người Số 2"]
    assert {specimen.state for specimen in one.specimens} == {PersonState.READY}
    assert [(row["lab"], row["call"]) for row in one.results] == [("LAB1", "not_detected")]
    assert all(len(specimen.messages) == 1 and specimen.opened_at is None for specimen in one.specimens)
    assert names(found(day, "kept4")) == ["Bà Có Thẻ"], "the person's own tube"


def test_a_tube_that_only_a_lab_knows_shows_what_the_lab_said(day: Installation) -> None:
    one = found(day, "STRANGE")
    assert one.specimens == [] and [row["call"] for row in one.results] == ["detected"] and one.is_anything


@pytest.mark.parametrize("wanted", ["", "0", "098765432", "0987654320", "079184001235", "FA", "Người Số 1", "%", "x" * 5_000])
def test_what_is_nobodys_finds_nobody(day: Installation, wanted: str) -> None:
    assert not found(day, wanted).is_anything


def test_W01_a_team_finds_only_its_own_people(day: Installation) -> None:
    assert names(found(day, CITIZEN_ID, team="TEAM2")) == ["Bà Có Thẻ"]
    assert not found(day, CITIZEN_ID, team="TEAM1").is_anything
    assert not found(day, "STRANGE", team="TEAM1").is_anything


def test_each_look_is_in_the_audit_by_pseudonym_and_never_by_what_was_typed(copy: Installation) -> None:
    def work(house: House) -> Any:
        shown = search(house, CITIZEN_ID, who="lan", now=NOW)
        search(house, "0900000000", who="minh", now=NOW)
        with house.ledger.begin() as conn:
            assert audit.verify(conn) == []
            return shown, audit.entries(conn, 2)

    shown, (second, first) = copy.do(work)
    assert (first.who, first.what, first.subject) == ("lan", "searched", shown.specimens[0].specimen_id)
    assert (second.who, second.subject) == ("minh", "nobody")
    assert CITIZEN_ID not in repr((first, second, shown)) and "0900000000" not in repr((first, second))


def test_O11_who_was_erased_is_not_found_and_everybody_else_still_is(copy: Installation) -> None:
    def work(house: House) -> Any:
        erase_person(house, Person(citizen_id=CITIZEN_ID), who="lan", why="asked for it", now=NOW)
        at_once = search(house, CITIZEN_ID, who="lan", now=NOW).is_anything
        publish(house, NOW, always=True)
        return at_once, search(house, CITIZEN_ID, who="lan", now=NOW).is_anything, search(house, "0987654321", who="lan", now=NOW)

    at_once, later, others = copy.do(work)
    assert not at_once and not later
    assert names(others) == ["Người Số 1", "Người Số 2"]


def test_O11_of_an_erased_day_nobody_is_found_by_number(copy: Installation) -> None:
    def work(house: House) -> Any:
        erase(house, (NOW + timedelta(days=1)).date(), who="lan", why="kept for a day", now=NOW + timedelta(days=2))
        publish(house, NOW + timedelta(days=2), always=True)
        return search(house, CITIZEN_ID, who="lan", now=NOW), search(house, "LP4", who="lan", now=NOW)

    by_number, by_tube = copy.do(work)
    assert not by_number.is_anything
    assert names(by_tube) == [""], "what was decided of the tube stays, its people are nobody"


def test_O11_an_index_that_was_made_while_its_batch_was_rewritten_is_thrown_away(copy: Installation) -> None:
    def work(house: House) -> Any:
        (ref,) = refs(house.home)
        of = finder.prints(house.keys, load_programme("vietnam").phones)

        def erased_meanwhile(write: Any) -> None:
            erase_person(house, Person(citizen_id=CITIZEN_ID), who="lan", why="asked for it", now=NOW)
            write()

        indexes.make_indexes(house.keys, ref, of, erased_meanwhile)
        return indexes.lacking(house.keys) == [ref]

    assert copy.do(work)


def test_the_index_holds_no_number_in_clear(day: Installation) -> None:
    (path,) = (day.home / "vault").rglob("*.finder")
    assert not [number for number in ("987654321", CITIZEN_ID) if number.encode() in path.read_bytes()]
