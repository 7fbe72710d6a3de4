"""W08: naughty strings through every field, address and cookie of the result page: never echoed, never a failure, and nothing opens."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from pipeline.domain.words import PersonState
from pipeline.ledger.engine import Ledger
from tests.cards import card_row
from tests.web.sites import MINE, RIGHT, Here, link

CORPORA = Path(__file__).parents[3] / "shared" / "data" / "corpora"
BLNS = CORPORA / "blns" / "blns.json"
FORMULAS = CORPORA / "csv-injection" / "payloads.json"
OWN = [
    "",
    "\x00",
    "a" * 300,
    "</h1><script>alert(1)</script>",
    '" onfocus=alert(1) autofocus="',
    "{{7*7}}",
    "%00",
    "../../etc/passwd",
    "٣",
    "\r\nSet-Cookie: a=b",
]


def payloads() -> list[str]:
    found = list(OWN)
    for file in (BLNS, FORMULAS):
        if file.exists():
            found += [one if isinstance(one, str) else str(one) for one in json.loads(file.read_text(encoding="utf-8"))]
    return found


@pytest.fixture
def here(ledger: Ledger) -> Here:
    made = Here(ledger)
    made.put(card_row(MINE, PersonState.READY))
    return made


def test_W08_no_payload_in_any_field_is_echoed_or_fails(here: Here, record_property: Callable[[str, object], None]) -> None:
    """A refusal is one text, so an echo would make it another; every field at once, and each alone beside right ones."""
    every = payloads()
    plain = here.client.post(link(), data=RIGHT | {"day": "32"}).text
    seen = set()
    for one in every:
        for form in ({"day": one, "month": one, "year": one}, {"day": "32", "month": "3", "year": "1984", one: one}):
            answer = here.client.post(link(), data=form)
            seen.add(answer.status_code)
            assert answer.status_code in (403, 413) and (answer.status_code == 413 or answer.text == plain), ascii(one)
        asked = here.client.post(link(), data={"asked": one})
        assert asked.status_code in (400, 403, 413), ascii(one)
    record_property("payloads", len(every))
    assert here.opened() is None and seen == {403}


def test_W08_no_payload_in_an_address_a_language_or_a_cookie_is_echoed_or_fails(here: Here) -> None:
    plain = here.client.get(link()).text
    ended = here.client.get("/r/").text
    for one in payloads():
        written = quote(one.encode("utf-8", "replace"), safe="")
        answer = here.client.get(f"/r/{written}")
        # A dot or a slash makes another address: that is not found.
        assert answer.status_code == 404 or (answer.text == plain if written not in ("", ".", "..") else True), ascii(one)
        assert here.client.get(f"{link()}?lang={written}").text == plain, ascii(one)
        answer = here.client.get("/r/", headers={"Cookie": f"page={written}; lang={written}"})
        assert (answer.status_code, answer.text) == (200, ended), ascii(one)


def test_W08_a_sealed_cookie_of_another_key_or_shape_opens_nothing(here: Here) -> None:
    for bad in ("a.b.c", ".", "..", f"{'0' * 32}.99999999999.{'0' * 64}", "é" * 9, f"x.{'9' * 400}.y"):
        answer = here.client.get("/r/", headers={"Cookie": f"page={quote(bad)}"})
        assert answer.status_code == 200 and "This page is closed" in answer.text
