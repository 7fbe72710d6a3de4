"""`unpool formats try`: what would be read, who people are left out, and a draft where nobody knows the file."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.__main__ import app
from pipeline.formats import load_format
from pipeline.intake.readers import Reading
from pipeline.programme import SHIPPED
from pipeline.stages.try_format import FILLED, tried
from tests.files.kit import DATA, FORMATS, ZONE, book, needs_data, outcome, saved
from tests.files.test_workbooks import GOOD, HEADINGS, HOSTILE

UNKNOWN = saved(book(["BÁO CÁO"], ["Barcode", 'Kết "quả"', "Kết quả", "Chạy máy", "Máy"], ["T01", "x", "dương", "2026-11-12", "M1"]))


def test_a_known_file_is_shown_without_who_people_are() -> None:
    found = tried(saved(book(HEADINGS, GOOD, [12, *GOOD[1:]])), "a.xlsx", FORMATS)
    assert (found.refusal, found.profile, found.rows) == ("", "canonical_manifest", 2)
    assert found.first[0]["tube_code"] == "TUBE01"
    assert {found.first[0][name] for name in ("full_name", "birth_date", "phone", "citizen_id")} == {FILLED}
    assert found.problems == {"number_as_code:tube_code": 1}


def test_an_unknown_file_gives_a_draft_that_a_person_can_finish(tmp_path: Path) -> None:
    found = tried(UNKNOWN, "a.xlsx", FORMATS)
    assert found.code == "unknown_format"
    made = tomllib.loads(found.draft)
    assert made["columns"]["tube_code"] == ["Barcode"]
    assert made["columns"]["result"] == ["Kết quả"]
    assert (made["kind"], made["title_rows"], made["ignored"]) == ("results", 1, ['Kết "quả"', "Chạy máy", "Máy"])
    file = tmp_path / "lab_5.toml"
    text = found.draft.replace('"..."', '"lab_5"').replace("status = []  # needed: which heading is it?\n", "")
    text = text.replace("tested_at = []", 'tested_at = ["Chạy máy"]').replace('"Chạy máy", "Máy"]', '"Máy"]')
    text = text.replace("detected = []\nnot_detected = []", 'detected = ["dương"]\n[constants]\nstatus = "F"')
    file.write_text(text, encoding="utf-8")
    reading = outcome(UNKNOWN, formats=(load_format(file),))
    assert isinstance(reading, Reading) and reading.table["call"].to_pylist() == ["detected"]


WELLS = (
    "Lab 5;;;;;\nVị trí;Ống;Gen;Loại;Cq;Xong lúc\n"
    "A1;T01;N;mẫu;24.1;2026-11-12 10:30\nA1;T01;RP;mẫu;25.0;2026-11-12 10:30\n"
    "A2;T02;N;mẫu;Undetermined;2026-11-12 10:30\nA2;T02;RP;mẫu;25.2;2026-11-12 10:30\n"
    "B1;âm;N;NTC;Undetermined;2026-11-12 10:30\nB1;âm;RP;NTC;Undetermined;2026-11-12 10:30\n"
    "B2;dương;N;PC;21.0;2026-11-12 10:30\nB2;dương;RP;PC;22.0;2026-11-12 10:30\n"
).encode()


def test_unknown_wells_give_a_draft_of_wells_that_a_person_can_finish(tmp_path: Path) -> None:
    found = tried(WELLS, "a.csv", FORMATS)
    assert (found.code, found.shipped) == ("unknown_format", "")
    assert tomllib.loads(found.draft)["plate"]["columns"] == {"ct": ["Cq"], "sample": [], "task": [], "target": []}
    answers = {
        'name = "..."': 'name = "lab_5"',
        '["Vị trí", "Ống", "Gen", "Loại", "Xong lúc"]  #': '["Vị trí"]  #',
        '["yyyy-mm-dd"]  #': '["yyyy-mm-dd hh:mm"]  #',
        "targets = []": 'targets = ["N"]',
        "cut_off = 0.0  # needed:": "cut_off = 38.0  #",
        'internal_control = ""': 'internal_control = "RP"',
        "internal_cut_off = 0.0": "internal_cut_off = 38.0",
        "sample = []  # needed: which heading is it?": 'sample = ["Ống"]\nrun_end = ["Xong lúc"]',
        "task = []": 'task = ["Loại"]',
        "target = []": 'target = ["Gen"]',
        "sample = []\nnegative = []\npositive = []": 'sample = ["mẫu"]\nnegative = ["NTC"]\npositive = ["PC"]',
    }
    text = found.draft
    for old, new in answers.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file = tmp_path / "lab_5.toml"
    file.write_text(text, encoding="utf-8")
    reading = outcome(WELLS, formats=(load_format(file, ZONE),))
    assert isinstance(reading, Reading)
    assert dict(zip(*(reading.table[name].to_pylist() for name in ("tube_code", "call")), strict=True)) == {
        "T01": "detected",
        "T02": "not_detected",
    }


@needs_data
@pytest.mark.real_data
def test_a_file_that_only_a_shipped_profile_knows_gives_that_one() -> None:
    found = tried((DATA / "lab_exports" / "quantstudio_qs7_fixture_openelis.xls").read_bytes(), "a.xls", FORMATS)
    assert (found.code, found.shipped) == ("unknown_format", "quantstudio_ct_list")
    assert found.draft == (SHIPPED / "formats" / "quantstudio_ct_list.toml").read_text(encoding="utf-8")


def test_a_file_that_cannot_be_opened_gives_its_reason_and_no_draft() -> None:
    found = tried(HOSTILE["macro"][0](), "a.xlsm", FORMATS)
    assert (found.code, found.draft, found.rows) == ("workbook_macros", "", 0)


def test_the_command_prints_it_and_its_exit_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNPOOL_HOME", str(tmp_path / "home"))
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_bytes(saved(book(HEADINGS, GOOD)))
    bad.write_bytes(UNKNOWN)
    run = CliRunner()
    shown = run.invoke(app, ["formats", "try", str(good)])
    assert shown.exit_code == 0 and "canonical_manifest: 1 rows" in shown.output and "Ánh" not in shown.output
    shown = run.invoke(app, ["formats", "try", str(bad)])
    assert shown.exit_code == 1 and "[columns]" in shown.output and "tiêu đề" in shown.output
    assert not (tmp_path / "home").exists()
