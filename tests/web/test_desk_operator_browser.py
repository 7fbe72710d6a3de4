"""The operator's rooms in a real browser: 320 px wide, by keyboard alone, and as axe-core judges them in each language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page

from tests.homes import Installation
from tests.web.desk import Town
from tests.web.operators import FILE_HELD, SECOND, operators_town
from tests.web.screens import NEEDS_CHROMIUM, fits, judged, keep, narrow, reach, served, sign_in

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]
LANGUAGES = ("vi", "en")
ROOMS = {"overview": "/overview", "holds": "/holds?reason=unmatched", "hold": f"/holds/{FILE_HELD}", "calls": "/calls", "search": "/search"}


@pytest.fixture(scope="module")
def town(settled: Installation) -> Iterator[Town]:
    with operators_town(settled) as made:
        yield made


@pytest.fixture(scope="module")
def site(town: Town) -> Iterator[str]:
    with served(town.app) as address:
        yield address


@contextmanager
def signed_in(chromium: Browser, site: str, login: str, language: str = "en") -> Iterator[Page]:
    with narrow(chromium, site, language) as page:
        sign_in(page, site, login)
        yield page


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_every_room_fits_320_px_and_axe_finds_nothing(chromium: Browser, site: str, language: str) -> None:
    with signed_in(chromium, site, "oanh", language) as page:
        for name, path in ROOMS.items():
            page.goto(site + path)
            assert page.locator("html").get_attribute("lang") == language
            for details in page.locator("details").all():
                details.evaluate("one => one.open = true")
            assert fits(page), name
            keep(page, f"operator-{name}-{language}")
            judged(page)
        page.goto(f"{site}/holds?reason=incomplete")
        page.locator("main a", has_text="FP6").click()
        assert page.locator("button[value=refuse]").is_visible()
        assert fits(page)
        keep(page, f"operator-tube-{language}")
        judged(page)
        page.goto(f"{site}/search")
        page.locator("[name=wanted]").fill("SP4")
        page.locator("main button").click()
        assert "Người Số 9" in page.locator("main").inner_text()
        assert fits(page)
        keep(page, f"operator-found-{language}")
        judged(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_a_team_s_rooms_fit_320_px_and_axe_finds_nothing(chromium: Browser, site: str, language: str) -> None:
    with signed_in(chromium, site, "lan", language) as page:
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


def test_plots_are_drawn_by_the_server_and_seen(chromium: Browser, site: str) -> None:
    with signed_in(chromium, site, "oanh") as page:
        page.goto(f"{site}/overview")
        plots = page.locator("svg[role=img]")
        assert plots.count() == 3
        assert all(one.bounding_box()["width"] > 250 for one in plots.all())
        assert page.get_by_role("img", name="Arrivals by day").count() == 1
        assert page.locator("svg rect").first.bounding_box()["height"] > 20


def test_P10_two_people_let_a_file_go_by_keyboard_alone(chromium: Browser, site: str) -> None:
    for login, last in (("oanh", False), (SECOND, True)):
        with signed_in(chromium, site, login) as page:
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
