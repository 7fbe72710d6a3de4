"""The operator's rooms in a real browser: 320 px wide, by keyboard alone, and as axe-core judges them in each language."""

from __future__ import annotations

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

from pipeline.ledger.server import Server
from tests.homes import Installation, new_installation
from tests.web.desk import NOW, PASSWORD, Town
from tests.web.operators import FILE_HELD, SECOND, after_a_day, operators_town

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing and could not be installed (`make browser`)"),
]
NARROW = {"width": 320, "height": 640}
SCREENS = Path(__file__).parents[2] / "build" / "screens"
START_LIMIT_S = 10.0
LANGUAGES = ("vi", "en")
ROOMS = {"overview": "/overview", "holds": "/holds?reason=unmatched", "hold": f"/holds/{FILE_HELD}", "calls": "/calls", "search": "/search"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's, driven by playwright: none is downloaded."""
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM)
        yield started
        started.close()


@pytest.fixture(scope="module")
def settled(warm: None, embedded: Server, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("settled")
    made = new_installation(folder / "home", embedded, ledger_template, now=NOW)
    after_a_day(made, folder)
    yield made
    made.drop()


@pytest.fixture(scope="module")
def town(settled: Installation) -> Iterator[Town]:
    with operators_town(settled) as made:
        yield made


@pytest.fixture(scope="module")
def site(town: Town) -> Iterator[str]:
    """The desk's address on a free port."""
    server = uvicorn.Server(uvicorn.Config(town.app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + START_LIMIT_S
    while not server.started:
        assert thread.is_alive() and time.monotonic() < until, "the desk did not start"
        thread.join(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@contextmanager
def signed_in(browser: Browser, site: str, login: str, language: str = "en") -> Iterator[Page]:
    """A narrow screen. Whatever it asks of another host is a failure, and so is anything that the CSP refuses."""
    context = browser.new_context(viewport=NARROW, locale=language)
    page = context.new_page()
    asked: list[str] = []
    refused: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: refused.append(message.text) if "Content Security Policy" in message.text else None)
    page.goto(f"{site}/sign-in")
    page.locator("[name=login]").fill(login)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button").click()
    yield page
    context.close()
    assert asked and all(url.startswith(site) for url in asked)
    assert refused == []


def fits(page: Page) -> bool:
    """Whether the page needs no scrolling to the side; wide tables scroll within themselves."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def keep(page: Page, name: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_every_room_fits_320_px_and_axe_finds_nothing(browser: Browser, site: str, language: str) -> None:
    with signed_in(browser, site, "oanh", language) as page:
        for name, path in ROOMS.items():
            page.goto(site + path)
            assert page.locator("html").get_attribute("lang") == language
            for details in page.locator("details").all():
                details.evaluate("one => one.open = true")
            assert fits(page), name
            keep(page, f"operator-{name}-{language}")
            judged(page)
        page.goto(f"{site}/search")
        page.locator("[name=wanted]").fill("SP4")
        page.locator("main button").click()
        assert "Người Số 9" in page.locator("main").inner_text()
        assert fits(page)
        keep(page, f"operator-found-{language}")
        judged(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_a_team_s_rooms_fit_320_px_and_axe_finds_nothing(browser: Browser, site: str, language: str) -> None:
    with signed_in(browser, site, "lan", language) as page:
        for name in ("call-backs", "labels"):
            page.goto(f"{site}/{name}")
            assert fits(page)
            keep(page, f"team-{name}-{language}")
            judged(page)
        page.goto(f"{site}/call-backs")
        page.locator("main a[href^='/call-backs/']").first.click()
        page.locator("[name=tube]").fill("UP500001X")
        page.locator("main button").click()
        assert page.locator("[role=alert]").is_visible()
        assert fits(page)
        keep(page, f"team-call-back-{language}")
        judged(page)


def judged(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_plots_are_drawn_by_the_server_and_seen(browser: Browser, site: str) -> None:
    with signed_in(browser, site, "oanh") as page:
        page.goto(f"{site}/overview")
        plots = page.locator("svg[role=img]")
        assert plots.count() == 3
        assert all(one.bounding_box()["width"] > 250 for one in plots.all())
        assert page.get_by_role("img", name="Arrivals by day").count() == 1
        assert page.locator("svg rect").first.bounding_box()["height"] > 20


def test_P10_two_people_let_a_file_go_by_keyboard_alone(browser: Browser, site: str) -> None:
    for login, last in (("oanh", False), (SECOND, True)):
        with signed_in(browser, site, login) as page:
            page.goto(f"{site}/overview")
            reach(page, f"a[href='/holds/{FILE_HELD}']")
            with page.expect_navigation():
                page.keyboard.press("Enter")
            reach(page, "textarea")
            page.keyboard.type("asked the lab")
            reach(page, "button[value=release]")
            with page.expect_navigation():
                page.keyboard.press("Enter")
            assert page.url == f"{site}/overview"
            assert page.locator(f"a[href='/holds/{FILE_HELD}']").count() == (0 if last else 1)
            if not last:
                page.goto(f"{site}/holds/{FILE_HELD}")
                page.locator("textarea").fill("asked again")
                page.locator("button[value=release]").click()
                assert "another person must" in page.locator("[role=alert]").inner_text()
                judged(page)


def reach(page: Page, selector: str, limit: int = 60) -> None:
    """Go there with the tabulator."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            return
    pytest.fail(f"the keyboard does not come to {selector}")
