"""The operator's rooms: figures that are those of the day, holds that two people decide, people to call, and search with an audit."""

from __future__ import annotations

import base64
import hashlib
import html
import re

import pandas as pd
import pytest

from pipeline.domain.words import Verdict
from pipeline.ledger import holds
from pipeline.quality.data_docs import write_files_page
from pipeline.stages.publish import publish
from pipeline.web.desk.operator import DATA_DOCS, POLICIES
from tests.faults.town import RESULTS, result, sheet
from tests.web.desk import NOW, Town
from tests.web.operators import BREAKER, FILE_HELD, SECOND


def text(page: str) -> str:
    """What a reader sees, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def run_and_show(day: Town) -> None:
    """Five minutes later: a run, and the figures that the desk shows."""
    day.later(minutes=5)
    day.run()
    day.installation.do(lambda house: publish(house, day.now, always=True))


def hold_path(listed: str, subject: str) -> str:
    """Where the list of holds leads to for this tube."""
    found = re.search(rf'href="(/holds/[0-9a-f-]{{36}})"[^>]*>[^<]*{subject}\b', listed)
    assert found is not None
    return found[1]


def test_the_first_screen_says_what_is_decided_known_and_unknown(day: Town) -> None:
    seen = text(day.client("oanh").get("/overview").text)
    assert "Nothing is sent: a breaker has tripped" in seen
    assert "Known to both, same number of people 4" in seen
    assert "In a manifest only: no result 2" in seen
    assert "At the laboratory only: in no manifest 2" in seen
    assert "Collected to tested 11 5.5 5.5" in seen
    assert "Message sent to page opened no data yet" in seen
    assert "People to call: 1" in seen
    assert "As of 20.11.2026 17:00" in seen
    assert "cases: 1 days with data, least 25 %, most 25 %, last 25 %." in seen
    assert "Người Số" not in seen and "0912000" not in seen


def test_before_any_run_it_says_that_nothing_is_known(town: Town) -> None:
    seen = text(town.client("oanh").get("/overview").text)
    assert "No run has counted the tubes yet" in seen and "<svg" not in seen
    assert seen.count("no data yet") == 5


def test_P10_a_hold_is_let_go_by_two_with_a_reason_and_not_by_one_twice(day: Town) -> None:
    first, second = day.client("oanh"), day.client(SECOND)
    path = f"/holds/{FILE_HELD}"
    assert "Every tube" in first.get(path).text or "all_detected" not in first.get(path).text
    assert first.post(path, data={"choice": "release", "why": " "}).status_code == 400
    assert first.post(path, data={"choice": "release", "why": "x" * 501}).status_code == 400
    assert first.post(path, data={"choice": "release", "why": "asked the lab"}).headers["location"] == "/overview"
    again = first.post(path, data={"choice": "release", "why": "asked once more"})
    assert again.status_code == 409 and "another person must" in again.text
    assert "said to let go: 1/2" in text(first.get("/overview").text)
    assert second.post(path, data={"choice": "release", "why": "asked the lab too"}).status_code == 303
    assert first.get(path).status_code == 404, "decided: it is no longer there"
    assert [entry for entry in day.audited() if entry[1] == "hold_release"] == [
        ("oanh", "hold_release", "file_held receipt 3"),
        (SECOND, "hold_release", "file_held receipt 3"),
    ]


def test_one_person_is_enough_to_refuse(day: Town) -> None:
    client = day.client("oanh")
    assert client.post(f"/holds/{FILE_HELD}", data={"choice": "refuse", "why": "wrong season"}).status_code == 303
    assert client.get(f"/holds/{FILE_HELD}").status_code == 404


def test_P10_a_tube_is_decided_by_as_many_as_it_takes_and_the_next_run_carries_it_out(day: Town) -> None:
    own = sheet(RESULTS, [result(f"LP1-{n}", "negative", at="20 09:00") for n in (1, 2, 3)])
    day.handed_in("hoa", own)
    day.run()
    first, second = day.client("oanh"), day.client(SECOND)
    assert "Pool detected, members not" in text(first.get("/overview").text)
    path = hold_path(first.get("/holds", params={"reason": "discordant"}).text, "LP1")
    page = text(first.get(path).text)
    assert "Their own results stand All are swabbed again" in page and "said to let go: 0/2" in page
    assert first.post(path, data={"choice": "release", "why": "pipetting error"}).status_code == 303
    assert "said to let go: 1/2" in text(first.get(path).text)
    assert first.post(path, data={"choice": "release", "why": "pipetting error"}).status_code == 409
    assert second.post(path, data={"choice": "release", "why": "asked the lab"}).status_code == 303
    decided = first.get(path).text
    assert "Decided. The next run" in text(decided) and 'name="choice"' not in decided
    run_and_show(day)
    assert first.get(path).status_code == 404
    seen = text(first.post("/search", data={"wanted": "LP1"}).text)
    assert seen.count("Stands: result is ready") == 3
    incomplete = hold_path(first.get("/holds", params={"reason": "incomplete"}).text, "FP6")
    assert 'value="release"' not in first.get(incomplete).text
    assert first.post(incomplete, data={"choice": "release", "why": "no"}).status_code == 400
    assert first.post(incomplete, data={"choice": "refuse", "why": "the list is lost"}).status_code == 303
    run_and_show(day)
    called = text(day.client("lan").get("/call-backs").text)
    assert called.count("Fewer people are listed than were in the tube; decided: swab again") == 2


def test_T10_a_breaker_can_be_let_go_and_not_refused(day: Town) -> None:
    first, second = day.client("oanh"), day.client(SECOND)
    page = first.get(f"/holds/{BREAKER}").text
    assert 'value="release"' in page and 'value="refuse"' not in page and "912" in page
    assert first.post(f"/holds/{BREAKER}", data={"choice": "refuse", "why": "no"}).status_code == 400
    for client in (first, second):
        assert client.post(f"/holds/{BREAKER}", data={"choice": "release", "why": "a campaign day"}).status_code == 303
    assert "a breaker has tripped" not in first.get("/overview").text


def test_what_a_file_must_settle_has_no_buttons(day: Town) -> None:
    client = day.client("oanh")
    listed = client.get("/holds", params={"reason": "unmatched", "owner": "lab-a"}).text
    path = hold_path(listed, "NOWHERE")
    page = client.get(path).text
    assert "NOWHERE" in page and 'name="choice"' not in page and "settles it" in page
    assert client.post(path, data={"choice": "release", "why": "because"}).status_code == 400
    assert "NOWHERE" not in client.get("/holds", params={"reason": "unmatched", "owner": "lab-b"}).text
    assert client.get("/holds", params={"reason": "nonsense"}).status_code == 404


def test_a_near_miss_is_suggested_with_both_rows_and_never_applied(day: Town) -> None:
    client = day.client("oanh")
    listed = client.get("/holds", params={"reason": "unmatched", "owner": "lab-a"}).text
    page = html.unescape(text(client.get(hold_path(listed, "SP0")).text))
    assert "One character is another one The laboratory's row The team's row Code SP0 SP5 From lab-a team-a When" in page
    assert "tested 19.11.2026 14:30 collected 19.11.2026 08:30" in page
    assert "Code SP0 SP9 From lab-a team-b" in page and "SP4" not in page
    assert "Perhaps one of" not in text(client.get(hold_path(listed, "NOWHERE")).text)
    assert "SP5 · 19.11.2026 08:30 · team-a Stands: registered" in text(client.post("/search", data={"wanted": "SP5"}).text)


@pytest.mark.parametrize("hold_id", ["0", "11111111", "11111111-1111-4111-8111-111111111112", "%25"])
def test_W01_no_part_of_an_id_opens_a_hold(day: Town, hold_id: str) -> None:
    assert day.client("oanh").get(f"/holds/{hold_id}").status_code == 404


def test_O08_one_person_pauses_and_lets_go_on(day: Town) -> None:
    client = day.client("oanh")
    with day.house.ledger.begin() as conn:
        holds.close_many(conn, [BREAKER], NOW)
    assert client.post("/sending", data={"do": "pause", "why": ""}).status_code == 400
    assert client.post("/sending", data={"do": "stop", "why": "x"}).status_code == 400
    assert client.post("/sending", data={"do": "pause", "why": "a wrong text"}).status_code == 303
    page = client.get("/overview").text
    assert "somebody paused it" in page and 'value="resume"' in page
    client.post("/sending", data={"do": "resume", "why": "text mended"})
    assert "somebody paused it" not in client.get("/overview").text


def test_the_call_list_names_people_for_operators_and_says_who_looked(day: Town) -> None:
    page = day.client("oanh").get("/calls").text
    assert "Người Số 9" in page and 'href="tel:0912000009"' in page and "9 đường Thử" in page
    assert "Người Số 1<" not in page
    assert ("oanh", "looked", "call list") in day.audited()


def test_search_shows_a_person_to_who_may_see_them_and_the_audit_knows_it(day: Town) -> None:
    found = text(day.client("oanh").post("/search", data={"wanted": "0912 000 009"}).text)
    assert "Người Số 9" in found and "Stands: result is ready" in found and "SP4 Detected (positive) (F), Ct 22 lab-a" in found
    who, what, subject = day.audited()[-1]
    assert (who, what) == ("oanh", "searched") and re.fullmatch(r"[0-9a-f-]{36}", subject)
    mine, others = day.client("lan"), day.client("minh")
    assert "Người Số 9" in mine.post("/search", data={"wanted": "SP4"}).text
    assert "Nothing was found" in others.post("/search", data={"wanted": "SP4"}).text
    assert "Nothing was found" in others.post("/search", data={"wanted": "NOWHERE"}).text
    assert "Người Số 20" in others.post("/search", data={"wanted": "SP9"}).text


def test_W08_a_name_that_is_markup_is_shown_as_text(day: Town) -> None:
    page = day.client("oanh").post("/search", data={"wanted": "SP9"}).text
    assert "&lt;i onclick=alert(1)&gt;Người Số 20" in page and "<i onclick" not in page


@pytest.mark.parametrize(
    "wanted", ["", "<script>alert(1)</script>", "'; DROP TABLE card; --", "=1+1", "\x00", "９" * 12, "x" * 3_000 + "&"]
)
def test_W08_whatever_is_searched_for_is_answered_and_never_repeated(day: Town, wanted: str) -> None:
    answer = day.client("oanh").post("/search", data={"wanted": wanted})
    assert answer.status_code in (200, 413)
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_reason_state_and_segment_has_its_words(day: Town, language: str) -> None:
    """By the texts themselves: a screen without one fails."""
    from pipeline.domain.words import Call, Choice, HoldReason, MessageState, PersonState
    from pipeline.ledger.switches import Stop
    from pipeline.stages.overview import Segment, Slip

    texts = day.texts[language]
    sets = {
        "hold": HoldReason,
        "message": MessageState,
        "person": PersonState,
        "call": Call,
        "choice": Choice,
        "segment": Segment,
        "near": Slip,
    }
    for part, words in sets.items():
        assert all(texts[f"{part}.{word.value}"] for word in words)
    assert all(texts[f"stop.{stop.value}.todo"] for stop in Stop)
    page = day.client("oanh", language).get("/overview").text
    assert f'lang="{language}"' in page


def judged(town: Town) -> None:
    """A page as a run writes it: the day's own files were trusted."""
    seen = pd.DataFrame({"receipt_no": [1, 2], "rows": [10, 20], "rejected": [0, 15]})
    verdicts = {1: (Verdict.ACCEPTED, ""), 2: (Verdict.HELD, "many_rows_rejected")}
    write_files_page(town.house.home.data_docs, "manifest_file", seen, [], verdicts)


def test_the_first_screen_leads_to_what_is_there_and_nowhere_else(day: Town) -> None:
    assert "data-docs" not in day.client("oanh").get("/overview").text
    judged(day)
    page = day.client("oanh").get("/overview").text
    assert 'href="/data-docs/index.html"' in page and "dag_runs" not in page
    object.__setattr__(day.house.settings, "airflow_url", "https://airflow.example.vn")
    (day.house.home.data_docs / "index.html").unlink()
    page = day.client("oanh").get("/overview").text
    assert 'href="https://airflow.example.vn/dag_runs"' in page and "/data-docs" not in page


def test_W08_an_owner_that_is_none_is_not_there(day: Town) -> None:
    for owner in ("%00", "nobody", "%27%20OR%201=1"):
        assert day.client("oanh").get(f"/holds?reason=unmatched&owner={owner}").status_code in (200, 404)


def test_W01_the_data_docs_are_the_operators_and_no_other_file_is_one(day: Town) -> None:
    judged(day)
    client = day.client("oanh")
    index = client.get("/data-docs/index.html")
    assert index.status_code == 200 and "Data Docs" in index.text
    pages = re.findall(r'href="([^"]+)"', index.text)
    assert pages and all(client.get(f"/data-docs/{one}").status_code == 200 for one in pages)
    # Its own style stands, and nothing else inline.
    style = re.search("<style>(.*)</style>", index.text, re.DOTALL)
    assert style and index.headers["content-security-policy"] == POLICIES[DATA_DOCS]
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'self' 'sha256-{digest}'" in POLICIES[DATA_DOCS] and "unsafe" not in POLICIES[DATA_DOCS]
    (day.house.home.data_docs / "secret.txt").write_text("no page")
    for name in ("secret.txt", "..%2Fkeys%2Fmaster.key", "%2e%2e%2findex.html", "x" * 300 + ".html", "none.html", "index.html%00"):
        assert client.get(f"/data-docs/{name}").status_code == 404, name
    assert day.client("lan").get("/data-docs/index.html").status_code == 404
