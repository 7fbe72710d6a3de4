"""P04: one person swabbed again and again, through all stages: each result stays with its specimen, and its dates with it."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pipeline.delivery.link import links
from pipeline.ledger import cards, outbox, receipts
from pipeline.stages.house import House
from pipeline.stages.lists import write_lists
from pipeline.stages.publish import publish
from pipeline.stages.search import search
from pipeline.stages.verify import verify
from pipeline.vault.tokens import token
from pipeline.warehouse.published import Published
from pipeline.web.result.serve import page_of
from tests.faults.conftest import run_through, small_and_quick
from tests.faults.town import MANIFEST, RESULTS, drop, person, result, sheet
from tests.homes import Installation

ADDRESS = "http://127.0.0.1:8083/r"
PHONE, BORN = "0912000001", {"day": "11", "month": "2", "year": "1951"}
# The first person: on the 12th in a pool and alone; the 13th in a pool that is taken apart in the lab; the 15th in one that is not, and so
# swabbed again on the 16th; on the 27th under a label of the 12th. The others are there to fill the pools.
EPISODES: dict[str, tuple[list[str], list[str]]] = {
    "12 18:00": (
        [person(1, "TP1", size=2), person(2, "TP1", size=2), person(1, "TS1", size=1)],
        [result("TP1", "negative", at="12 14:00"), result("TS1", "negative", at="12 15:00")],
    ),
    "13 18:00": (
        [person(n, "TP2", size=2, day=13, own=f"TP2K{n}", mode="lab") for n in (1, 3)],
        [result("TP2", "positive", at="13 14:00", ct="24")],
    ),
    "14 18:00": ([], [result("TP2K1", "positive", at="14 10:00", ct="22"), result("TP2K3", "negative", at="14 10:00")]),
    "15 18:00": ([person(n, "TF3", size=2, day=15) for n in (1, 4)], [result("TF3", "positive", at="15 14:00", ct="30")]),
    "16 18:00": ([person(1, "TS5", size=1, day=16, replaces="TF3")], [result("TS5", "negative", at="16 14:00")]),
    "27 18:00": ([person(n, "TP1", size=2, day=27) for n in (1, 5)], [result("TP1", "positive", at="27 14:00", ct="21")]),
}
# What the first person's specimens say, each from its first word to its last, by tube and day of the swab; and what its person was told.
READY, OWN, AGAIN = "ready {}", "own_test_needed", "come_again"
STORY = {
    ("TP1", 12): ([READY.format("not_detected")], ["result"]),
    ("TS1", 12): ([READY.format("not_detected")], ["result"]),
    ("TP2", 13): ([OWN, READY.format("detected")], ["own_test", "result"]),
    ("TF3", 15): ([AGAIN], ["come_again"]),
    ("TS5", 16): ([READY.format("not_detected")], ["result"]),
    ("TP1", 27): ([AGAIN], ["come_again"]),
}
LAST = {episode: words[-1] for episode, (words, _) in STORY.items()}
# The page says as of when it is, too.
TODAY = datetime.fromisoformat("2026-11-28T08:00:00+07:00")
Make = Callable[..., Installation]


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{day}:00+07:00")


def take_in(here: Installation, folder: Path, moment: str, manifest: list[str], results: list[str]) -> dict[tuple[str, int], Any]:
    """A run with these files; what is then known of the first person's specimens: the card, and the messages with their texts' purpose."""
    files = {"TEAM1": (MANIFEST, manifest), "LAB1": (RESULTS, results)}
    drop(here, {sender: {f"{sender}.csv": sheet(*rows)} for sender, rows in files.items() if rows[1]}, folder / "desk")

    def work(house: House) -> dict[tuple[str, int], Any]:
        small_and_quick()
        run_through(house, at(moment))
        publish(house, at(moment), always=True)
        found = {}
        for one in search(house, PHONE, who="oanh", now=at(moment)).specimens:
            with house.ledger.begin() as conn:
                card = cards.by_specimen(conn, one.specimen_id)
                told = sorted((each.version, each.purpose.value) for each in outbox.of_specimen(conn, one.specimen_id))
            found[one.tube_code, one.collected_at.day] = card, told
        return found

    return here.do(work)


def word(card: cards.Card) -> str:
    return f"{card.state} {card.result}" if card.result else card.state.value


def pages(house: House) -> dict[tuple[str, int], tuple[set[str], str]]:
    """Of each of the first person's specimens: the dates on its page, and the page's words."""
    key, found = house.keys.derive("token"), {}
    link_of = links(house.settings.result_url, lambda specimen: token(key, specimen))
    for one in search(house, PHONE, who="oanh", now=at("27 18:00")).specimens:
        client = TestClient(page_of(house), base_url="http://127.0.0.1:8083", headers={"Accept-Language": "en"})
        page = client.post(link_of(one.specimen_id), data=BORN).text
        [heading] = re.findall(r"<h1>(.+)</h1>", page)
        found[one.tube_code, one.collected_at.day] = set(re.findall(r"\d\d/11/2026", page)), heading
    return found


@pytest.fixture
def here(warm: None, installation: Make) -> Installation:
    return installation(result_url=ADDRESS, now=TODAY)


def test_P04_each_new_test_leaves_what_was_said_of_the_earlier_ones(here: Installation, tmp_path: Path) -> None:
    """After every run: the card to its last column, and the messages."""
    so_far: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for moment, (manifest, results) in EPISODES.items():
        for episode, known in take_in(here, tmp_path, moment, manifest, results).items():
            if known not in so_far[episode][-1:]:
                so_far[episode].append(known)
    assert {episode: [word(card) for card, _ in known] for episode, known in so_far.items()} == {
        one: words for one, (words, _) in STORY.items()
    }
    assert {episode: [purpose for _, purpose in known[-1][1]] for episode, known in so_far.items()} == {
        one: told for one, (_, told) in STORY.items()
    }
    assert {episode: known[-1][0].collected_on.day for episode, known in so_far.items()} == {episode: episode[1] for episode in STORY}


def test_P04_twice_on_one_day_is_taken_and_warned_of(here: Installation, tmp_path: Path) -> None:
    take_in(here, tmp_path, "12 18:00", *EPISODES["12 18:00"])

    def warned(house: House) -> list[tuple[int, int]]:
        with house.ledger.begin() as conn:
            return [(one.rows_accepted, one.rows_warned) for one in receipts.listing(conn) if one.sender == "TEAM1"]

    assert here.do(warned) == [(3, 1)]


@pytest.mark.parametrize("order", ["as_they_came", "the_last_first"])
def test_P04_pages_lists_and_figures_show_each_test_with_its_own_dates(here: Installation, tmp_path: Path, order: str) -> None:
    """All swabs first; then the results as the lab found them, or the other way round."""
    take_in(here, tmp_path, "27 18:00", [row for manifest, _ in EPISODES.values() for row in manifest], [])
    told = [results for _, results in EPISODES.values()]
    for results in told if order == "as_they_came" else reversed(told):
        found = take_in(here, tmp_path, "27 18:00", [], results)
    assert {episode: word(card) for episode, (card, _) in found.items()} == LAST

    def looked_at(house: House) -> tuple[Any, ...]:
        write_lists(house, tmp_path, at("27 18:00"))
        shown = Published(house.home.published)
        codes = sorted({tube for tube, _ in STORY} | {"TP2K1"})
        tests = {(row["tube_code"], row["tested_at"].day, row["call"]) for row in shown.find("results", where=[("tube_code", "in", codes)])}
        days = {row["day"][-2:]: (row["tested"], row["detected"]) for row in (shown.figures() or {})["positivity"]}
        callback = {(row["replaces_tube"], row["collected_at"].day) for row in shown.read("callback")}
        return pages(house), tests, days, callback, verify(house)

    by_page, tests, days, callback, broken = here.do(looked_at)
    assert {episode: dates for episode, (dates, _) in by_page.items()} == {
        (tube, day): {f"{day}/11/2026", "28/11/2026"} for tube, day in STORY
    }
    headings = {READY.format("detected"): "Detected", READY.format("not_detected"): "Not detected", AGAIN: "Please come again"}
    assert {episode: heading for episode, (_, heading) in by_page.items()} == {episode: headings[said] for episode, said in LAST.items()}
    assert tests == {
        ("TP1", 12, "not_detected"), ("TS1", 12, "not_detected"), ("TP2", 13, "detected"), ("TP2K1", 14, "detected"),
        ("TF3", 15, "detected"), ("TS5", 16, "not_detected"), ("TP1", 27, "detected"),
    }  # fmt: skip
    # People tested and found, by the day of their swab; whose pool was positive is neither.
    assert days == {"12": (3, 0), "13": (2, 1), "16": (1, 0)}
    # Person 1 was swabbed again for TF3; of the 12th nobody comes again, whatever the label of TP1 says on the 27th.
    assert callback == {("TF3", 15), ("TP1", 27)}
    with (tmp_path / "callback.csv").open(encoding="utf-8-sig", newline="") as file:
        again = [(row["replaces_tube"], row["collected_at"][:10], row["full_name"]) for row in csv.DictReader(file)]
    assert sorted(again) == [
        ("TF3", "2026-11-15", "Người Số 4"), ("TP1", "2026-11-27", "Người Số 1"), ("TP1", "2026-11-27", "Người Số 5"),
    ]  # fmt: skip
    assert broken == []
