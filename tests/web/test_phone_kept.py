"""What the phone keeps: nothing is lost by a reload, a crash or without network; what it keeps is sealed, and gone after signing out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, expect

from tests.web.desk import Town
from tests.web.phone import LAN, MINH, Site, add, arrived, begin, finish, kept, opened, phone, screen, sign_in, states, until
from tests.web.screens import CHROMIUM, LIMIT_MS, NARROW, NEEDS_CHROMIUM, judged

pytestmark = [
    pytest.mark.slow,
    NEEDS_CHROMIUM,
]


def shell_kept(page: Page) -> None:
    """Wait until the service worker has the shell and answers for this page."""
    until(page, "async () => navigator.serviceWorker.controller !== null")


def killed(page: Page) -> Page:
    """The page's process dies as it is; the same phone opens the page again."""
    context, address = page.context, page.url
    with page.expect_event("crash"), suppress(Error):
        page.goto("chrome://crash", timeout=LIMIT_MS, wait_until="commit")
    again = context.new_page()
    page.close()
    again.goto(address)
    return again


def typed(page: Page, field: str, value: str) -> None:
    page.locator(f"#f-{field}").fill(value)
    kept(page, value)


def go_on(page: Page, people: int) -> None:
    page.get_by_role("button", name="Go on with this tube").click()
    expect(page.locator("#people > li")).to_have_count(people)


def send_on(going: Generator[Callable[[Page], None], Page, None], page: Page) -> Callable[[Page], None] | None:
    try:
        return going.send(page)
    except StopIteration:
        return None


def steps(page: Page) -> Generator[Callable[[Page], None], Page, None]:
    """One step each, and how the next page shows that it was kept."""
    begin(page, "FLB6092")
    page = yield lambda again: go_on(again, 0)
    page.locator("#type-person").click()
    expect(page.locator("#person")).to_be_visible()
    page = yield lambda again: expect(again.locator("#person")).to_be_visible()
    typed(page, "full_name", LAN["full_name"])
    page = yield lambda again: expect(again.locator("#f-full_name")).to_have_value(LAN["full_name"])
    typed(page, "birth_date", LAN["birth_date"])
    typed(page, "phone", LAN["phone"])
    page = yield lambda again: expect(again.locator("#f-phone")).to_have_value(LAN["phone"])
    page.locator("#save-person").click()
    expect(page.locator("#tube")).to_be_visible()
    page = yield lambda again: go_on(again, 1)
    finish(page)
    yield lambda again: expect(again.locator("#tubes > li[data-state=waiting]")).to_have_count(1)


def test_killed_after_every_step_and_without_network_nothing_is_lost(chromium: Browser, site: Site, town: Town) -> None:
    with phone(chromium, site) as page:
        shell_kept(page)
        site.stop()
        going = steps(page)
        seen = next(going, None)
        while seen:
            page = killed(page)
            expect(page.locator("#home:visible, #person:visible")).to_have_count(1)
            seen(page)
            seen = send_on(going, page)
        expect(page.locator("#banners")).to_contain_text("No network")
        screen(page, "offline-en")
        judged(page)
        assert arrived(town) == []
        site.start()
        page.locator("#send-now").click()
        expect(page.locator("#tubes > li[data-state=received]")).to_have_count(1)
        expect(page.locator("#banners")).to_be_empty()
        assert [row["full_name"] for row in arrived(town)] == [LAN["full_name"]]


def test_the_whole_browser_killed_loses_nothing(chromium: Browser, site: Site, town: Town, tmp_path: Path) -> None:
    """SIGKILL to all of Chromium right after the page has shown the person."""

    def start() -> BrowserContext:
        return chromium.browser_type.launch_persistent_context(str(tmp_path), executable_path=CHROMIUM, viewport=NARROW, locale="en")

    page = opened(start(), site)
    shell_kept(page)
    begin(page, "FLB6092")
    add(page, LAN)
    for process in psutil.process_iter(["cmdline"]):
        if any(str(tmp_path) in part for part in process.info["cmdline"] or []):
            process.kill()
    with without_network(site):
        context = start()
        page = context.new_page()
        page.goto(f"{site.address}/phone/")
        page.get_by_role("button", name="Go on with this tube").click()
        expect(page.locator("#people")).to_contain_text(LAN["full_name"])
        context.close()


def test_a_lost_answer_is_asked_for_again_and_the_tube_arrives_once(chromium: Browser, site: Site, town: Town) -> None:
    with phone(chromium, site, service_workers="block") as page:
        tries: list[str | None] = []

        def answers_get_lost(route: Route) -> None:
            tries.append(route.request.headers["idempotency-key"])
            if len(tries) < 3:
                route.fetch()
                route.abort("connectionreset")
            else:
                route.continue_()

        page.route("**/phone/tubes", answers_get_lost)
        begin(page, "FLB6092")
        add(page, LAN)
        finish(page)
        expect(page.locator("#tubes > li[data-state=received]")).to_have_count(1)
        assert len(tries) == 3 and len(set(tries)) == 1
        assert len(arrived(town)) == 1


def test_an_answer_that_is_not_ours_is_no_receipt(chromium: Browser, site: Site, town: Town) -> None:
    """A hotel's sign-on page says 200 to everything."""
    with phone(chromium, site, service_workers="block") as page:
        asked: list[int] = []

        def hotel(route: Route) -> None:
            asked.append(1)
            route.fulfill(status=200, content_type="text/html", body="<h1>Welcome</h1>")

        page.route("**/phone/tubes", hotel)
        begin(page, "FLB6092")
        add(page, LAN)
        finish(page)
        expect(page.locator("#banners")).to_contain_text("No network")
        assert states(page) == ["waiting"] and asked
        page.unroute("**/phone/tubes")
        expect(page.locator("#tubes > li[data-state=received]")).to_have_count(1)


def test_W11_a_session_that_ended_keeps_the_work_and_sends_it_after_signing_in(chromium: Browser, site: Site, town: Town) -> None:
    with phone(chromium, site) as page:
        begin(page, "FLB6092")
        add(page, LAN)
        town.later(minutes=31)
        finish(page)
        expect(page.locator("#banners")).to_contain_text("You are signed in no longer")
        assert states(page) == ["waiting"] and arrived(town) == []
        screen(page, "session-ended-en")
        judged(page)
        sign_in(page.context, site, "lan")
        page.reload()
        expect(page.locator("#tubes > li[data-state=received]")).to_have_count(1)


RAW = """async () => {
  const opening = indexedDB.open("unpool-phone");
  const database = await new Promise((resolve) => { opening.onsuccess = () => resolve(opening.result); });
  const all = (name) => new Promise((resolve) => { database.transaction(name).objectStore(name).getAll().onsuccess = (event) => resolve(event.target.result); });
  const text = (bytes) => [...new Uint8Array(bytes)].map((byte) => String.fromCharCode(byte)).join("");
  const records = await all("sealed");
  const keys = await all("keys");
  let exported = "no";
  try { await crypto.subtle.exportKey("raw", keys[0]); exported = "yes"; } catch (error) { exported = error.name; }
  database.close();
  return { ids: records.map((one) => one.id), raw: records.map((one) => text(one.data)).join(), ivs: records.map((one) => text(one.iv)), keys: keys.length, exported };
}"""


def test_what_is_kept_is_sealed_under_a_key_that_no_script_reads(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        begin(page, "FLB6092")
        add(page, LAN | {"full_name": "Nguyen Thi Lan"})
        raw = page.evaluate(RAW)
        assert len(raw["ids"]) == 2 and raw["keys"] == 1
        assert raw["exported"] == "InvalidAccessError"
        assert not any(word in raw["raw"] for word in ("Nguyen", "FLB6092", "0901234567", "1984", "lan"))
        assert len(set(raw["ivs"])) == 2
        assert page.evaluate("Object.keys(localStorage)") == []


def test_a_record_in_another_s_place_does_not_open_and_is_said(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        begin(page, "FLB6092")
        page.locator("#back").click()
        begin(page, "FLB6093")
        page.evaluate("""async () => {
          const opening = indexedDB.open("unpool-phone");
          const database = await new Promise((resolve) => { opening.onsuccess = () => resolve(opening.result); });
          const sealed = database.transaction("sealed", "readwrite").objectStore("sealed");
          await new Promise((resolve) => { sealed.getAll().onsuccess = (event) => {
            const [one, other] = event.target.result.filter((record) => record.id !== "settings");
            sealed.put({ ...one, id: other.id }).onsuccess = resolve;
          }; });
          database.close();
        }""")
        page.reload()
        expect(page.locator("#banners")).to_contain_text("cannot be read any more: 1")
        assert len(states(page)) == 1


def test_W11_signing_out_asks_for_what_was_not_sent_and_leaves_nothing(chromium: Browser, site: Site, town: Town) -> None:
    with phone(chromium, site) as page:
        shell_kept(page)
        begin(page, "FLB6092")
        add(page, LAN)
        page.locator("#back").click()
        page.locator("#sign-out").click()
        expect(page.locator("#ask-text")).to_contain_text("Tubes not sent yet: 1")
        page.locator("#ask-no").click()
        assert states(page) == ["open"]
        page.locator("#sign-out").click()
        page.locator("#ask-yes").click()
        expect(page.locator("#start-title")).to_have_text("You are signed out")
        assert page.evaluate(RAW)["ids"] == []
        assert LAN["full_name"] not in page.content()
        assert page.context.request.get(f"{site.address}/phone/me").status == 401


def test_another_account_sees_nothing_of_the_first_one_s(chromium: Browser, site: Site, town: Town) -> None:
    with phone(chromium, site) as page:
        begin(page, "FLB6092")
        add(page, LAN)
        sign_in(page.context, site, "minh")
        page.reload()
        expect(page.locator("#start-text")).to_contain_text("tubes of the account lan that were not sent: 1")
        screen(page, "foreign-en")
        judged(page)
        assert LAN["full_name"] not in page.content()
        page.locator("#delete-foreign").click()
        page.locator("#ask-yes").click()
        expect(page.locator("#no-tubes")).to_be_visible()
        expect(page.locator("#who")).to_contain_text("minh")


def test_W11_signing_out_at_the_desk_clears_the_phone_too(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        shell_kept(page)
        begin(page, "FLB6092")
        add(page, LAN)
        page.goto(f"{site.address}/files")
        page.get_by_role("button", name="Sign out").click()
        expect(page.locator("#ask-text")).to_contain_text("Tubes not sent yet: 1")
        page.locator("#ask-yes").click()
        expect(page.locator("#start-title")).to_have_text("You are signed out")
        assert page.evaluate(RAW)["ids"] == []
        assert page.context.request.get(f"{site.address}/phone/me").status == 401


def test_W11_an_account_that_is_no_team_s_sees_nothing(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        shell_kept(page)
        begin(page, "FLB6092")
        add(page, LAN)
        sign_in(page.context, site, "hoa")
        page.reload()
        expect(page.locator("#start-text")).to_contain_text("tubes of the account lan that were not sent: 1")
        assert LAN["full_name"] not in page.content()


def test_what_was_received_is_removed_when_its_day_is_over_and_what_was_not_stays(chromium: Browser, site: Site, town: Town) -> None:
    with phone(chromium, site) as page:
        begin(page, "FLB6092")
        add(page, LAN)
        finish(page)
        expect(page.locator("#tubes > li[data-state=received]")).to_have_count(1)
        begin(page, "FLB6093")
        add(page, MINH)
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        page.clock.set_fixed_time(tomorrow)
        page.reload()
        expect(page.locator("#tubes > li")).to_have_count(1)
        expect(page.locator("#tubes")).to_contain_text("FLB6093")


def test_the_worker_keeps_the_shell_and_never_data(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        shell_kept(page)
        page.reload()
        begin(page, "FLB6092")
        add(page, LAN)
        finish(page)
        expect(page.locator("#tubes > li[data-state=received]")).to_have_count(1)
        stored = page.evaluate("""async () => {
          const found = {};
          for (const name of await caches.keys()) for (const request of await (await caches.open(name)).keys()) {
            found[new URL(request.url).pathname] = await (await caches.match(request)).text();
          }
          return found;
        }""")
        shell = page.evaluate(
            "fetch('/phone/sw.js').then((one) => one.text()).then((text) => JSON.parse(text.split('\\n')[0].slice(14, -1)))"
        )
        assert sorted(stored) == sorted(shell)
        assert not any(LAN["full_name"] in text or '"lan"' in text for text in stored.values())


def test_C11_a_phone_that_cannot_keep_a_change_says_so_and_does_not_show_it(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        begin(page, "FLB6092")
        page.evaluate("() => { IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); }; }")
        page.locator("#type-person").click()
        expect(page.locator("#banners")).to_contain_text("could not be kept")
        expect(page.locator("#person")).to_be_hidden()
        screen(page, "not-kept-en")


@contextmanager
def without_network(site: Site) -> Iterator[None]:
    site.stop()
    yield
    site.start()


def test_signing_out_without_network_clears_and_says_what_it_could_not_end(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        shell_kept(page)
        begin(page, "FLB6092")
        page.locator("#back").click()
        with without_network(site):
            page.locator("#sign-out").click()
            page.locator("#ask-yes").click()
            expect(page.locator("#start-text")).to_contain_text("could not be ended")
            assert page.evaluate(RAW)["ids"] == []
