"""The result page in a real browser: 320 px wide, without JavaScript, by keyboard alone, printed, and as axe-core judges it in each language."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from pipeline.domain.words import Basis, PersonState, Result
from pipeline.ledger.engine import Ledger
from pipeline.web.base.languages import Language
from tests.cards import card_row
from tests.web.screens import NARROW, NEEDS_CHROMIUM, SCREENS, fits, judged, keep, narrow, reach, served
from tests.web.sites import MINE, Here, link

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]
LANGUAGES = ("vi", "en")
# Every page that a person may come to read: name, and the card's words.
PAGES = [
    *((str(state), {"state": state}) for state in PersonState if state is not PersonState.READY),
    *((str(result), {"state": PersonState.READY, "result": result, "basis": Basis.SINGLE}) for result in Result),
    ("not_detected-pool", {"state": PersonState.READY, "result": Result.NOT_DETECTED, "basis": Basis.POOL}),
    ("corrected", {"state": PersonState.READY, "result": Result.NOT_DETECTED, "basis": Basis.SINGLE, "is_corrected": True}),
]
RIGHT = (("day", "5"), ("month", "3"), ("year", "1984"))


@pytest.fixture
def here(ledger: Ledger) -> Here:
    return Here(ledger)


@pytest.fixture
def site(here: Here) -> Iterator[str]:
    with served(here.app) as address:
        yield address


def fill(page: Page, day: str = "5") -> None:
    for name, value in RIGHT:
        page.locator(f"[name={name}]").fill(day if name == "day" else value)
    with page.expect_navigation():
        page.locator("button[value=open]").click()


def press(page: Page, text: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=text).click()


def unfold(page: Page, text: str) -> None:
    page.locator("summary", has_text=text).click()


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_each_page_is_read_at_320_px_without_javascript(chromium: Browser, site: str, here: Here, language: str) -> None:
    t = here.texts[language]
    with narrow(chromium, site, language, scripts=False) as page:
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
def test_W13_what_may_be_asked_for_is_asked_without_javascript(chromium: Browser, site: str, here: Here, language: str) -> None:
    t = here.texts[language]
    here.put(card_row(MINE, PersonState.AT_LAB))
    with narrow(chromium, site, language, scripts=False) as page:
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


def enter(page: Page) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_W13_the_whole_way_by_keyboard(chromium: Browser, site: str, here: Here) -> None:
    here.put(card_row(MINE, PersonState.READY))
    with narrow(chromium, site, "en", scripts=False) as page:
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
        reach(page, "summary")
        page.keyboard.press("Enter")
        reach(page, "[action$=opt-out] button")
        enter(page)
        reach(page, "[action$=opt-in] button")
        enter(page)
        reach(page, "[action$=close] button")
        enter(page)
        assert page.locator("h1").inner_text() == "This page is closed"
        page.goto(f"{site}{link()}")
        reach(page, "details:nth-of-type(2) summary")
        page.keyboard.press("Enter")
        reach(page, "button[value=not_me]")
        enter(page)
        assert page.url == f"{site}/r/noted/not_me"


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_axe_finds_nothing_on_any_page(chromium: Browser, site: str, here: Here, language: str) -> None:
    t = here.texts[language]
    with narrow(chromium, site, language) as page:
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


def test_W13_axe_would_find_a_field_without_a_name(chromium: Browser, site: str) -> None:
    with narrow(chromium, site, "en") as page:
        page.goto(f"{site}{link()}")
        page.evaluate("document.querySelector('label').replaceWith(document.querySelector('input'))")
        with pytest.raises(AssertionError, match="label"):
            judged(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_page_is_printed_on_one_sheet_and_without_buttons(chromium: Browser, site: str, here: Here, language: str) -> None:
    t: Language = here.texts[language]
    with narrow(chromium, site, language, scripts=False) as page:
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
