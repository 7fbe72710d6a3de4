"""The phone page in a real browser, 320 px wide: the whole way by hand and by keyboard, in each language, as axe-core judges it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.desk import Town
from tests.web.phone import CARD, LAN, MINH, Site, add, arrived, begin, finish, phone, screen, states
from tests.web.screens import NEEDS_CHROMIUM, fits, judged

pytestmark = [
    pytest.mark.slow,
    NEEDS_CHROMIUM,
]
LANGUAGES = ("vi", "en")


def looked_at(page: Page, name: str, language: str) -> None:
    assert fits(page), name
    judged(page)
    screen(page, f"{name}-{language}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_W13_each_view_fits_320_px_and_axe_finds_nothing(chromium: Browser, site: Site, town: Town, language: str) -> None:
    with phone(chromium, site, language=language) as page:
        assert page.locator("html").get_attribute("lang") == language
        looked_at(page, "home", language)
        page.locator("#tube-code").fill("Ống")
        page.locator("#begin button").click()
        expect(page.locator("#begin-error")).not_to_be_empty()
        looked_at(page, "bad-code", language)
        begin(page, "FLB6092")
        looked_at(page, "empty-tube", language)
        page.locator("#type-person").click()
        page.locator("#save-person").click()
        expect(page.locator("#person-findings p")).to_have_count(3)
        looked_at(page, "person-findings", language)
        page.locator("#cancel-person").click()
        add(page, LAN)
        page.locator("#type-person").click()
        page.locator("#f-full_name").fill(LAN["full_name"])
        page.locator("#f-birth_date").fill(LAN["birth_date"])
        expect(page.locator("#places p")).to_have_count(1)
        looked_at(page, "known-person", language)
        page.locator("#cancel-person").click()
        looked_at(page, "tube", language)
        page.locator("#scan-card").click()
        expect(page.locator("#camera")).to_be_visible()
        looked_at(page, "no-camera", language)
        page.locator("#stop-camera").click()
        page.locator("#cancel-person").click()
        page.locator("#finish").click()
        looked_at(page, "finish", language)
        page.locator("#ask-yes").click()
        expect(page.locator("#tubes > li[data-state=received]")).to_have_count(1)
        page.locator("#tubes summary").click()
        looked_at(page, "received", language)
        page.locator("#sign-out").click()
        page.locator("#ask-yes").click()
        expect(page.locator("#start")).to_be_visible()
        looked_at(page, "signed-out", language)


def test_W13_axe_would_find_a_field_without_a_name(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        page.evaluate("document.querySelector('label[for=tube-code]').remove()")
        with pytest.raises(AssertionError, match="label"):
            judged(page)


def test_W13_the_whole_way_by_keyboard(chromium: Browser, site: Site, town: Town) -> None:
    with phone(chromium, site) as page:

        def tab_to(selector: str) -> None:
            for _ in range(25):
                page.keyboard.press("Tab")
                if page.locator(f"{selector}:focus").count():
                    return
            raise AssertionError(f"{selector} is not reached by Tab")

        tab_to("#tube-code")
        page.keyboard.type("FLB6092")
        page.keyboard.press("Enter")
        expect(page.locator("#tube")).to_be_visible()
        tab_to("#type-person")
        page.keyboard.press("Enter")
        for field, value in LAN.items():
            tab_to(f"#f-{field}")
            page.keyboard.type(value)
        page.keyboard.press("Enter")
        expect(page.locator("#scan-card")).to_be_focused()
        tab_to("#finish")
        page.keyboard.press("Enter")
        expect(page.locator("#ask-yes")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator("#ask")).to_be_hidden()
        expect(page.locator("#tube")).to_be_visible()
        expect(page.locator("#finish")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#ask-yes")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#tubes > li[data-state=received]")).to_have_count(1)
        assert [row["full_name"] for row in arrived(town)] == [LAN["full_name"]]


def test_who_is_where_is_told_at_once(chromium: Browser, site: Site, town: Town) -> None:
    with phone(chromium, site) as page:
        begin(page, "FLB6092")
        add(page, LAN)
        page.locator("#type-person").click()
        for field, value in LAN.items():
            page.locator(f"#f-{field}").fill(value)
        expect(page.locator("#places")).to_have_text("Nguyễn Thị Lan is already in this tube.")
        page.locator("#save-person").click()
        expect(page.locator("#person-findings")).to_contain_text("already stands in the same tube")
        page.locator("#cancel-person").click()
        page.locator("#back").click()
        begin(page, "FLB6093")
        page.locator("#type-person").click()
        page.locator("#f-full_name").fill("NGUYEN thi lan")
        page.locator("#f-birth_date").fill("5.3.1984")
        expect(page.locator("#places")).to_have_text(
            "Nguyễn Thị Lan in tube FLB6092 has the same name and birth date. Is it the same person?"
        )
        page.locator("#f-full_name").fill("Nguyễn Thị Lan")
        page.locator("#f-phone").fill(LAN["phone"])
        expect(page.locator("#places")).to_have_text("Nguyễn Thị Lan is already in tube FLB6092.")
        expect(page.locator("#save-person")).to_have_text("Save all the same")
        page.locator("#save-person").click()
        expect(page.locator("#people > li")).to_have_count(1)
        page.locator("#back").click()
        page.locator("#tube-code").fill(" flb-6092 ")
        page.locator("#begin button").click()
        expect(page.locator("#tube-title")).to_have_text("Tube FLB6092")


def test_people_are_corrected_and_removed(chromium: Browser, site: Site, town: Town) -> None:
    with phone(chromium, site) as page:
        begin(page, "FLB6092")
        add(page, LAN)
        add(page, MINH)
        page.get_by_role("button", name="Correct: Trần Văn Minh").click()
        expect(page.locator("#f-birth_date")).to_have_value("1990")
        page.locator("#f-address").fill("12 Đường số 3")
        page.locator("#save-person").click()
        page.get_by_role("button", name="Remove: Nguyễn Thị Lan").click()
        page.locator("#ask-yes").click()
        expect(page.locator("#people > li")).to_have_count(1)
        page.locator("#replaces").fill("FLB0001")
        page.locator("#site").fill("TRAM-7")
        finish(page)
        expect(page.locator("#tubes > li[data-state=received]")).to_have_count(1)
        (row,) = arrived(town)
        assert row["site_code"] == "TRAM-7"
        assert (row["full_name"], row["address"], row["replaces_tube"]) == ("Trần Văn Minh", "12 Đường số 3", "FLB0001")
        page.locator("#tube-code").fill("FLB6092")
        page.locator("#begin button").click()
        expect(page.locator("#begin-error")).to_contain_text("is on this phone already: received")
        begin(page, "FLB6093")
        expect(page.locator("#site")).to_have_value("TRAM-7")


def test_a_card_s_text_from_a_scanner_that_types_fills_the_form(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        begin(page, "FLB6092")
        page.locator("#type-person").click()
        page.locator("#f-full_name").fill(CARD.replace("079084", "079184"))
        expect(page.locator("#f-full_name")).to_have_value("Lê Thị Bích Đào")
        expect(page.locator("#f-birth_date")).to_have_value("05/03/1984")
        expect(page.locator("#f-sex")).to_have_value("F")
        expect(page.locator("#f-citizen_id")).to_have_value("079184001234")


def test_what_the_server_refuses_is_said_and_can_be_corrected(chromium: Browser, site: Site, town: Town) -> None:
    """The phone's clock is two hours ahead: the phone cannot see that without network, the server does."""
    with phone(chromium, site) as page:
        page.evaluate("{ const now = Date.now; Date.now = () => now() + 2 * 3600_000; }")
        begin(page, "FLB6092")
        add(page, LAN)
        page.evaluate("{ const now = Date.now; Date.now = () => now() - 2 * 3600_000; }")
        finish(page)
        refused = page.locator("#tubes > li[data-state=refused]")
        expect(refused).to_contain_text("The collection time lies in the future.")
        screen(page, "refused-en")
        judged(page)
        refused.get_by_role("button", name="Correct this tube").click()
        expect(page.locator("#tube-findings")).to_contain_text("The collection time lies in the future.")
        assert arrived(town) == []
        finish(page)
        expect(page.locator("#tubes > li[data-state=received]")).to_have_count(1)
        assert len(arrived(town)) == 1


def test_check_only_keeps_and_sends_nothing(chromium: Browser, site: Site, town: Town) -> None:
    with phone(chromium, site) as page:
        page.locator("#trial").check()
        expect(page.locator("#banners")).to_contain_text("Check only")
        begin(page, "FLB6092")
        add(page, LAN)
        page.locator("#finish").click()
        expect(page.locator("#tubes > li")).to_contain_text("checked, not sent: nothing is wrong with it")
        screen(page, "checked-en")
        judged(page)
        assert states(page) == ["checked"] and arrived(town) == []
        page.reload()
        expect(page.locator("#no-tubes")).to_be_visible()


def test_W08_markup_in_a_name_is_text_everywhere(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        begin(page, "FLB6092")
        add(page, LAN | {"full_name": "<img src=x onerror=alert(1)><b>x</b>"})
        expect(page.locator("#people")).to_contain_text("<img src=x onerror=alert(1)>")
        finish(page)
        page.locator("#tubes summary").click()
        expect(page.locator("#tubes")).to_contain_text("<b>x</b>")
        assert page.locator("img, b").count() == 0


def test_a_second_tab_waits_for_the_first(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        second = page.context.new_page()
        second.goto(f"{site.address}/phone/")
        expect(second.locator("#start-text")).to_contain_text("another tab")
        page.close()
        expect(second.locator("#home")).to_be_visible()


def test_the_pooling_mode_is_chosen_and_asks_for_each_own_tube(chromium: Browser, site: Site, town: Town) -> None:
    with phone(chromium, site) as page:
        begin(page, "FLB6092")
        expect(page.locator("#mode")).to_have_value("field")
        add(page, LAN)
        add(page, MINH)
        page.locator("#mode").select_option("lab")
        page.locator("#finish").click()
        expect(page.locator("#tube-findings")).to_contain_text("The specimen code is missing")
        for name, own in (("Nguyễn Thị Lan", "FLB6201"), ("Trần Văn Minh", "FLB6202")):
            page.get_by_role("button", name=f"Correct: {name}").click()
            page.locator("#f-specimen_code").fill(own)
            page.locator("#save-person").click()
        finish(page)
        expect(page.locator("#tubes > li[data-state=received]")).to_have_count(1)
        assert {(row["pooling_mode"], row["specimen_code"]) for row in arrived(town)} == {("lab", "FLB6201"), ("lab", "FLB6202")}
        begin(page, "FLB6093")
        expect(page.locator("#mode")).to_have_value("lab")
