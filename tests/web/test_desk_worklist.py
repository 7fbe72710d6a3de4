"""The lab's worklist at the desk: its own work alone, urgent first, on screen and in files that no spreadsheet calculates."""

from __future__ import annotations

import csv
import io
import re
import tomllib

import openpyxl
import pytest

from pipeline.domain.words import Call, RejectReason
from pipeline.stages.publish import publish
from pipeline.stages.work import COLUMNS
from pipeline.web.desk.app import HERE
from tests.web.desk import Town

pytestmark = pytest.mark.usefixtures("warm_judge")
HEADINGS = "tube_code,collected_at,full_name,birth_date,sex,phone,citizen_id,address,pool_size,specimen_code,pooling_mode,site_code"
# Pools kept in the lab: P1 will be detected, P2 unclear, P3 negative; S4 is a single whose first test is invalid; P5 is another lab's.
POOLS = {"P1001": ("K101", "K102"), "P2001": ("K201", "K202"), "P3001": ("K301", "K302"), "S4001": ("K401",), "P5001": ("K501", "K502")}
RESULTS = {"lab-a": {"P1001": "positive", "P2001": "inconclusive", "P3001": "negative", "S4001": "invalid"}, "lab-b": {"P5001": "positive"}}
LOGINS = {"lab-a": "hoa", "lab-b": "tam"}


def manifest() -> bytes:
    lines = [HEADINGS]
    for minute, (tube, kept) in enumerate(reversed(POOLS.items())):
        for code in kept:
            number = len(lines)
            who = f"Tran Thi Made-Up {number},05/03/19{number + 50},female,09123456{number:02},,1 Pho Hue"
            lines.append(f"{tube},2026-11-20 08:{minute:02},{who},{len(kept)},{code},lab,=1+1")
    return "\n".join([*lines, ""]).encode()


@pytest.fixture
def worked(town: Town) -> Town:
    town.handed_in("lan", manifest())
    for lab, results in RESULTS.items():
        lines = ["tube_code,result,tested_at", *(f"{tube},{word},2026-11-20 12:00" for tube, word in results.items()), ""]
        town.handed_in(LOGINS[lab], "\n".join(lines).encode(), f"{lab}.csv")
    town.run()
    town.installation.do(lambda house: publish(house, town.now, always=True) and None)
    return town


def codes(page: str) -> list[str]:
    return re.findall(r'<th scope="row">([^<]+)</th>', page)


def test_a_lab_sees_its_own_work_urgent_first_on_screen_and_in_files(worked: Town) -> None:
    client = worked.client("hoa")
    page = client.get("/worklist").text
    assert codes(page) == ["K101", "K102", "the whole tube", "K201", "K202"]
    assert page.count('class="urgent"') == 2 and "Urgent: the pool was positive" in page and "As of 20.11.2026 18:00" in page
    assert "Made-Up" not in page and "K501" not in page
    assert codes(worked.client("tam").get("/worklist").text) == ["K501", "K502"]

    rows = list(csv.reader(io.StringIO(client.get("/worklist.csv").content.decode("utf-8-sig"))))
    assert [row[:2] for row in rows[1:]] == [["K101", "P1001"], ["K102", "P1001"], ["", "S4001"], ["K201", "P2001"], ["K202", "P2001"]]
    assert rows[1][2] == "Urgent: the pool was positive"
    assert {row[5] for row in rows[1:]} == {"'=1+1", ""}
    book = client.get("/worklist.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(book.content)).active
    assert sheet is not None
    cells = [[cell.value or "" for cell in row] for row in sheet.iter_rows()]
    assert cells == rows and all(cell.data_type in ("s", "n") for row in sheet.iter_rows() for cell in row if cell.value)
    vietnamese = worked.client("hoa", "vi").get("/worklist.csv").content.decode("utf-8-sig")
    assert vietnamese.startswith("Ống riêng,Ống gộp,Lý do")


def test_before_the_first_run_the_page_says_so_and_is_no_empty_list(town: Town) -> None:
    page = town.client("hoa").get("/worklist").text
    assert "No run has made a worklist yet" in page and "Nothing to test again" not in page
    assert town.client("hoa").get("/worklist.csv").text.count("\n") == 1


def test_every_reason_has_a_text_in_each_language() -> None:
    after_a_test = (Call.DETECTED, Call.INCONCLUSIVE, Call.INVALID)
    wanted = {f"{kind}_{call.value}" for kind in ("pool", "single") for call in after_a_test} - {"single_detected"} | {"tube_repeat"}
    for language in ("vi", "en"):
        texts = tomllib.loads((HERE / "texts" / "worklist" / f"{language}.toml").read_text())
        assert set(texts["why_again"]) == wanted
        assert set(COLUMNS) <= set(texts["worklist"])
        lab = tomllib.loads((HERE / "texts" / "lab" / f"{language}.toml").read_text())
        assert set(lab["reject"]) == {reason.value for reason in RejectReason} and set(lab["call"]) == {call.value for call in Call}
