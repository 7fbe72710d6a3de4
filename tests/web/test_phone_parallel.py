"""Ten phones at once, the network cut at random before and after the server took a tube: every tube arrives, once."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.web.desk import Town
from tests.web.phone import Site, arrived, opened, until
from tests.web.screens import NARROW, NEEDS_CHROMIUM

pytestmark = [
    pytest.mark.slow,
    NEEDS_CHROMIUM,
]
PHONES, TUBES, PEOPLE = 10, 3, 2
SEED = 20261125

# Finishes tubes as the page does, with the page's own modules, and sends them until none waits. The form is tried elsewhere.
WORK = """async ([phone, tubes, people]) => {
  const load = (name) => import(`/assets/phone/${name}.js`);
  const [{ Book }, { openStore }, { Sender }, rules] = [await load("book"), await load("store"), await load("sender"), await load("tubes")];
  const store = await openStore();
  const settings = { ...(await store.all()).values.get("settings"), retry_s: 0.05 };
  const book = new Book(store);
  for (let number = 0; number < tubes; number += 1) {
    const tube = rules.newTube(crypto.randomUUID(), `FLB${phone}00${number}`, Date.now());
    tube.people = Array.from({ length: people }, (_, one) => (
      { ...rules.noOne(), full_name: `Nguyễn Văn ${phone} ${number} ${one}`, birth_date: "1990", phone: "0901234567" }));
    const body = rules.bodyOf(tube, settings);
    await book.save({ ...tube, body, digest: await rules.digestOf(body), state: rules.State.WAITING });
  }
  globalThis.book = book;
  globalThis.sender = new Sender({ book, url: "/phone/tubes", settings: () => settings, onChange: () => undefined });
  globalThis.sender.wake();
}"""
DONE = "async () => globalThis.book.tubes().every((tube) => tube.state === 'received')"


def test_ten_phones_with_a_network_cut_at_random_send_every_tube_once(chromium: Browser, site: Site, town: Town) -> None:
    chance = random.Random(SEED)
    fates: Counter[str] = Counter()

    def network(route: Route) -> None:
        fate = chance.choice(("before", "after", "whole"))
        fates[fate] += 1
        if fate == "after":
            route.fetch()
        if fate == "whole":
            route.continue_()
        else:
            route.abort("connectionreset")

    pages: list[Page] = []
    for _ in range(PHONES):
        context = chromium.new_context(viewport=NARROW, locale="vi", service_workers="block")
        context.route("**/phone/tubes", network)
        pages.append(opened(context, site))
    for number, page in enumerate(pages):
        page.evaluate(WORK, [number, TUBES, PEOPLE])
    for page in pages:
        until(page, DONE)
    rows = Counter((row["tube_code"], row["full_name"]) for row in arrived(town))
    wanted = {
        (f"FLB{phone}00{tube}", f"Nguyễn Văn {phone} {tube} {one}")
        for phone in range(PHONES)
        for tube in range(TUBES)
        for one in range(PEOPLE)
    }
    assert set(rows) == wanted
    assert set(rows.values()) == {1}, "no tube was taken twice"
    assert min(fates[fate] for fate in ("before", "after", "whole")) >= PHONES, f"the network was cut often enough: {fates}"
    receipts = [page.evaluate("globalThis.book.tubes().map((tube) => tube.receipt)") for page in pages]
    assert len({one for some in receipts for one in some}) == PHONES * TUBES
    for page in pages:
        page.context.close()
