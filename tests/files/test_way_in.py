"""The whole way in: what was dropped as it came is taken, and what is wrong in it goes back in the sender's own columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from pipeline.domain.words import Choice, HoldReason, Verdict
from pipeline.ledger import holds, receipts
from pipeline.ledger.receipts import Receipt
from pipeline.ledger.server import Server
from pipeline.programme import SHIPPED
from pipeline.stages.answer import answer
from pipeline.stages.house import House
from pipeline.stages.intake import intake
from pipeline.stages.rebuild import rebuild
from pipeline.stages.returns import rejects_path
from pipeline.stages.verify import verify
from tests.files.kit import book, saved
from tests.files.test_exports import BLOCK, MESSAGE
from tests.files.test_plates import SHIPPED_TEXT, SMALL_TEXT
from tests.files.test_workbooks import GOOD, HEADINGS, HOSTILE, PLAIN, repacked
from tests.homes import Installation, new_installation

NOW = datetime.fromisoformat("2026-11-12T18:00:00+07:00")
OWN = ("genexpert_csv", "hl7_oru_specimen")
BAD_ID = [*GOOD[:5], 79180001234]
PEOPLE = [[f"TUBE{n // 5:02}", GOOD[1], f"Nguyễn Thị Số {n}", GOOD[3], f"09123456{n:02}", ""] for n in range(10, 20)]
PLATE = (
    SHIPPED_TEXT.replace('targets = ["N", "ORF1ab"]', 'targets = ["TGFb"]')
    .replace("needed = 2", "needed = 1")
    .replace('"RNase P"', '"IPC"')
)
PLATE = PLATE.replace('controls = ["negative", "positive"]', 'controls = ["negative"]')
POOLED = (SHIPPED / "formats/pooled_names_manifest.toml").read_text("utf-8")

FILES: dict[str, bytes] = {
    "danh_sach.csv": saved(book(["DANH SÁCH LẤY MẪU"], HEADINGS, *PEOPLE, BAD_ID)),
    "macro.xlsx": repacked(PLAIN, xl__vbaProject_DOT_bin=b"\xd0\xcf"),
    "hai_so_o.xlsx": HOSTILE["cell_twice"][0](),
    "gene.csv": (BLOCK + "\nRESULT TABLE\nSample ID,TUBE77\nAssay,Xpert HBV Viral Load\nTest Result,1.5E+04 IU/mL\n").encode(),
    "oru.txt": MESSAGE.replace("TUBE\\T\\01", "TUBE03").encode(),
    "plate.txt": SMALL_TEXT.replace("14:00:00 PM", "13:00:00 PM").replace("\t26.0\r", "\t\r").encode(),
    "nhieu_nguoi.xlsx": saved(
        book(["Mã ống", "Ngày lấy mẫu", "Danh sách người"], ["TUBE50", GOOD[1], "An, Bình,\nChi"], ["T!", GOOD[1], "Dung, Em"])
    ),
}


@pytest.fixture(scope="module")
def arrived(
    warm_judge: None, embedded: Server, ledger_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, Receipt], dict[str, list[dict[str, str]]], Installation]]:
    made = new_installation(tmp_path_factory.mktemp("way_in") / "home", embedded, ledger_template)
    folder = made.home / "formats"
    folder.mkdir(parents=True, exist_ok=True)
    for name in OWN:
        (folder / f"{name}.toml").write_text((SHIPPED / f"formats/{name}.toml").read_text("utf-8"), encoding="utf-8")
    (folder / "quantstudio_text.toml").write_text(PLATE, encoding="utf-8")
    (folder / "pooled_names_manifest.toml").write_text(POOLED, encoding="utf-8")
    found = made.do(_take_in)
    yield *found, made
    made.drop()


def _take_in(house: House) -> tuple[dict[str, Receipt], dict[str, list[dict[str, str]]]]:
    folder = house.home.inbox / "SENDER1"
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o440)
    intake(house, NOW)
    with house.ledger.begin() as conn:
        found = {one.file_name: one for one in receipts.listing(conn)}
    rejects = {}
    for name, one in found.items():
        path = rejects_path(house.home, one)
        text = path.read_text("utf-8-sig") if path.exists() else ""
        rejects[name] = list(csv.DictReader(io.StringIO(text, newline="")))
    return found, rejects


Arrived = tuple[dict[str, Receipt], dict[str, list[dict[str, str]]], Installation]


def test_each_file_has_its_verdict_and_its_counts(arrived: Arrived) -> None:
    told = {
        name: (one.verdict, one.reason or "", one.rows_received, one.rows_accepted, one.rows_rejected) for name, one in arrived[0].items()
    }
    assert told == {
        "danh_sach.csv": (Verdict.ACCEPTED, "", 11, 10, 1),
        "macro.xlsx": (Verdict.REFUSED, "workbook_macros", 0, 0, 0),
        "hai_so_o.xlsx": (Verdict.HELD, "workbook_counts_differ", 0, 0, 0),
        "gene.csv": (Verdict.ACCEPTED, "", 2, 1, 1),
        "oru.txt": (Verdict.ACCEPTED, "", 1, 1, 0),
        "plate.txt": (Verdict.ACCEPTED, "", 2, 1, 1),
        "nhieu_nguoi.xlsx": (Verdict.REFUSED, "all_rows_rejected", 5, 0, 5),
    }


def test_a_workbook_s_rejects_are_the_sender_s_columns_with_the_reason_first(arrived: Arrived) -> None:
    (row,) = arrived[1]["danh_sach.csv"]
    assert (row["row"], row["column"]) == ("13", "citizen_id")
    assert "number_as_code: " in row["reason"]
    assert [row[heading] for heading in HEADINGS] == [
        "TUBE01",
        "2026-11-12T08:30",
        "Nguyễn Thị Ánh",
        "1980-05-17",
        "0912 345 678",
        "79180001234",
    ]


def test_blocks_and_plates_go_back_under_their_own_names(arrived: Arrived) -> None:
    (row,) = arrived[1]["gene.csv"]
    assert row["reason"].startswith("other_test: ") and row["Sample ID"] == "TUBE77" and row["Test Result"] == "1.5E+04 IU/mL"
    (row,) = arrived[1]["plate.txt"]
    assert row["reason"].startswith("calls_disagree: ") and row["tube"] == "TUBE02"


def test_people_of_one_cell_go_back_as_the_row_that_they_came_in(arrived: Arrived) -> None:
    """The programme wants a birth date and a phone of everybody, so all of them come back: two rows were sent."""
    rows = arrived[1]["nhieu_nguoi.xlsx"]
    assert [(row["row"], row["Danh sách người"]) for row in rows] == [("2", "An, Bình,\nChi"), ("3", "Dung, Em")]
    assert "bad_tube_code" in rows[1]["reason"] and "missing_identity" in rows[1]["reason"]


def test_I7_a_rebuild_reads_all_of_them_the_same(arrived: Arrived) -> None:
    assert arrived[2].do(verify) == []
    summary = arrived[2].do(lambda house: rebuild(house, NOW))
    assert summary.before == summary.after != ""


def test_F04_a_file_of_two_counts_waits_for_people_who_read_it_again_or_refuse_it(arrived: Arrived) -> None:
    """After the rebuild: it was held there, too. What lets it go is another reader, not two people: read again, it is held again."""
    number = arrived[0]["hai_so_o.xlsx"].receipt_no

    def standing(house: House) -> tuple[Verdict, str, list[str]]:
        with house.ledger.begin() as conn:
            (one,) = [one for one in receipts.listing(conn) if one.receipt_no == number]
            return one.verdict, one.reason or "", [one.hold_id for one in holds.open_for(conn, HoldReason.FILE_HELD)]

    def say(house: House, choice: Choice, who: str) -> None:
        (hold,) = standing(house)[2]
        answer(house, hold, choice, who=who, why="the reader was mended", now=NOW)

    def let_go(house: House) -> tuple[Verdict, str, list[str]]:
        for who in ("lan", "minh"):
            say(house, Choice.RELEASE, who)
        assert standing(house)[::2] == (Verdict.WAITING, [])
        intake(house, NOW + timedelta(hours=1))
        return standing(house)

    verdict, reason, open_now = arrived[2].do(let_go)
    assert (verdict, reason, len(open_now)) == (Verdict.HELD, "workbook_counts_differ", 1)
    arrived[2].do(lambda house: say(house, Choice.REFUSE, "lan"))
    assert arrived[2].do(standing) == (Verdict.REFUSED, "refused_by_people", [])
    assert arrived[2].do(verify) == []
    summary = arrived[2].do(lambda house: rebuild(house, NOW))
    assert summary.before == summary.after != "" and arrived[2].do(standing)[0] is Verdict.REFUSED
