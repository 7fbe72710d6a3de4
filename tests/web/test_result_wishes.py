"""What a person asks for on the page: "this is not me", no more messages, the link once more. And who may not."""

from __future__ import annotations

import types
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from pipeline.domain.words import Choice, HoldReason, MessageState, PersonState, Purpose, Silence
from pipeline.ledger import audit, holds, invariants, openings, outbox, silences
from pipeline.ledger.engine import Ledger
from pipeline.ledger.tables import silence
from pipeline.stages.answer import answer
from pipeline.stages.open_page import VALID_FOR
from pipeline.vault.numbers import number_print
from tests.cards import card_row
from tests.web.sites import MINE, NOW, NUMBER, NUMBER_KEY, OLD, OTHER, RIGHT, WRONG, Here, link

PRINT = number_print(NUMBER_KEY, NUMBER)


@pytest.fixture
def site(ledger: Ledger) -> Here:
    made = Here(ledger)
    made.put(card_row(MINE, PersonState.READY, 2), card_row(OTHER, PersonState.AT_LAB, 0))
    made.put(card_row(OLD, PersonState.READY, 3), at=NOW - VALID_FOR - timedelta(days=1))
    return made


def silent(site: Here) -> dict[str, Silence]:
    with site.ledger.begin() as conn:
        return silences.among(conn, [PRINT])


def questions(site: Here) -> list[holds.Hold]:
    with site.ledger.begin() as conn:
        return holds.open_for(conn, HoldReason.WRONG_NUMBER)


def messages(site: Here, specimen: str = MINE) -> list[outbox.Message]:
    with site.ledger.begin() as conn:
        return outbox.of_specimen(conn, specimen)


def decide(site: Here, choice: Choice, who: str) -> None:
    house: Any = types.SimpleNamespace(ledger=site.ledger)
    answer(house, questions(site)[0].hold_id, choice, who=who, why="asked", now=NOW)


@pytest.mark.parametrize("asked", ["not_me", "new_link"])
def test_W05_everybody_gets_the_same_answer(site: Here, asked: str) -> None:
    links = [link(), link(OLD), link(OTHER), link("00000000-0000-0000-0000-0000000000ff"), "/r/nonsense", link()]
    answers = {
        (one.status_code, one.headers["location"], one.text) for one in (site.client.post(at, data={"asked": asked}) for at in links)
    }
    assert answers == {(303, f"/r/noted/{asked}", "")}
    assert site.client.get(f"/r/noted/{asked}").status_code == 200
    assert site.client.get("/r/noted/open").status_code == 404


def test_a_wrong_number_gets_nothing_more_and_an_operator_decides_once(site: Here) -> None:
    for _ in range(3):
        site.client.post(link(), data={"asked": "not_me"})
    assert silent(site) == {PRINT: Silence.WRONG_NUMBER}
    (hold,) = questions(site)
    assert (hold.owner, hold.subject) == ("operator", f"specimen {MINE}")
    assert NUMBER not in repr(hold)


def test_two_people_say_that_the_number_is_right(site: Here) -> None:
    site.client.post(link(), data={"asked": "not_me"})
    decide(site, Choice.RELEASE, "lan")
    assert silent(site), "one is not enough"
    decide(site, Choice.RELEASE, "minh")
    assert (silent(site), questions(site)) == ({}, [])
    site.client.post(link(), data={"asked": "not_me"})
    assert silent(site) and len(questions(site)) == 1


def test_one_says_that_it_is_wrong_and_it_stays_so(site: Here) -> None:
    site.client.post(link(), data={"asked": "not_me"})
    decide(site, Choice.REFUSE, "lan")
    site.client.post(link(), data={"asked": "not_me"})
    assert silent(site) and questions(site) == []


def test_who_has_no_number_has_no_wrong_one(site: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    object.__setattr__(site.wishes, "number_of", lambda *_: None)
    site.client.post(link(), data={"asked": "not_me"})
    assert (silent(site), questions(site)) == ({}, [])


def test_opting_out_and_in_needs_the_birth_date(site: Here) -> None:
    assert site.client.post("/r/opt-out").headers["location"] == "/r/" and silent(site) == {}
    site.client.post(link(), data=RIGHT)
    assert "Stop messages to this number" in site.client.get("/r/").text
    site.client.post("/r/opt-out")
    assert silent(site) == {PRINT: Silence.OPTED_OUT} and questions(site) == []
    assert "Send me messages again" in site.client.get("/r/").text
    site.client.post("/r/close")
    site.client.cookies.clear()
    site.client.post("/r/opt-in")
    assert silent(site), "without the birth date nobody opts in either"
    site.client.post(link(OTHER), data=RIGHT)
    site.client.post("/r/opt-in")
    assert silent(site) == {}, "the number is the same"


def test_opting_in_makes_no_wrong_number_right(site: Here) -> None:
    site.client.post(link(), data={"asked": "not_me"})
    site.client.post(link(), data=RIGHT)
    site.client.post("/r/opt-out")
    assert silent(site) == {PRINT: Silence.WRONG_NUMBER}
    site.client.post("/r/opt-in")
    assert silent(site) == {PRINT: Silence.WRONG_NUMBER} and len(questions(site)) == 1


def test_a_link_is_sent_again_once_for_each_version(site: Here) -> None:
    for _ in range(3):
        site.client.post(link(), data={"asked": "new_link"})
    assert [(one.purpose, one.version, one.state) for one in messages(site)] == [(Purpose.LINK, 2, MessageState.QUEUED)]
    site.put(card_row(MINE, PersonState.WITHDRAWN, 3))
    for _ in range(2):
        site.client.post(link(), data={"asked": "new_link"})
    said = [(one.purpose, one.version, one.state) for one in messages(site)]
    assert said == [(Purpose.LINK, 2, MessageState.SUPERSEDED), (Purpose.LINK, 3, MessageState.QUEUED)]
    with site.ledger.begin() as conn:
        assert invariants.violations(conn) == []


def test_a_link_of_a_person_whom_nothing_was_told_is_sent_too(site: Here) -> None:
    site.client.post(link(OTHER), data={"asked": "new_link"})
    assert [(one.purpose, one.version) for one in messages(site, OTHER)] == [(Purpose.LINK, 0)]


def test_the_id_of_a_message_is_the_one_that_sql_gives(site: Here) -> None:
    import duckdb

    site.client.post(link(), data={"asked": "new_link"})
    formula = "left($s, 18) || substr(CAST(CAST(md5(concat_ws('|', CAST($s AS UUID), 2, 'link')) AS UUID) AS VARCHAR), 19)"
    (row,) = duckdb.execute(f"SELECT {formula}", {"s": MINE}).fetchall()
    assert [one.message_id for one in messages(site)] == [row[0]]


def test_an_expired_link_opens_again_when_it_was_asked_for(site: Here) -> None:
    assert site.client.post(link(OLD), data=RIGHT).status_code == 403
    site.client.post(link(OLD), data={"asked": "new_link"})
    assert site.client.post(link(OLD), data=RIGHT).status_code == 303
    site.now = NOW + VALID_FOR + timedelta(days=1)
    assert site.client.post(link(OLD), data=RIGHT).status_code == 403


def test_W04_asking_for_the_link_gives_no_try_back(site: Here) -> None:
    for _ in range(openings.TRIES):
        site.client.post(link(), data=WRONG)
    site.client.post(link(), data={"asked": "new_link"})
    assert site.client.post(link(), data=RIGHT).status_code == 403


def test_W03_a_robot_that_follows_every_address_asks_for_nothing(site: Here) -> None:
    for path in (link(), "/r/", "/r/noted/not_me", "/r/noted/new_link", "/r/opt-out", "/r/opt-in", "/r/close"):
        for method in ("GET", "HEAD", "OPTIONS"):
            site.client.request(method, path)
    assert (silent(site), questions(site), messages(site), site.opened()) == ({}, [], [], None)


@pytest.mark.parametrize("path", [link(), "/r/opt-out", "/r/opt-in", "/r/close"])
def test_W06_another_sites_form_asks_for_nothing(site: Here, path: str) -> None:
    site.client.post(link(), data=RIGHT)
    for asked in ("not_me", "new_link"):
        answer = site.client.post(path, data={"asked": asked}, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
    assert (silent(site), questions(site), messages(site)) == ({}, [], [])
    assert "Not detected" in site.client.get("/r/").text, "nor does it close the page"


def test_what_nobody_may_ask_for_is_refused(site: Here) -> None:
    for asked in ("", "close", "opt_out", "x" * 1000):
        assert site.client.post(link(), data={"asked": asked}).status_code == 400


def test_W14_the_ledger_and_the_audit_know_no_number(site: Here) -> None:
    site.client.post(link(), data={"asked": "not_me"})
    decide(site, Choice.REFUSE, "lan")
    with site.ledger.begin() as conn:
        rows = [tuple(row) for row in conn.execute(select(silence))]
        assert audit.verify(conn) == [] and len(rows) == 1
    assert NUMBER[-9:] not in repr(rows)
