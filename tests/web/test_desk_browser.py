"""The desk's rooms of teams and labs in a real browser: 320 px wide, by keyboard alone, with and without JavaScript, as axe-core judges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pipeline.ledger.server import Server
from pipeline.stages.correct import Said
from pipeline.stages.publish import publish
from tests.homes import new_installation
from tests.web.desk import NOW, PASSWORD, Town, town_of
from tests.web.screens import NEEDS_CHROMIUM, good, judged, narrow, reach, served, sign_in
from tests.web.test_desk_files import MIXED
from tests.web.test_desk_worklist import LOGINS, RESULTS, manifest

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM]
LANGUAGES = ("vi", "en")
# A run in a child process, and the page's own look every two seconds.
VERDICT_LIMIT_MS = 60_000


@pytest.fixture(scope="module")
def lived(embedded: Server, ledger_template: str, tmp_path_factory: pytest.TempPathFactory, warm_judge: None) -> Iterator[Town]:
    """A town in which files came, were taken in, and one was refused."""
    home = new_installation(tmp_path_factory.mktemp("desk") / "home", embedded, ledger_template, now=NOW)
    with town_of(home) as town:
        town.files = {"mixed": town.handed_in("lan", MIXED, "Danh sách lấy mẫu của đội A ngày 20 tháng 11.csv")}
        town.files["refused"] = town.handed_in("lan", b"no,such,format\n1,2,3\n", "x.csv")
        town.handed_in("lan", manifest())
        for lab, results in RESULTS.items():
            lines = ["tube_code,result,tested_at", *(f"{tube},{word},2026-11-20 12:00" for tube, word in results.items()), ""]
            town.handed_in(LOGINS[lab], "\n".join(lines).encode(), f"{lab}.csv")
        town.run()
        home.do(lambda house: publish(house, town.now, always=True) and None)
        yield town
    home.drop()


@pytest.fixture(scope="module")
def site(lived: Town) -> Iterator[str]:
    with served(lived.app) as address:
        yield address


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_signing_in(chromium: Browser, site: str, lived: Town, language: str) -> None:
    with narrow(chromium, site, language) as page:
        page.goto(site)
        assert page.url == f"{site}/sign-in"
        good(page, f"desk-sign-in-{language}")
        page.locator("[name=login]").fill("lan")
        page.locator("[name=password]").fill("not the password at all")
        page.locator("main button").click()
        expect(page.locator("[role=alert]")).to_have_text(lived.texts[language]["sign_in.refused"])
        good(page, f"desk-sign-in-refused-{language}")
        sign_in(page, site, "an")
        assert page.locator("html").get_attribute("lang") == language
        good(page, f"desk-people-{language}")
        page.goto(f"{site}/files")
        assert page.locator("h1").inner_text() == lived.texts[language]["error.404.title"]
        judged(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_the_rooms_of_a_team(chromium: Browser, site: str, lived: Town, language: str) -> None:
    waiting = lived.handed_in("lan", f"{language} waits".encode())
    with narrow(chromium, site, language) as page:
        sign_in(page, site, "lan")
        good(page, f"desk-team-files-{language}")
        for name, sha in {**lived.files, "waiting": waiting}.items():
            page.goto(f"{site}/files/{sha}")
            good(page, f"desk-team-file-{name}-{language}")
            expect(page.locator("#waiting")).to_have_count(1 if name == "waiting" else 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_the_rooms_of_a_lab(chromium: Browser, site: str, lived: Town, language: str) -> None:
    with narrow(chromium, site, language) as page:
        sign_in(page, site, "hoa")
        page.goto(f"{site}/worklist")
        expect(page.locator("tr.urgent")).to_have_count(2)
        good(page, f"desk-lab-worklist-{language}")
        page.goto(f"{site}/tube")
        good(page, f"desk-lab-tube-{language}")
        for said in Said:
            page.goto(f"{site}/tube/{said}")
            good(page, f"desk-lab-{said}-{language}")
        page.locator("[name=tube]").fill("x")
        page.locator("[name=tested_at]").fill("2026-11-20T12:00")
        page.locator("main button").click()
        expect(page.locator("[role=alert]")).to_have_text(lived.texts[language]["tube.wrong.tube"])
        good(page, f"desk-lab-wrong-{language}")


def test_W13_axe_would_find_a_field_without_a_name(chromium: Browser, site: str) -> None:
    with narrow(chromium, site, "en") as page:
        sign_in(page, site, "hoa")
        page.goto(f"{site}/tube/rejected")
        page.evaluate("const l = document.querySelector('main label'); l.replaceWith(l.querySelector('input'))")
        with pytest.raises(AssertionError, match="label"):
            judged(page)


def test_W13_a_lab_rejects_a_tube_by_keyboard_alone(chromium: Browser, site: str) -> None:
    with narrow(chromium, site, "en") as page:
        page.goto(site)
        page.keyboard.press("Tab")
        assert page.locator(".skip:focus").bounding_box()["x"] >= 0, "the first stop, and it is seen"  # type: ignore[index]
        reach(page, "[name=login]")
        page.keyboard.type("hoa")
        reach(page, "[name=password]")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator(".who")).to_contain_text("hoa")
        reach(page, "a[href='/tube']")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site}/tube")
        reach(page, "a[href='/tube/rejected']")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site}/tube/rejected")
        reach(page, "[name=tube]")
        page.keyboard.type("t-0001")
        page.locator("[name=tested_at]").fill("2026-11-20T12:00")
        reach(page, "[name=reason]")
        page.keyboard.type("Leak")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site}/files/*")
        assert page.locator("h1").inner_text() == "desk_rejected_T0001.csv"
        reach(page, ".menu button")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site}/sign-in")
        page.goto(f"{site}/files")
        assert page.url == f"{site}/sign-in"


def some_files(folder: Path, count: int, beginning: str) -> list[Path]:
    made = [folder / f"{beginning} {number}.csv" for number in range(count)]
    for path in made:
        path.write_text(f"tube_code,result,tested_at\nZ{beginning}{path.stem[-1]},negative,2026-11-20 10:00\n")
    return made


def test_several_files_are_sent_with_progress_and_one_leads_to_its_receipt(
    chromium: Browser, site: str, lived: Town, tmp_path: Path
) -> None:
    with narrow(chromium, site, "en") as page:
        sign_in(page, site, "hoa")
        page.goto(f"{site}/files")
        page.locator("[name=file]").set_input_files(some_files(tmp_path, 3, "many"))
        page.locator("main form button").click()
        expect(page.locator("#progress a")).to_have_count(3)
        good(page, "desk-lab-progress")
        page.goto(f"{site}/files")
        page.locator("[name=file]").set_input_files(some_files(tmp_path, 1, "one"))
        page.locator("main form button").click()
        page.wait_for_url(f"{site}/files/*")
        expect(page.locator("#waiting")).to_be_visible()
        lived.run()
        # By itself, without a hand.
        expect(page.locator(".good")).to_contain_text("Taken in", timeout=VERDICT_LIMIT_MS)
        judged(page)


def test_a_file_that_is_refused_by_the_way_says_so(chromium: Browser, site: str, tmp_path: Path) -> None:
    with narrow(chromium, site, "en") as page:
        sign_in(page, site, "hoa")
        page.goto(f"{site}/files")
        page.route("**/files", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
        page.locator("[name=file]").set_input_files(some_files(tmp_path, 1, "lost"))
        page.locator("main form button").click()
        expect(page.locator("#progress")).to_contain_text("was not received: send it again")
        assert page.url == f"{site}/files"


def test_W13_all_works_without_javascript(chromium: Browser, site: str, tmp_path: Path) -> None:
    with narrow(chromium, site, "vi", scripts=False) as page:
        sign_in(page, site, "hoa")
        page.goto(f"{site}/files")
        page.locator("[name=file]").set_input_files(some_files(tmp_path, 1, "plain"))
        page.locator("main form button").click()
        page.wait_for_url(f"{site}/files/*")
        page.locator("#waiting a").click()
        assert page.locator("#waiting").count() == 1
