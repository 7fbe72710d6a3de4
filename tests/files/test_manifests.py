"""Manifests as teams keep them."""

from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import Path

import pytest

from pipeline.domain import tcvn3
from pipeline.domain.phones import to_e164
from pipeline.errors import FormatError
from pipeline.formats import load_format
from pipeline.intake.readers import Reading
from pipeline.programme import SHIPPED, load_programme
from tests.files.kit import FORMATS, ZONE, book, column, outcome, profile, saved

POOLED = load_format(SHIPPED / "formats/pooled_names_manifest.toml", ZONE)


def text(*rows: list[str]) -> bytes:
    sink = io.StringIO()
    csv.writer(sink).writerows(rows)
    return sink.getvalue().encode()


LISTED = [
    ["DANH SÁCH MẪU GỘP", "", "", ""],
    ["Mã ống", "Ngày lấy mẫu", "Danh sách người", "Số điện thoại"],
    ["TUBE01", "12/11/2026", "Nguyễn An, Trần Bình,Lê Chi", "0912 345 678"],
    ["TUBE02", "12/11/2026", "Phạm Dung\nVõ Em;", "+84.912.345.679"],
    ["TUBE03", "12/11/2026", "", ""],
]


@pytest.mark.parametrize("data", [text(*LISTED), saved(book(*LISTED))], ids=["text", "workbook"])
def test_all_people_of_a_tube_in_one_cell_are_a_row_each_and_the_size_is_their_number(data: bytes) -> None:
    found = outcome(data, formats=(POOLED,))
    assert isinstance(found, Reading)
    assert list(zip(column(found, "row_no"), column(found, "full_name"), column(found, "pool_size"), strict=True)) == [
        (3001, "Nguyễn An", "3"),
        (3002, "Trần Bình", "3"),
        (3003, "Lê Chi", "3"),
        (4001, "Phạm Dung", "2"),
        (4002, "Võ Em", "2"),
        (5001, "", ""),
    ]
    assert column(found, "tube_code") == ["TUBE01"] * 3 + ["TUBE02"] * 2 + ["TUBE03"]
    assert [found.sender_row(number) for number in column(found, "row_no")] == [3, 3, 3, 4, 4, 5]
    assert found.rows == 6


def test_a_size_that_is_told_stays_so_that_a_missing_name_is_found() -> None:
    data = text(["Mã ống", "Ngày lấy mẫu", "Danh sách người", "Số người"], ["TUBE01", "12/11/2026", "An, Bình", "5"])
    assert column(outcome(data, formats=(POOLED,)), "pool_size") == ["5", "5"]


@pytest.mark.parametrize("own", ["birth_date", "citizen_id", "person_code", "sex", "specimen_code"])
def test_what_is_one_person_s_cannot_stand_beside_everybody_s_cell(tmp_path: Path, own: str) -> None:
    body = (
        'kind = "manifest"\nrequired = ["tube_code"]\nallows_unknown = true\ndates = ["yyyy-mm-dd"]\ndelimiters = [","]\nmembers = [","]\n'
    )
    body += f'[columns]\ntube_code = ["t"]\ncollected_at = ["c"]\nfull_name = ["n"]\n{own} = ["x"]\n'
    with pytest.raises(FormatError, match=own):
        profile(tmp_path, "own", body)


@pytest.mark.parametrize(
    "headings",
    [
        ["Mã ống", "Ngày lấy mẫu", "Họ và tên", "Năm sinh", "Số điện thoại"],
        ["MA ONG", "NGAY LAY MAU", "HO VA TEN", "NAM SINH", "SO DIEN THOAI"],
        ["  ma-ống ", "Ngày  lấy_mẫu", "Ho Ten", "nam sinh", "Điện thoại"],
        ["Ma\u0303 o\u0302\u0301ng", "Nga\u0300y la\u0302\u0301y ma\u0302\u0303u", "Ho\u0323 te\u0302n", "Na\u0306m sinh", "sđt"],
    ],
)
def test_headings_are_known_with_accents_without_and_decomposed(headings: list[str]) -> None:
    found = outcome(text(headings, ["TUBE01", "12/11/2026", "Đỗ Ánh", "1980", "+84 912.345.678"]))
    assert isinstance(found, Reading) and found.unknown_headings == ()
    assert (column(found, "birth_date"), column(found, "collected_at")) == (["1980"], ["2026-11-12"])


@pytest.mark.parametrize(
    "written", ["+84 912 345 678", "0912.345.678", "(+84) 912-345-678", "0084912345678", "0912 345 678", "84912345678"]
)
def test_phones_are_read_with_country_code_dots_and_spaces(written: str) -> None:
    assert to_e164(written, load_programme("vietnam").phones) == "+84912345678"


@pytest.mark.parametrize(("code", "kept"), [("TUBE０１", "TUBE０１"), ("TUBE\u200b01", "TUBE\u200b01"), ("TUBEO1", "TUBEO1")])
def test_F09_look_alikes_come_through_as_they_were_sent(code: str, kept: str) -> None:
    """The rule bad_tube_code rejects the first two; the third is another tube than TUBE01, and no reader makes them one."""
    found = outcome(text(["Mã ống", "Ngày lấy mẫu", "Họ tên"], [code, "12/11/2026", "An"]), formats=FORMATS)
    assert column(found, "tube_code") == [kept]


LETTERS = "ăâđêôơư" + "".join(
    unicodedata.normalize("NFC", vowel + tone) for vowel in "aăâeêioôơuưy" for tone in "\u0300\u0301\u0303\u0309\u0323"
)


def test_tcvn3_knows_every_small_letter_and_the_capitals_without_tones_each_once() -> None:
    assert tcvn3.decode(tcvn3.encode(LETTERS + "ĂÂĐÊÔƠƯ")) == LETTERS + "ĂÂĐÊÔƠƯ"
    assert len(tcvn3.encode(LETTERS)) == len(set(tcvn3.encode(LETTERS))) == 67
    # Bytes of the standard's table itself, not made by ours.
    assert tcvn3.decode(b"Nguy\xd4n Th\xde, s\xe8 \xae\xdenh danh c\xb8 nh\xa9n") == "Nguyễn Thị, số định danh cá nhân"
    with pytest.raises(UnicodeDecodeError):
        tcvn3.decode(b"\xff\x80")


@pytest.mark.parametrize("encoding", ["tcvn3", "cp1258"])
def test_F06_old_encodings_are_read_only_where_the_profile_declares_them(tmp_path: Path, encoding: str) -> None:
    rows = "Mã ống,Ngày lấy mẫu,Họ tên\r\nTUBE01,12/11/2026,Nguyễn Thị Ánh\r\n".replace("Á", "á")
    data = tcvn3.encode(rows) if encoding == "tcvn3" else _cp1258(rows)
    body = (
        f'kind = "manifest"\nencoding = "{encoding}"\nrequired = ["tube_code"]\nallows_unknown = true\ndates = ["d/m/yyyy"]\n'
        'delimiters = [","]\n[columns]\ntube_code = ["mã ống"]\ncollected_at = ["ngày lấy mẫu"]\nfull_name = ["họ tên"]\n'
    )
    assert column(outcome(data, formats=(profile(tmp_path, "old", body),)), "full_name") == ["Nguyễn Thị ánh"]
    assert outcome(data) == "not_utf8"


def _cp1258(text: str) -> bytes:
    """Tones are letters of their own there, behind the vowel; â, ê, ô, ă, ơ, ư are one letter."""
    made = ""
    for letter in text:
        parts = unicodedata.normalize("NFD", letter)
        tones = "".join(part for part in parts if part in "\u0300\u0301\u0303\u0309\u0323")
        made += unicodedata.normalize("NFC", "".join(part for part in parts if part not in tones)) + tones
    return made.encode("cp1258")
