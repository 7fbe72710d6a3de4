"""Files at the desk: they go through the same door as every other file, once, and what became of them is seen by their place alone."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import func, select

from pipeline.domain.words import FileKind
from pipeline.formats import load_formats
from pipeline.intake.readers import read
from pipeline.ledger.tables import batch, receipt, upload
from pipeline.programme import load_programme
from pipeline.quality.rejects import read_rejects, write_rejects
from pipeline.quality.texts import reason_text
from pipeline.stages import hand_in
from pipeline.web.base.upload import LONGEST_ENDING, LONGEST_NAME, Limits, safe_name
from pipeline.web.desk import files
from pipeline.web.desk.serve import tidy
from tests.web.desk import Town

# Great Expectations takes seconds: imported once, before the children that run are forked.
pytestmark = pytest.mark.usefixtures("warm_judge")
HEADINGS = "tube_code,collected_at,full_name,birth_date,sex,phone,citizen_id,address"
GOOD = "T-0001,2026-11-20 08:00,Tran Thi Made-Up,05/03/1984,female,0912345678,,1 Pho Hue"
BAD = "T-0002,2026-11-20 08:00,Le Van Made-Up,31/02/1984,male,0912345679,,2 Pho Hue"
MIXED = f"{HEADINGS}\n{GOOD}\n{BAD}\n".encode()
CANARY = "Made-Up"


def inbox(town: Town) -> list[str]:
    return sorted(str(path.relative_to(town.house.home.inbox)) for path in town.house.home.inbox.rglob("*") if path.is_file())


def test_a_file_goes_through_the_door_and_its_receipt_balances(town: Town) -> None:
    client = town.client("lan")
    sent = client.post("/files", files={"file": ("Danh sách.csv", MIXED)})
    assert (sent.status_code, sent.headers["location"]) == (303, f"/files/{hashlib.sha256(MIXED).hexdigest()}")
    assert inbox(town) == ["team-a/manifest/Danh sách.csv"]
    assert [path for path in town.house.home.tmp.iterdir() if path.name.startswith(hand_in.FOLDER)] == []
    waiting = client.get(sent.headers["location"]).text
    assert 'id="waiting"' in waiting and "not looked at yet" in waiting
    town.run()
    page = client.get(sent.headers["location"]).text
    assert "Taken in" in page and 'id="waiting"' not in page
    counts = [int(number) for number in re.findall(r'class="number">(\d+)<', page)]
    assert counts == [2, 1, 0, 1, 0]
    assert "Row 3" in page and "birth_date" in page and reason_text("bad_birth_date", "en") in page
    assert CANARY not in page, "a page of problems quotes no cell"
    assert reason_text("bad_birth_date", "vi") in client.get(f"{sent.headers['location']}?lang=vi").text
    assert "Danh sách.csv" in client.get("/files").text


def test_the_rejects_file_comes_back_mended_and_is_taken_in(town: Town) -> None:
    sha = town.handed_in("lan", MIXED)
    town.run()
    client = town.client("lan")
    back = client.get(f"/files/{sha}/rejects.csv")
    assert back.headers["content-type"] == "text/csv; charset=utf-8" and "attachment" in back.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(back.content.decode("utf-8-sig"))))
    assert rows[0][:3] == ["reason", "row", "column"] and rows[1][1] == "3"
    mended = back.content.decode("utf-8-sig").replace("31/02/1984", "28/02/1984").encode()
    again = town.handed_in("lan", mended, "mended.csv")
    town.later(minutes=1)
    town.run()
    assert [int(number) for number in re.findall(r'class="number">(\d+)<', client.get(f"/files/{again}").text)] == [1, 1, 0, 0, 0]


def test_the_same_content_is_one_file_and_a_refused_one_may_come_again(town: Town) -> None:
    first = town.handed_in("lan", MIXED)
    assert town.handed_in("lan", MIXED, "another name.csv") == first
    assert len(inbox(town)) == 1
    town.run()
    assert town.handed_in("lan", MIXED) == first and inbox(town) == []
    refused = town.handed_in("lan", b"no,such,format\n1,2,3\n")
    town.run()
    assert "Refused" in town.client("lan").get(f"/files/{refused}").text
    town.later(minutes=1)
    assert town.handed_in("lan", b"no,such,format\n1,2,3\n") == refused
    assert len(inbox(town)) == 1 and "not looked at yet" in town.client("lan").get(f"/files/{refused}").text
    assert town.handed_in("lan", b"no,such,format\n1,2,3\n") == refused and len(inbox(town)) == 1
    # Another place's is another file.
    assert town.handed_in("minh", MIXED) == first and len(inbox(town)) == 2


def test_a_file_that_came_by_its_folder_is_seen_and_is_not_taken_twice(town: Town, tmp_path: Path) -> None:
    (tmp_path / "by_folder.csv").write_bytes(MIXED)
    town.installation.receive("team-a", tmp_path / "by_folder.csv")
    town.later(minutes=1)
    town.run()
    client = town.client("lan")
    assert "by_folder.csv" in client.get("/files").text
    town.handed_in("lan", MIXED)
    assert inbox(town) == []


def test_ten_at_once_with_one_content_are_one_file(town: Town, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(MIXED)
    person = town.person("lan")
    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda _: hand_in.hand_in(town.house, person, tmp_path / "a.csv", "0" * 64, town.now), range(10)))
    assert sum(made) == 1 and len(inbox(town)) == 1


def test_many_files_at_once_each_have_their_receipt(town: Town) -> None:
    client = town.client("hoa")
    several = [
        ("file", (f"results {n}.csv", f"tube_code,result,tested_at\nT{n:04},negative,2026-11-20 10:00\n".encode())) for n in range(5)
    ]
    sent = client.post("/files", files=several, headers={"Accept": "application/json"})
    assert [one["name"] for one in sent.json()["files"]] == [f"results {n}.csv" for n in range(5)]
    assert inbox(town) == [f"lab-a/results/results {n}.csv" for n in range(5)]
    assert all(client.get(one["receipt"]).status_code == 200 for one in sent.json()["files"])
    assert client.post("/files", files=several).headers["location"] == "/files"


def test_a_form_without_a_file_says_so(town: Town) -> None:
    client = town.client("lan")
    answer = client.post("/files", files={"file": ("", b"")})
    assert answer.status_code == 400 and "No file was chosen" in answer.text


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "multipart/form-data"}, {"Content-Type": "multipart/form-data; boundary=x"}])
def test_W12_what_is_no_upload_is_refused(town: Town, headers: dict[str, str]) -> None:
    cut = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nhalf a fi'
    answer = town.client("lan").post("/files", content=cut, headers=headers)
    assert answer.status_code == 400 and inbox(town) == [] and list(town.house.home.tmp.iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "status"),
    [(Limits(100, 10_000, 5), 413), (Limits(10_000, 200, 5), 413), (Limits(10_000, 10_000, 1), 413), (Limits(10_000, 10_000, 2), 303)],
)
def test_W12_too_much_is_refused_whole_and_nothing_stays(town: Town, monkeypatch: pytest.MonkeyPatch, limits: Limits, status: int) -> None:
    monkeypatch.setattr(files, "LIMITS", limits)
    answer = town.client("lan").post("/files", files=[("file", ("a.csv", b"a" * 150)), ("file", ("b.csv", b"b" * 150))])
    assert answer.status_code == status
    assert len(inbox(town)) == (2 if status == 303 else 0) and list(town.house.home.tmp.iterdir()) == []


def test_W12_an_account_has_so_much_a_day(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hand_in, "FILES_A_DAY", 2)
    client = town.client("lan")

    def send(content: bytes) -> int:
        return client.post("/files", files={"file": ("a.csv", content)}).status_code

    assert [send(b"1"), send(b"2"), send(b"2"), send(b"3")] == [303, 303, 303, 429]
    assert town.handed_in("minh", b"3"), "another account's day is its own"
    monkeypatch.setattr(hand_in, "FILES_A_DAY", 9)
    monkeypatch.setattr(hand_in, "BYTES_A_DAY", 3)
    assert [send(b"33"), send(b"3")] == [429, 303]
    town.later(hours=6, minutes=1)
    client = town.client("lan")
    assert send(b"33") == 303, "a new day"
    with town.house.ledger.begin() as conn:
        assert conn.execute(select(func.count()).select_from(upload)).scalar_one() == 5


def test_W01_what_another_place_sent_is_not_there(town: Town) -> None:
    sha = town.handed_in("lan", MIXED)
    town.run()
    for login in ("minh", "hoa"):
        for path in (f"/files/{sha}", f"/files/{sha}/rejects.csv"):
            assert town.client(login).get(path).status_code == 404
            assert town.audited()[-1] == (login, "refused", f"GET /files {sha}")
        assert "a file.csv" not in town.client(login).get("/files").text
    assert town.client("lan").get("/files/..%2f..%2fetc").status_code == 404
    assert town.client("lan").get(f"/files/{sha}/rejects.csv").status_code == 200


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.csv", "a.csv"),
        (r"C:\Users\lan\list.csv", "list.csv"),
        ("../../etc/passwd", "passwd"),
        ("..", ""),
        (".hidden", "hidden"),
        ("new\nline\x00.csv", "newline.csv"),
        ("<script>.csv", "<script>.csv"),
        ("danh sách.csv", "danh sách.csv"),
    ],
)
def test_a_file_s_name_can_do_no_harm(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_a_long_name_fits_a_folder_in_any_script() -> None:
    for sign in ("a", "ế", "😷"):
        assert len(safe_name(f"{sign * 500}.{sign * 500}").encode()) <= LONGEST_NAME + LONGEST_ENDING + 1


def test_W08_a_name_that_is_a_script_is_shown_as_text(town: Town) -> None:
    sha = town.handed_in("lan", MIXED, "<img src=x onerror=alert(1)>.csv")
    for path in ("/files", f"/files/{sha}"):
        page = town.client("lan").get(path).text
        assert "<img" not in page and "&lt;img" in page


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(("login", "kind"), [("lan", FileKind.MANIFEST), ("hoa", FileKind.RESULTS)])
def test_the_template_is_read_as_what_it_is(town: Town, login: str, kind: FileKind, language: str) -> None:
    answer = town.client(login, language).get("/template.csv")
    width = answer.text.count(",") + 1
    reading = read(
        answer.content + ",".join("x" * width).encode() + b"\r\n", "t.csv", None, load_formats(load_programme("vietnam"), Path("none"))
    )
    assert (reading.kind, reading.profile_name) == (kind, f"canonical_{kind.value}")
    assert reading.unknown_headings == ()


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize(("login", "kind"), [("lan", FileKind.MANIFEST), ("hoa", FileKind.RESULTS)])
def test_the_workbook_to_fill_in_says_what_belongs_where_and_keeps_what_is_typed(
    town: Town, login: str, kind: FileKind, language: str
) -> None:
    client = town.client(login, language)
    data, texts = client.get("/template.xlsx").content, town.texts[language]
    book = openpyxl.load_workbook(io.BytesIO(data))
    table, guide = book.worksheets
    headings = [cell.value for cell in table[1]]
    assert headings == next(csv.reader(io.StringIO(client.get("/template.csv").content.decode("utf-8-sig"))))
    assert {table.column_dimensions[cell.column_letter].number_format for cell in table[1]} == {"@"}
    assert [[cell.value for cell in row] for row in guide.iter_rows()] == [
        [heading, texts[f"guide.{kind}.{column}"]] for heading, column in zip(headings, files.TEMPLATE[kind], strict=True)
    ]
    # Each heading is the column of its explanation, in both readings.
    profile = town.house.profile(f"canonical_{kind}")
    layout = profile.layout(headings)
    assert {column: headings[places[0]] for column, places in layout.sources.items()} == dict(
        zip(files.TEMPLATE[kind], headings, strict=True)
    )


def test_the_workbook_filled_in_is_taken_in_with_its_zeros(town: Town) -> None:
    book = openpyxl.load_workbook(io.BytesIO(town.client("lan", "vi").get("/template.xlsx").content))
    row = ["007", "20/11/2026 8:30", "Nguyễn Thị Mẫu", "05/03/1984", "Nữ", "0912345678", "", "1 phố Huế", "", "1", "", "", "field", "D1"]
    book.worksheets[0].append(row)
    sink = io.BytesIO()
    book.save(sink)
    sha = town.handed_in("lan", sink.getvalue(), "đã điền.xlsx")
    town.run()
    page = town.client("lan").get(f"/files/{sha}").text
    assert "Taken in" in page
    assert [int(number) for number in re.findall(r'class="number">(\d+)<', page)] == [1, 1, 0, 0, 0]
    reading = read(sink.getvalue(), "t.xlsx", None, load_formats(load_programme("vietnam"), Path("none")))
    assert reading.table["tube_code"].to_pylist() == ["007"] and reading.unknown_headings == ()


def test_problems_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "a.rejects.csv"
    rows = [
        (7, ["bad_ct", "ct_is_a_date"], ["ct", "ct"], ["T1", "41350"]),
        (9, ["bad_phone"], ["phone"], ["=cmd | x: y", "1"]),
    ]
    write_rejects(path, ["tube", "ct"], rows)
    first, second = read_rejects(path, 10)
    assert (first.row_no, first.columns, first.rules, first.hint) == (7, "ct", ("bad_ct", "ct_is_a_date"), "41350 → 17.03?")
    assert (second.row_no, second.columns, second.rules, second.hint) == (9, "phone", ("bad_phone",), "")
    assert len(read_rejects(path, 1)) == 1 and read_rejects(tmp_path / "erased.csv", 1) == []


def test_a_killed_desk_leaves_no_names_behind(town: Town) -> None:
    left = town.house.home.tmp / f"{hand_in.FOLDER}1" / "0" / "names.csv"
    left.parent.mkdir(parents=True)
    left.write_bytes(MIXED)
    others = town.house.home.tmp / "duckdb_temp"
    others.mkdir()
    tidy(town.house.home)
    assert list(town.house.home.tmp.iterdir()) == [others]


def test_what_is_being_uploaded_is_for_this_user_alone(town: Town) -> None:
    assert stat.S_IMODE(town.house.home.tmp.stat().st_mode) == 0o700


def test_a_held_file_says_who_decides(town: Town) -> None:
    sha = hashlib.sha256(MIXED).hexdigest()
    counts = {"rows_received": 2, "rows_accepted": 0, "rows_rejected": 0, "rows_held": 2}
    row = {
        "claim_id": "c",
        "file_name": "a.csv",
        "sender": "team-a",
        "sha256": sha,
        "size_bytes": 1,
        "received_at": town.now,
        "batch_no": 1,
    }
    with town.house.ledger.begin() as conn:
        conn.execute(batch.insert().values(batch_no=1, kind="intake", as_of=town.now, state="done", finished_at=town.now))
        conn.execute(receipt.insert().values(row | counts | {"verdict": "held", "reason": "many_rows_rejected", "settled_at": town.now}))
    page = town.client("lan").get(f"/files/{sha}").text
    assert "Held" in page and reason_text("many_rows_rejected", "en") in page
