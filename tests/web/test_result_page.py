"""The result page: a link and a birth date open it, and every refusal is one and the same answer."""

from __future__ import annotations

import logging
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from pipeline.domain.words import PersonState
from pipeline.ledger import cards, openings
from pipeline.ledger.engine import Ledger
from pipeline.ledger.tables import opening
from pipeline.stages.open_page import VALID_FOR, Door
from pipeline.vault.sessions import LASTS, session, token_in
from pipeline.vault.tokens import token
from pipeline.web.base.languages import BASE_TEXTS, load_languages
from pipeline.web.base.shield import HEADERS
from pipeline.web.result.app import ROOM, _until_beat, result_app

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TOKEN_KEY, SESSION_KEY = b"t" * 32, b"s" * 32
MINE, OLD = (str(uuid.UUID(int=number)) for number in (1, 2))
LINK = f"/r/{token(TOKEN_KEY, MINE)}"
RIGHT = {"day": "5", "month": "03", "year": "1984"}
WRONG = RIGHT | {"day": "6"}
ENGLISH = {"Accept-Language": "en"}
LARGEST_PAGE = 15_000


class Site:
    """The page on a ledger, at a time that can be moved."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.now = ledger, NOW
        self.texts = load_languages(BASE_TEXTS, ROOM / "texts")
        self.door = Door(ledger, TOKEN_KEY, lambda *_: "1984-03-05")
        app = result_app(self.door, session_key=SESSION_KEY, title="Unpool", path="/r", clock=lambda: self.now, beat_s=0, is_secure=False)
        self.client = TestClient(app, headers=ENGLISH, follow_redirects=False)

    def put(self, specimen: str, state: PersonState, at: datetime, version: int = 1) -> None:
        row = {"specimen_id": specimen, "state": state.value, "version": version, "vault_day": date(2026, 11, 20), "vault_batch": 1}
        with self.ledger.begin() as conn:
            cards.upsert_many(conn, [pa.RecordBatch.from_pylist([row])], at)

    def opened(self) -> datetime | None:
        with self.ledger.begin() as conn:
            return openings.first_opened_at(conn, MINE)


@pytest.fixture
def site(ledger: Ledger) -> Site:
    made = Site(ledger)
    made.put(MINE, PersonState.AT_LAB, NOW)
    made.put(OLD, PersonState.READY, NOW - VALID_FOR - timedelta(days=1))
    return made


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("state", PersonState)
def test_W13_each_state_is_told_in_words_in_each_language(site: Site, state: PersonState, language: str) -> None:
    site.put(MINE, state, NOW, version=2)
    asked = site.client.post(LINK, data=RIGHT)
    assert (asked.status_code, asked.headers["location"]) == (303, "/r/")
    page = site.client.get("/r/", headers={"Accept-Language": language})
    assert page.status_code == 200 and f'<html lang="{language}">' in page.text and "<script" not in page.text
    assert len(page.content) < LARGEST_PAGE
    heading = re.search(r"<h1>(.+)</h1>", page.text)
    assert heading and heading[1] == site.texts[language][f"state.{state.value}.title"]


def test_W02_no_guessed_link_opens_and_none_leaves_a_trace(site: Site) -> None:
    for number in range(100):
        guess = site.client.post(f"/r/{uuid.UUID(int=number).hex}", data=RIGHT)
        assert guess.status_code == 403
    with site.ledger.begin() as conn:
        assert conn.execute(select(func.count()).select_from(opening)).scalar_one() == 0


def test_W03_a_robot_that_follows_the_link_changes_nothing(site: Site) -> None:
    for _ in range(20):
        assert site.client.get(LINK).status_code == 200
        site.client.head(LINK)
    assert site.opened() is None
    assert site.client.post(LINK, data=RIGHT).status_code == 303
    assert site.opened() == NOW


def test_W03_no_log_and_no_address_of_what_is_read_holds_the_token(
    site: Site, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
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


def test_W04_fifty_wrong_tries_at_once_never_pass_the_limit(site: Site) -> None:
    looked: list[int] = []

    def birth_date_of(*_: object) -> str:
        looked.append(1)
        return "1984-03-05"

    door = Door(site.ledger, TOKEN_KEY, birth_date_of)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: door.open(token(TOKEN_KEY, MINE), "1984-03-06", NOW), range(50)))
    assert not any(answers) and len(looked) == openings.TRIES
    assert not door.open(token(TOKEN_KEY, MINE), "1984-03-05", NOW), "locked, also for the right date"
    with site.ledger.begin() as conn:
        openings.unlock(conn, MINE)
    assert door.open(token(TOKEN_KEY, MINE), "1984-03-05", NOW)


def test_W05_unknown_wrong_expired_and_locked_are_one_answer(site: Site) -> None:
    unknown = site.client.post(f"/r/{'0' * 32}", data=RIGHT)
    nonsense = site.client.post("/r/nonsense", data=RIGHT)
    expired = site.client.post(f"/r/{token(TOKEN_KEY, OLD)}", data=RIGHT)
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


def test_W06_another_sites_form_spends_no_try(site: Site) -> None:
    for _ in range(openings.TRIES + 1):
        assert site.client.post(LINK, data=WRONG, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert site.client.post(LINK, data=RIGHT).status_code == 303


def test_W07_every_answer_of_the_page_has_every_header(site: Site) -> None:
    answers = [
        site.client.get(LINK), site.client.post(LINK, data=WRONG), site.client.post(LINK, data=RIGHT), site.client.get("/r/"),
        site.client.post("/r/close"), site.client.put(LINK), site.client.post(LINK, content=b"x" * 5000), site.client.get("/nowhere"),
    ]  # fmt: skip
    assert [one.status_code for one in answers] == [200, 403, 303, 200, 303, 405, 413, 404]
    for one in answers:
        assert {name: one.headers.get(name) for name in HEADERS} == HEADERS


def test_a_session_ends_by_itself_and_by_the_button(site: Site) -> None:
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
def test_what_is_no_date_costs_no_try(site: Site, form: dict[str, str]) -> None:
    for _ in range(openings.TRIES + 1):
        assert site.client.post(LINK, data=form).status_code == 403
    assert site.client.post(LINK, data=RIGHT).status_code == 303
