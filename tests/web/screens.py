"""Pages in Debian's Chromium at the width of a small telephone: what they ask for, whether they fit, what axe-core says, their pictures."""

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
from playwright.sync_api import Browser, Page, expect, sync_playwright
from starlette.types import ASGIApp

from tests.web.desk import PASSWORD

CHROMIUM = shutil.which("chromium")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing and could not be installed (`make browser`)")
NARROW = {"width": 320, "height": 640}
SCREENS = Path(__file__).parents[2] / "build" / "screens"
START_LIMIT_S = 10.0
# Of a busy machine.
LIMIT_MS = 20_000
# The WCAG 2.2 levels that are promised, and good practice.
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@contextmanager
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=LIMIT_MS)
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM)
        yield started
        started.close()


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address of an application on a free port of this machine."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + START_LIMIT_S
    while not server.started:
        assert thread.is_alive() and time.monotonic() < until, "the application did not start"
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def narrow(browser: Browser, address: str, language: str, *, scripts: bool = True) -> Iterator[Page]:
    """A telephone's page. Whatever it asks of another host, and whatever the policy forbids it, is a failure."""
    context = browser.new_context(viewport=NARROW, locale=language, java_script_enabled=scripts)
    asked: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("console", lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None)
    yield context.new_page()
    context.close()
    assert asked and all(url.startswith((address, "blob:")) for url in asked)
    assert complaints == []


def sign_in(page: Page, site: str, login: str) -> None:
    """At the desk."""
    page.goto(f"{site}/sign-in")
    page.locator("[name=login]").fill(login)
    page.locator("[name=password]").fill(PASSWORD)
    with page.expect_navigation():
        page.locator("main button").click()


def reach(page: Page, selector: str, limit: int = 60) -> None:
    """Go there with the tabulator."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            return
    pytest.fail(f"the keyboard does not come to {selector}")


def good(page: Page, name: str) -> None:
    """The page fits, axe-core finds nothing, and its picture is kept as `name`."""
    keep(page, name)
    assert fits(page), name
    judged(page)


def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways; a table that is too wide scrolls within itself."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def judged(page: Page) -> None:
    found = Axe().run(page, options=AXE)
    assert found.violations_count == 0, found.generate_report()


def keep(page: Page, name: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=True)
