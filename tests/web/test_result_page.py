"""The result page: a link and a birth date open it, and every refusal is one and the same answer."""

from __future__ import annotations

import logging
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from pipeline.domain.words import Basis, PersonState, Result
from pipeline.ledger import openings
from pipeline.ledger.engine import Ledger
from pipeline.ledger.tables import opening
from pipeline.stages.open_page import VALID_FOR, Door
from pipeline.vault.identity import VaultRef
from pipeline.vault.sessions import LASTS, session, token_in
from pipeline.vault.tokens import token
from pipeline.web.base.shield import HEADERS
from pipeline.web.result.app import _until_beat
from tests.cards import card_row
from tests.web.sites import MINE, NOW, OLD, RIGHT, SESSION_KEY, TOKEN_KEY, WRONG, Here, link

LINK = link()
LARGEST_PAGE = 15_000
LANGUAGES = ("vi", "en")


@pytest.fixture
def site(ledger: Ledger) -> Here:
    made = Here(ledger)
    made.put(card_row(MINE, PersonState.AT_LAB))
    made.put(card_row(OLD, PersonState.READY), at=NOW - VALID_FOR - timedelta(days=1))
    return made


def read(site: Here, language: str) -> str:
    """The page after the right birth date."""
    asked = site.client.post(LINK, data=RIGHT)
    assert (asked.status_code, asked.headers["location"]) == (303, "/r/")
    page = site.client.get("/r/", headers={"Accept-Language": language})
    assert page.status_code == 200 and f'<html lang="{language}">' in page.text and "<script" not in page.text
    assert len(page.content) < LARGEST_PAGE
    return page.text


def heading(page: str) -> str:
    found = re.search(r"<h1>(.+)</h1>", page)
    assert found
    return found[1]


# Each state with each basis that decide gives it: sql/decide/outcome_now.
TOLD = [
    (PersonState.REGISTERED, None, [Basis.WAITING]),
    (PersonState.AT_LAB, None, [Basis.WAITING]),
    (PersonState.OWN_TEST_NEEDED, None, [Basis.POOL_UNCLEAR, Basis.OWN_UNCLEAR]),
    (PersonState.READY, Result.DETECTED, [Basis.SINGLE]),
    (PersonState.READY, Result.NOT_DETECTED, [Basis.POOL, Basis.SINGLE]),
    (PersonState.COME_AGAIN, None, [one for one in Basis if one.startswith("tube_") or one.endswith("_unclear")]),
    (PersonState.WITHDRAWN, None, [Basis.WITHDRAWN_BY_LAB]),
    (PersonState.NOT_FOUND, None, [Basis.NO_RESULT]),
]
CASES = [(state, result, basis) for state, result, bases in TOLD for basis in bases]


def test_the_cases_are_all_states_results_and_bases() -> None:
    assert [set(words) for words in zip(*CASES, strict=True)] == [set(PersonState), {*Result, None}, set(Basis)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_each_state_and_result_is_told_in_words_in_each_language(site: Here, language: str) -> None:
    texts = site.texts[language]
    for version, (state, result, basis) in enumerate(CASES, 2):
        site.put(card_row(MINE, state, version, result=result, basis=basis))
        page = read(site, language)
        said = f"result.{result}" if result else f"state.{state}"
        assert heading(page) == texts[f"{said}.title"]
        assert texts[f"{said}.means"] in page and texts[f"{said}.todo"] in page
        assert "20/11/2026" in page and "SITE-01" in page and "SARS-CoV-2" in page
        assert [one for one in Basis if one != Basis.WAITING and texts[f"basis.{one}"] in page] == [basis] * (basis != Basis.WAITING)
        # A pool's finding is nobody's result: neither word may stand where there is none.
        others = [texts[f"result.{one}.{part}"] for one in Result if one != result for part in ("title", "means")]
        assert not [one for one in others if f">{one}<" in page]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_corrected_result_says_so_and_another_does_not(site: Here, language: str) -> None:
    note = site.texts[language]["page.corrected"]
    site.put(card_row(MINE, PersonState.READY, 2, result=Result.DETECTED, basis=Basis.SINGLE))
    assert note not in read(site, language)
    site.put(card_row(MINE, PersonState.READY, 3, result=Result.NOT_DETECTED, basis=Basis.SINGLE, is_corrected=True))
    assert note in read(site, language)


def test_a_withdrawn_result_shows_no_more(site: Here) -> None:
    site.put(card_row(MINE, PersonState.READY, 2, result=Result.DETECTED, basis=Basis.SINGLE))
    assert heading(read(site, "en")) == "Detected"
    site.put(card_row(MINE, PersonState.WITHDRAWN, 3))
    page = read(site, "en")
    assert heading(page) == "Your result was withdrawn" and "Detected" not in page


@pytest.mark.parametrize(
    "damage",
    [
        "result = NULL, state = 'ready'",
        "basis = NULL",
        "result = NULL, basis = NULL, place = NULL, collected_on = NULL, state = 'registered'",
    ],
)
def test_there_is_no_default_for_what_a_card_does_not_say(site: Here, damage: str) -> None:
    with site.ledger.begin() as conn:
        conn.execute(text(f"UPDATE card SET {damage}"))
    site.client.post(LINK, data=RIGHT)
    answer = site.client.get("/r/")
    assert answer.status_code == 500 and "on our side" in answer.text


def test_W02_no_guessed_link_opens_and_none_leaves_a_trace(site: Here) -> None:
    for number in range(100):
        guess = site.client.post(f"/r/{uuid.UUID(int=number).hex}", data=RIGHT)
        assert guess.status_code == 403
    with site.ledger.begin() as conn:
        assert conn.execute(select(func.count()).select_from(opening)).scalar_one() == 0


def test_W03_a_robot_that_follows_the_link_changes_nothing(site: Here) -> None:
    for _ in range(20):
        assert site.client.get(LINK).status_code == 200
        site.client.head(LINK)
    assert site.opened() is None
    assert site.client.post(LINK, data=RIGHT).status_code == 303
    assert site.opened() == NOW


def test_W03_no_log_and_no_address_of_what_is_read_holds_the_token(
    site: Here, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "pipeline")
    secret = LINK.removeprefix("/r/")
    site.client.get(LINK)
    site.client.post(LINK, data=WRONG)
    answer = site.client.post(LINK, data=RIGHT)
    page = site.client.get(answer.headers["location"])
    printed = capfd.readouterr()
    ours = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpx"))
    assert secret not in printed.out + printed.err + ours + page.text + answer.headers["location"]
    assert page.headers["referrer-policy"] == "no-referrer"


def test_W04_fifty_wrong_tries_at_once_never_pass_the_limit(site: Here) -> None:
    looked: list[int] = []

    def is_birth_date(ref: VaultRef, specimen_id: str, birth_date: str) -> bool:
        looked.append(1)
        return birth_date == "1984-03-05"

    door = Door(site.ledger, TOKEN_KEY, is_birth_date)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: door.open(token(TOKEN_KEY, MINE), "1984-03-06", NOW), range(50)))
    assert not any(answers) and len(looked) == openings.TRIES
    assert not door.open(token(TOKEN_KEY, MINE), "1984-03-05", NOW), "locked, also for the right date"
    with site.ledger.begin() as conn:
        openings.unlock(conn, MINE)
    assert door.open(token(TOKEN_KEY, MINE), "1984-03-05", NOW)


def test_W05_unknown_wrong_expired_and_locked_are_one_answer(site: Here) -> None:
    unknown = site.client.post(f"/r/{'0' * 32}", data=RIGHT)
    nonsense = site.client.post("/r/nonsense", data=RIGHT)
    expired = site.client.post(link(OLD), data=RIGHT)
    wrong = [site.client.post(LINK, data=WRONG) for _ in range(openings.TRIES)]
    locked = site.client.post(LINK, data=RIGHT)
    answers = [unknown, nonsense, expired, *wrong, locked]
    assert {(one.status_code, one.text, str(sorted(one.headers.items()))) for one in answers} == {
        (403, unknown.text, str(sorted(unknown.headers.items())))
    }
    assert "locked" in unknown.text


@pytest.mark.parametrize(("spent", "rest"), [(0.1, 0.4), (0.49, 0.01), (0.6, 0.4)])
def test_W05_a_refusal_is_given_on_the_beat(spent: float, rest: float) -> None:
    assert _until_beat(spent, 0.5) == pytest.approx(rest)


def test_W06_another_sites_form_spends_no_try(site: Here) -> None:
    for _ in range(openings.TRIES + 1):
        assert site.client.post(LINK, data=WRONG, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert site.client.post(LINK, data=RIGHT).status_code == 303


def test_W07_every_answer_of_the_page_has_every_header(site: Here) -> None:
    answers = [
        site.client.get(LINK), site.client.post(LINK, data=WRONG), site.client.post(LINK, data=RIGHT), site.client.get("/r/"),
        site.client.post("/r/close"), site.client.put(LINK), site.client.post(LINK, content=b"x" * 5000), site.client.get("/nowhere"),
    ]  # fmt: skip
    assert [one.status_code for one in answers] == [200, 403, 303, 200, 303, 405, 413, 404]
    for one in answers:
        assert {name: one.headers.get(name) for name in HEADERS} == HEADERS


def test_a_session_ends_by_itself_and_by_the_button(site: Here) -> None:
    answer = site.client.post(LINK, data=RIGHT)
    assert re.search(r"HttpOnly; Max-Age=900; Path=/r/; SameSite=strict", answer.headers["set-cookie"])
    assert "laboratory" in site.client.get("/r/").text
    site.now = NOW + LASTS
    assert "This page is closed" in site.client.get("/r/").text
    site.client.post(LINK, data=RIGHT)
    site.client.post("/r/close")
    assert "This page is closed" in site.client.get("/r/").text


def test_a_session_that_was_changed_is_none() -> None:
    good = session(SESSION_KEY, "a" * 32, NOW)
    assert token_in(SESSION_KEY, good, NOW) == "a" * 32
    for bad in ("", ".", "b" + good[1:], good[:-1] + ("0" if good[-1] != "0" else "1"), session(b"x" * 32, "a" * 32, NOW)):
        assert token_in(SESSION_KEY, bad, NOW) is None


@pytest.mark.parametrize("form", [{}, RIGHT | {"day": "31", "month": "2"}, RIGHT | {"year": "²024"}, RIGHT | {"day": "-5"}])
def test_what_is_no_date_costs_no_try(site: Here, form: dict[str, str]) -> None:
    for _ in range(openings.TRIES + 1):
        assert site.client.post(LINK, data=form).status_code == 403
    assert site.client.post(LINK, data=RIGHT).status_code == 303
