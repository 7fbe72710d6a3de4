"""Phones for tests: a desk served on a port of its own that can fall silent and come back, and Chromium as the phone."""

from __future__ import annotations

import csv
import io
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from starlette.types import ASGIApp

from pipeline.web.desk import phone as room
from tests.web.desk import PASSWORD, Town
from tests.web.screens import LIMIT_MS, NARROW, keep

START_LIMIT_S = 20.0
# Who stands in the tests' tubes, as the form takes them. Nobody of these lives.
LAN = {"full_name": "Nguyễn Thị Lan", "birth_date": "05/03/1984", "phone": "0901234567"}
MINH = {"full_name": "Trần Văn Minh", "birth_date": "1990", "phone": "0912345678"}
CARD = "079084001234|024567890|Lê Thị Bích Đào|05031984|Nữ|12 Đường số 3, Phường Hiệp Bình, TP Hồ Chí Minh|01012022"


class Site:
    """The desk on 127.0.0.1. `stop` and `start` are the network's going and coming: the address stays."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.port = 0
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        config = uvicorn.Config(self.app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listening]})
        self.thread.start()
        until = time.monotonic() + START_LIMIT_S
        while not self.server.started:
            assert self.thread.is_alive() and time.monotonic() < until, "the desk did not start"
            self.thread.join(0.01)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()


@contextmanager
def served(town: Town) -> Iterator[Site]:
    """The town's desk, at the time of the machine: phones have no other clock. They wait less before they try again."""
    town.now = datetime.now(UTC)
    before, room.RETRY_S = room.RETRY_S, 0.2
    site = Site(town.app)
    yield site
    site.stop()
    room.RETRY_S = before


@contextmanager
def phone(browser: Browser, site: Site, login: str | None = "lan", language: str = "en", **more: object) -> Iterator[Page]:
    """A phone of its own, signed in, at the phone page."""
    context = browser.new_context(viewport=NARROW, locale=language, **more)
    yield opened(context, site, login)
    context.close()


def opened(context: BrowserContext, site: Site, login: str | None = "lan") -> Page:
    context.set_default_timeout(LIMIT_MS)
    page = context.new_page()
    page.on("pageerror", lambda error: print("page error:", error))
    if login:
        sign_in(context, site, login)
        page.goto(f"{site.address}/phone/")
        expect(page.locator("#home")).to_be_visible()
    return page


def sign_in(context: BrowserContext, site: Site, login: str) -> None:
    answer = context.request.post(f"{site.address}/sign-in", form={"login": login, "password": PASSWORD}, max_redirects=0)
    assert answer.status == 303


def begin(page: Page, code: str) -> None:
    page.locator("#tube-code").fill(code)
    page.locator("#begin button").click()
    expect(page.locator("#tube-title")).to_contain_text(code)


def add(page: Page, person: dict[str, str]) -> None:
    page.locator("#type-person").click()
    for field, value in person.items():
        control = page.locator(f"#f-{field}")
        if field == "sex":
            control.select_option(value)
        else:
            control.fill(value)
    page.locator("#save-person").click()
    expect(page.locator("#tube")).to_be_visible()


def finish(page: Page) -> None:
    page.locator("#finish").click()
    page.locator("#ask-yes").click()
    expect(page.locator("#home")).to_be_visible()


def states(page: Page) -> list[str]:
    """Of the tubes on the phone, newest first."""
    return [str(one.get_attribute("data-state")) for one in page.locator("#tubes > li").all()]


def until(page: Page, condition: str, arg: object = None) -> None:
    """Wait for a condition, an async function in JavaScript. Playwright's own wait needs eval, which the page's policy forbids."""
    script = """async ([limit, arg]) => {
      const met = CONDITION;
      for (const end = Date.now() + limit; !(await met(arg)); await new Promise((again) => setTimeout(again, 20))) {
        if (Date.now() > end) throw new Error("not met in time");
      }
    }"""
    page.evaluate(script.replace("CONDITION", condition), [LIMIT_MS, arg])


def kept(page: Page, text: str) -> None:
    """Wait until the phone's store holds `text` in one of its opened records."""
    condition = """async (text) => {
      const { openStore } = await import("/assets/phone/store.js");
      const { values } = await (await openStore()).all();
      return JSON.stringify([...values.values()]).includes(text);
    }"""
    until(page, condition, text)


def arrived(town: Town, place: str = "team-a") -> list[dict[str, str]]:
    """The rows of all the files that lie in the inbox as `place`'s manifests."""
    folder = town.house.home.inbox / place / "manifest"
    return [row for file in sorted(folder.glob("*.csv")) for row in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))]


def cut(route: Route) -> None:
    route.abort("connectionfailed")


def screen(page: Page, name: str) -> None:
    keep(page, f"phone-{name}")


def digits(text: str | None) -> str:
    return re.sub(r"\D", "", text or "")
