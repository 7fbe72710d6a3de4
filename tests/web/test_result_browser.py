"""The result page in a real browser: 320 px wide, without JavaScript, by keyboard alone, printed, and as axe-core judges it in each language."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from pipeline.domain.words import Basis, PersonState, Result
from pipeline.ledger.engine import Ledger
from pipeline.web.base.languages import Language
from tests.cards import card_row
from tests.web.sites import MINE, Here, link

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing and could not be installed (`make browser`)"),
]
NARROW = {"width": 320, "height": 640}
SCREENS = Path(__file__).parents[2] / "build" / "screens"
START_LIMIT_S = 10.0
LANGUAGES = ("vi", "en")
# Every page that a person may come to read: name, and the card's words.
PAGES = [
    *((str(state), {"state": state}) for state in PersonState if state is not PersonState.READY),
    *((str(result), {"state": PersonState.READY, "result": result, "basis": Basis.SINGLE}) for result in Result),
    ("not_detected-pool", {"state": PersonState.READY, "result": Result.NOT_DETECTED, "basis": Basis.POOL}),
    ("corrected", {"state": PersonState.READY, "result": Result.NOT_DETECTED, "basis": Basis.SINGLE, "is_corrected": True}),
]
RIGHT = (("day", "5"), ("month", "3"), ("year", "1984"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's, driven by playwright: none is downloaded."""
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM)
        yield started
        started.close()


@pytest.fixture
def here(ledger: Ledger) -> Here:
    return Here(ledger)


@pytest.fixture
def site(here: Here) -> Iterator[str]:
    """The address of a result page on a free port."""
    server = uvicorn.Server(uvicorn.Config(here.app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
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


def fill(page: Page, day: str = "5") -> None:
    for name, value in RIGHT:
        page.locator(f"[name={name}]").fill(day if name == "day" else value)
    page.locator("button[value=open]").click()


def press(page: Page, text: str) -> None:
    page.get_by_role("button", name=text).click()


def unfold(page: Page, text: str) -> None:
    page.locator("summary", has_text=text).click()


def fits(page: Page) -> bool:
    """Whether nothing stands out to the right of the screen."""
    boxes = [element.bounding_box() for element in page.locator("header, header *, main, main *").all()]
    return all(box is None or box["x"] + box["width"] <= NARROW["width"] for box in boxes)


def keep(page: Page, name: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_each_page_is_read_at_320_px_without_javascript(browser: Browser, site: str, here: Here, language: str) -> None:
    t = here.texts[language]
    with narrow(browser, site, language) as page:
        for version, (name, words) in enumerate(PAGES, 1):
            here.put(card_row(MINE, version=version, **words))  # type: ignore[arg-type]
            page.goto(f"{site}{link()}")
            fill(page)
            assert page.url == f"{site}/r/"
            assert page.locator("html").get_attribute("lang") == language
            assert fits(page), name
            keep(page, f"result-{name}-{language}")
        press(page, t["page.close"])
        assert page.url == f"{site}/r/" and page.locator("h1").inner_text() == t["ended.title"]
        keep(page, f"result-ended-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_what_may_be_asked_for_is_asked_without_javascript(browser: Browser, site: str, here: Here, language: str) -> None:
    t = here.texts[language]
    here.put(card_row(MINE, PersonState.AT_LAB))
    with narrow(browser, site, language) as page:
        for asked in ("new_link", "not_me"):
            page.goto(f"{site}{link()}")
            unfold(page, t[f"{asked}.title"])
            assert fits(page)
            keep(page, f"result-ask-{asked}-{language}")
            press(page, t[f"{asked}.ask"])
            assert page.url == f"{site}/r/noted/{asked}" and page.locator("h1").inner_text() == t[f"noted.{asked}.title"]
            assert fits(page)
            keep(page, f"result-noted-{asked}-{language}")
        page.goto(f"{site}{link()}")
        fill(page)
        unfold(page, t["silence.title"])
        assert fits(page)
        keep(page, f"result-silence-{language}")
        press(page, t["silence.ask"])
        assert t["silence.now"] in page.locator("main").inner_text()
        keep(page, f"result-silent-{language}")
        press(page, t["silence.end"])
        assert t["silence.now"] not in page.locator("main").inner_text()


def focus(page: Page, selector: str, limit: int = 12) -> None:
    """Tab until it has the focus."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            return
    pytest.fail(f"no way by keyboard to {selector}")


def enter(page: Page) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_W13_the_whole_way_by_keyboard(browser: Browser, site: str, here: Here) -> None:
    here.put(card_row(MINE, PersonState.READY))
    with narrow(browser, site, "en") as page:
        page.goto(f"{site}{link()}")
        page.keyboard.press("Tab")
        skip = page.locator(".skip:focus").bounding_box()
        assert skip and skip["x"] >= 0, "the first stop, and it is seen"
        page.keyboard.press("Enter")
        for name, value in RIGHT:
            page.keyboard.press("Tab")
            assert page.locator(f"[name={name}]:focus").count() == 1
            page.keyboard.type(value)
        page.keyboard.press("Tab")
        assert page.locator("button[value=open]:focus").count() == 1
        enter(page)
        assert page.locator("h1").inner_text() == "Not detected"
        focus(page, "summary")
        page.keyboard.press("Enter")
        focus(page, "[action$=opt-out] button")
        enter(page)
        focus(page, "[action$=opt-in] button")
        enter(page)
        focus(page, "[action$=close] button")
        enter(page)
        assert page.locator("h1").inner_text() == "This page is closed"
        page.goto(f"{site}{link()}")
        focus(page, "details:nth-of-type(2) summary")
        page.keyboard.press("Enter")
        focus(page, "button[value=not_me]")
        enter(page)
        assert page.url == f"{site}/r/noted/not_me"


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_axe_finds_nothing_on_any_page(browser: Browser, site: str, here: Here, language: str) -> None:
    t = here.texts[language]
    with narrow(browser, site, language, scripts=True) as page:
        here.put(card_row(MINE, PersonState.AT_LAB, 0))
        page.goto(f"{site}{link()}")
        for asked in ("new_link", "not_me"):
            unfold(page, t[f"{asked}.title"])
        judged(page)
        fill(page, "6")
        assert page.locator("[role=alert]").is_visible()
        judged(page)
        keep(page, f"result-refused-{language}")
        for version, (_, words) in enumerate(PAGES, 1):
            here.put(card_row(MINE, version=version, **words))  # type: ignore[arg-type]
            page.goto(f"{site}{link()}")
            fill(page)
            unfold(page, t["silence.title"])
            judged(page)
        press(page, t["silence.ask"])
        judged(page)
        press(page, t["page.close"])
        judged(page)
        for path in ("/nowhere", "/r/noted/new_link", "/r/noted/not_me"):
            page.goto(f"{site}{path}")
            judged(page)


def judged(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_W13_axe_would_find_a_field_without_a_name(browser: Browser, site: str) -> None:
    with narrow(browser, site, "en", scripts=True) as page:
        page.goto(f"{site}{link()}")
        page.evaluate("document.querySelector('label').replaceWith(document.querySelector('input'))")
        with pytest.raises(AssertionError, match="label"):
            judged(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_page_is_printed_on_one_sheet_and_without_buttons(browser: Browser, site: str, here: Here, language: str) -> None:
    t: Language = here.texts[language]
    with narrow(browser, site, language) as page:
        for version, (name, words) in enumerate(PAGES, 1):
            here.put(card_row(MINE, version=version, **words))  # type: ignore[arg-type]
            page.goto(f"{site}{link()}")
            fill(page)
            page.emulate_media(media="print")
            assert page.locator("button:visible, nav:visible, details:visible").count() == 0
            assert page.locator(".printed").is_visible()
            said = page.locator("main").inner_text()
            assert t["page.printed"] in said and "20/11/2026" in said
            SCREENS.mkdir(parents=True, exist_ok=True)
            sheet = page.pdf(path=SCREENS / f"printed-{name}-{language}.pdf", format="A4")
            assert len(re.findall(rb"/Type\s*/Page\b", sheet)) == 1
            if name == "corrected":
                page.set_viewport_size({"width": 794, "height": 1123})
                keep(page, f"printed-{name}-{language}")
                page.set_viewport_size(NARROW)
            page.emulate_media(media="screen")
