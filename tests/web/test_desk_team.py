"""The team's call-back list: its people alone, a new swab linked to the old tube by a file; and labels that are printed once."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pypdfium2
import pytest
import zxingcpp
from starlette.testclient import TestClient

from pipeline.domain.tube_codes import has_check, with_check
from pipeline.domain.words import Call, HoldReason, RejectReason
from pipeline.stages.answer import is_of_tube
from pipeline.stages.house import House
from pipeline.stages.publish import publish
from pipeline.stages.run import run_all
from pipeline.warehouse.published import Published
from pipeline.web.desk.app import HERE
from tests.faults.conftest import trusting
from tests.web.desk import NOW, Town

NEW_TUBE = with_check("UP500001")


def people(client: TestClient) -> list[str]:
    """Addresses of the people on the list."""
    return re.findall(r'href="(/call-backs/[0-9a-f-]{36})"', client.get("/call-backs").text)


def swab(client: TestClient, path: str, tube: str = NEW_TUBE, at: str = "2026-11-20T10:30") -> tuple[int, str]:
    answer = client.post(path, data={"tube": tube, "at": at})
    return answer.status_code, answer.headers.get("location", "") or answer.text


def test_W01_a_team_sees_its_own_people_and_each_look_is_audited(day: Town) -> None:
    mine, others = day.client("lan"), day.client("minh")
    page = mine.get("/call-backs").text
    assert re.findall(r"Người Số \d+", page) == ["Người Số 7", "Người Số 8"] or re.findall(r"Người Số \d+", page) == [
        "Người Số 8",
        "Người Số 7",
    ]
    assert 'href="tel:0912000007"' in page and "7 đường Thử" in page and "FP3" in page
    assert "Nobody." in others.get("/call-backs").text
    assert day.audited()[-2:] == [("lan", "looked", "call-back list team-a"), ("minh", "looked", "call-back list team-b")]
    (path, _) = people(mine)
    assert mine.get(path).status_code == 200
    assert day.audited()[-1] == ("lan", "looked", f"specimen {path.rpartition('/')[2]}")
    assert others.get(path).status_code == 404
    assert others.post(path, data={"tube": NEW_TUBE, "at": "2026-11-20T10:30"}).status_code == 404
    assert [entry[:2] for entry in day.audited()[-2:]] == [("minh", "refused")] * 2


def test_the_file_has_the_team_s_own_people_alone_in_words(day: Town) -> None:
    rows = list(csv.reader(io.StringIO(day.client("lan").get("/call-backs.csv").content.decode("utf-8-sig"))))
    assert rows[0][:2] == ["Instead of tube", "Why"] and {row[4] for row in rows[1:]} == {"Người Số 7", "Người Số 8"}
    assert {row[1] for row in rows[1:]} == {day.texts["en"]["come_again.pool_detected"]}
    assert day.audited()[-1] == ("lan", "looked", "call-back list team-a")
    assert day.client("minh").get("/call-backs.csv").text.count("\n") == 1


def test_every_reason_to_come_again_has_a_text_in_each_language() -> None:
    unclear = (Call.INCONCLUSIVE, Call.INVALID)
    wanted = {f"{kind}_{call.value}" for kind in ("pool", "single", "own") for call in unclear} | {"pool_detected"}
    wanted |= {f"tube_{reason.value}" for reason in RejectReason} | {
        f"refused_{reason.value}" for reason in HoldReason if is_of_tube(reason)
    }
    for language in ("vi", "en"):
        texts = tomllib.loads((HERE / "texts" / "team" / f"{language}.toml").read_text())
        assert set(texts["come_again"]) == wanted


def test_a_new_swab_closes_the_old_episode_and_is_its_own_specimen(day: Town) -> None:
    client = day.client("lan")
    first, second = people(client)
    status, receipt = swab(client, first)
    assert status == 303 and receipt.startswith("/files/")
    assert swab(client, first) == (303, receipt), "sent twice, it is one file"
    assert client.get(receipt).status_code == 200

    def work(house: House) -> list[str]:
        trusting()
        taken = run_all(house, NOW + timedelta(minutes=1), lambda *_: None).intake
        assert (taken.files, taken.rows_accepted) == (1, 1)
        publish(house, NOW + timedelta(minutes=1), always=True)
        return [row["replaces_code"] for row in Published(house.home.published).find("specimens", where=[("tube_code", "=", NEW_TUBE)])]

    assert day.installation.do(work) == ["FP3"]
    assert people(client) == [second]
    assert client.get(first).status_code == 404
    found = client.post("/search", data={"wanted": NEW_TUBE}).text
    assert found.count("<b>Người Số") == 1


@pytest.mark.parametrize(
    ("tube", "at", "said"),
    [
        ("UP500001X", "2026-11-20T10:30", "no tube code"),
        ("", "2026-11-20T10:30", "no tube code"),
        ("=1+1", "2026-11-20T10:30", "no tube code"),
        ("f-p 3", "2026-11-20T10:30", "the earlier tube"),
        (NEW_TUBE, "2026-11-19T08:29", "must be after"),
        (NEW_TUBE, "2026-11-20T18:01", "must be after"),
        (NEW_TUBE, "yesterday", "must be after"),
        (NEW_TUBE, "", "must be after"),
    ],
)
def test_what_is_no_new_swab_is_said_and_nothing_is_handed_in(day: Town, tube: str, at: str, said: str) -> None:
    client = day.client("lan")
    status, page = swab(client, people(client)[0], tube, at)
    assert status == 400 and said in page
    assert not [path for path in day.house.home.inbox.rglob("*") if path.is_file()]
    assert not list(day.house.home.tmp.glob("desk-*"))


def printed(client: TestClient, count: object, sheet: str = "a4_65", skip: object = 0) -> list[str]:
    answer = client.post("/labels", data={"sheet": sheet, "count": str(count), "skip": str(skip)})
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/pdf", answer.text
    pages = pypdfium2.PdfDocument(answer.content)
    read = [zxingcpp.read_barcodes(page.render(scale=300 / 72).to_pil(), formats=zxingcpp.BarcodeFormat.QRCode) for page in pages]
    return sorted(one.text for page in read for one in page)


def test_labels_go_on_where_the_last_ones_ended_whoever_prints(day: Town) -> None:
    first, second = printed(day.client("lan"), 3), printed(day.client("minh"), 2, "a4_24", 23)
    assert first == [with_check(f"UP{number:06}") for number in (1, 2, 3)]
    assert second == [with_check(f"UP{number:06}") for number in (4, 5)]
    assert all(map(has_check, first + second))
    assert [entry for entry in day.audited() if entry[1] == "labels_printed"] == [
        ("lan", "labels_printed", "1-3"),
        ("minh", "labels_printed", "4-5"),
    ]


def test_labels_of_many_at_once_are_never_the_same(day: Town) -> None:
    clients = [day.client(login) for login in ("lan", "minh", "oanh")]
    with ThreadPoolExecutor(6) as pool:
        every = [code for codes in pool.map(lambda number: printed(clients[number % 3], 2), range(9)) for code in codes]
    assert len(every) == len(set(every)) == 18


@pytest.mark.parametrize("form", [{}, {"sheet": "a4_65", "count": "0"}, {"sheet": "a4_65", "count": "1001"}, {"sheet": "a9", "count": "1"}, {"sheet": "a4_65", "count": "-1"}, {"sheet": "a4_65", "count": "1", "skip": "x"}, {"sheet": "a4_65", "count": "１"}])  # fmt: skip
def test_what_is_no_order_of_labels_is_said_and_takes_no_number(town: Town, form: dict[str, str]) -> None:
    answer = town.client("lan").post("/labels", data=form)
    assert answer.status_code == 400 and "Choose a sheet" in answer.text
    assert "labels_printed" not in {what for _, what, _ in town.audited()}
