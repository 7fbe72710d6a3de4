"""`unpool formats try`: what would be read, who people are left out, and a draft where nobody knows the file."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.__main__ import app
from pipeline.formats import load_format
from pipeline.intake.readers import Reading
from pipeline.stages.try_format import FILLED, tried
from tests.files.kit import FORMATS, book, outcome, saved
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
