"""CSV files that go out. Write here when a cell or a column of theirs changes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from pipeline.quality.rejects import defuse, probable_ct, write_rejects, write_table

PAYLOADS = Path(__file__).parents[3] / "shared" / "data" / "corpora" / "csv-injection" / "payloads.json"


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_reason_row_and_column_come_first_then_the_senders_own_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.rejects.csv"
    write_rejects(path, ["Mã ống", "Giới"], [(7, ["bad_sex", "missing_tube_code"], ["sex", "tube_code"], ["", "nma"])])
    heading, row = read(path)
    assert heading == ["reason", "row", "column", "Mã ống", "Giới"]
    assert row[1:] == ["7", "sex, tube_code", "", "nma"]
    assert (
        row[0].startswith("bad_sex: Giới tính không thuộc danh sách")
        and "missing_tube_code: " in row[0]
        and "The tube code is missing." in row[0]
    )


def test_a_spreadsheet_sees_utf8_and_nobody_else_sees_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "list.csv"
    write_table(path, ["tên"], [["Ánh"]])
    assert path.read_bytes() == b"\xef\xbb\xbf" + "tên\r\nÁnh\r\n".encode()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["list.csv"]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1+1", "-1+1", "@A1", "\t=1", "\r=1", "\n=1", " =1", "\x00=1", "＝1+1", "－1+1", "+84 90-1", "=", "--"]
)
def test_F16_what_a_spreadsheet_would_calculate_begins_with_an_apostrophe(cell: str) -> None:
    assert defuse(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Ánh", "+84901234567", "-5", "23.1", "-", "2026-11-19", "O'Brien", "a=b", ";=1+1", '"=1+1'])
def test_F16_what_it_would_not_stays_as_it_is(cell: str) -> None:
    assert defuse(cell) == cell


@pytest.mark.real_data
@pytest.mark.skipif(not PAYLOADS.exists(), reason="../shared/data/corpora/csv-injection is absent")
def test_F16_no_payload_of_the_corpus_begins_a_cell_as_a_formula(tmp_path: Path) -> None:
    payloads = json.loads(PAYLOADS.read_text(encoding="utf-8"))
    path = tmp_path / "x.csv"
    write_rejects(path, payloads, [(number, ["bad_sex"], ["sex"], [payload]) for number, payload in enumerate(payloads)])
    cells = [cell for line in read(path) for cell in line]
    assert [cell for cell in cells if cell.lstrip(" \t\r\n\x00")[:1] in tuple("=+-@＝＋－＠")] == []
    assert all(payload in "\n".join(cells) for payload in payloads if "\r" not in payload)


@pytest.mark.parametrize(("serial", "ct"), [(41350, "17.03"), (40238, "01.03"), (45657, "31.12")])
def test_a_day_number_is_what_was_typed_as_day_and_month(serial: int, ct: str) -> None:
    assert probable_ct(serial) == ct


@pytest.mark.parametrize(
    ("cells", "hint"),
    [
        (["T1", "41350"], "41350 → 17.03?"),
        (["T1", "N=41350;E=22.1"], "41350 → 17.03?"),
        (["45123", "41350"], ""),
        (["T41350", "high"], ""),
    ],
)
def test_the_probable_ct_is_shown_where_it_can_be_one_cell_only(cells: list[str], hint: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    write_rejects(path, ["tube", "ct"], [(2, ["ct_is_a_date"], ["ct"], cells)])
    reason = read(path)[1][0]
    assert (hint in reason) if hint else ("→" not in reason)


def test_written_again_it_is_the_same_file(tmp_path: Path) -> None:
    rows = [(2, ["bad_sex"], ["sex"], ["x"])]
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    write_rejects(first, ["sex"], rows)
    write_rejects(second, ["sex"], rows)
    write_rejects(second, ["sex"], rows)
    assert first.read_bytes() == second.read_bytes()
