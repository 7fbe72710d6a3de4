"""The result page in a real browser: 320 px wide, without JavaScript, by keyboard alone, and as axe-core judges it in each language."""

from __future__ import annotations

import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from pipeline.domain.words import PersonState
from pipeline.ledger import cards
from pipeline.ledger.engine import Ledger
from pipeline.stages.open_page import Door
from pipeline.vault.tokens import token
from pipeline.web.result.app import result_app

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing and could not be installed (`make browser`)"),
]
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TOKEN_KEY = b"t" * 32
MINE = str(uuid.UUID(int=1))
NARROW = {"width": 320, "height": 640}
SCREENS = Path(__file__).parents[2] / "build" / "screens"
START_LIMIT_S = 10.0
LANGUAGES = ("vi", "en")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's, driven by playwright: none is downloaded."""
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def site(ledger: Ledger) -> Iterator[str]:
    """The address of a result page on a free port, with one person's card."""
    door = Door(ledger, TOKEN_KEY, lambda *_: "1984-03-05")
    app = result_app(door, session_key=b"s" * 32, title="Unpool", path="/r", clock=lambda: NOW, beat_s=0, is_secure=False)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + START_LIMIT_S
    while not server.started:
        assert thread.is_alive() and time.monotonic() < until, "the page did not start"
        thread.join(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@contextmanager
def narrow(browser: Browser, site: str, language: str, *, scripts: bool = False) -> Iterator[Page]:
    """A telephone's page. Whatever it asks of another host is a failure."""
    context = browser.new_context(viewport=NARROW, locale=language, java_script_enabled=scripts)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    yield context.new_page()
    context.close()
    assert asked and all(url.startswith(site) for url in asked)


def put(ledger: Ledger, state: PersonState, version: int) -> None:
    row = {"specimen_id": MINE, "state": state.value, "version": version, "vault_day": date(2026, 11, 20), "vault_batch": 1}
    with ledger.begin() as conn:
        cards.upsert_many(conn, [pa.RecordBatch.from_pylist([row])], NOW)


def link(site: str) -> str:
    return f"{site}/r/{token(TOKEN_KEY, MINE)}"


def fill(page: Page, day: str) -> None:
    for name, value in (("day", day), ("month", "3"), ("year", "1984")):
        page.locator(f"[name={name}]").fill(value)
    page.locator("main button").click()


def fits(page: Page) -> bool:
    """Whether nothing stands out to the right of the screen."""
    boxes = [element.bounding_box() for element in page.locator("header, header *, main, main *").all()]
    return all(box is None or box["x"] + box["width"] <= NARROW["width"] for box in boxes)


def keep(page: Page, name: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_each_state_is_read_at_320_px_without_javascript(browser: Browser, site: str, ledger: Ledger, language: str) -> None:
    for version, state in enumerate(PersonState, 1):
        put(ledger, state, version)
        with narrow(browser, site, language) as page:
            page.goto(link(site))
            assert fits(page)
            keep(page, f"result-ask-{language}")
            fill(page, "5")
            assert page.url == f"{site}/r/"
            assert page.locator("html").get_attribute("lang") == language
            assert fits(page)
            keep(page, f"result-{state.value}-{language}")
            page.locator("main button").click()
            assert page.url == f"{site}/r/" and page.locator("main button").count() == 0
            keep(page, f"result-ended-{language}")


def test_W13_the_whole_way_by_keyboard(browser: Browser, site: str, ledger: Ledger) -> None:
    put(ledger, PersonState.READY, 1)
    with narrow(browser, site, "en") as page:
        page.goto(link(site))
        page.keyboard.press("Tab")
        assert page.locator(".skip:focus").bounding_box()["x"] >= 0, "the first stop, and it is seen"
        page.keyboard.press("Enter")
        for name, value in (("day", "5"), ("month", "3"), ("year", "1984")):
            page.keyboard.press("Tab")
            assert page.locator(f"[name={name}]:focus").count() == 1
            page.keyboard.type(value)
        page.keyboard.press("Tab")
        assert page.locator("main button:focus").count() == 1
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.locator("h1").inner_text() == "Your result is ready"
        for _ in range(10):
            page.keyboard.press("Tab")
            if page.locator("main button:focus").count():
                break
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.locator("h1").inner_text() == "This page is closed"


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_axe_finds_nothing_on_any_page(browser: Browser, site: str, ledger: Ledger, language: str) -> None:
    put(ledger, PersonState.OWN_TEST_NEEDED, 1)
    with narrow(browser, site, language, scripts=True) as page:
        page.goto(link(site))
        judged(page)
        fill(page, "6")
        assert page.locator("[role=alert]").is_visible()
        judged(page)
        keep(page, f"result-refused-{language}")
        fill(page, "5")
        judged(page)
        page.locator("main button").click()
        judged(page)
        page.goto(f"{site}/nowhere")
        judged(page)


def judged(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_W13_axe_would_find_a_field_without_a_name(browser: Browser, site: str, ledger: Ledger) -> None:
    put(ledger, PersonState.READY, 1)
    with narrow(browser, site, "en", scripts=True) as page:
        page.goto(link(site))
        page.evaluate("document.querySelector('label').replaceWith(document.querySelector('input'))")
        with pytest.raises(AssertionError, match="label"):
            judged(page)
