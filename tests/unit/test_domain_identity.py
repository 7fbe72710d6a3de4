from __future__ import annotations

from datetime import date

import pytest

from pipeline.domain.identity import Card, IdProblem, Sex, id_problems, read_card, read_sex

QR = "001085000017|012345678|Nguyễn Văn Ánh|07031985|Nam|Số 1, Hà Nội|25042021"


def test_card_of_seven_fields() -> None:
    assert read_card(QR) == Card(
        "001085000017", "012345678", "Nguyễn Văn Ánh", date(1985, 3, 7), Sex.MALE, "Số 1, Hà Nội", date(2021, 4, 25)
    )


def test_card_since_2024_has_four_fields_more_and_the_old_id_may_be_empty() -> None:
    card = read_card(QR.replace("012345678", "") + "|||Cha|Mẹ")
    assert card is not None
    assert card.old_id == ""
    assert card.full_name == "Nguyễn Văn Ánh"


@pytest.mark.parametrize(
    "text", ["", "|" * 6, QR.rsplit("|", 1)[0], QR.replace("001085000017", "1085000017"), QR.replace("001085", "٠٠١٠٨٥")]
)
def test_text_that_is_no_card(text: str) -> None:
    assert read_card(text) is None


def test_a_day_on_a_card_is_day_month_year() -> None:
    card = read_card(QR.replace("07031985", "12111985"))
    assert card is not None and card.birth_date == date(1985, 11, 12)


@pytest.mark.parametrize("born", ["31021985", "1011985", "7/3/1985", ""])
def test_F10_a_day_on_a_card_that_is_none(born: str) -> None:
    card = read_card(QR.replace("07031985", born))
    assert card is not None
    assert card.birth_date is None


@pytest.mark.parametrize(
    ("citizen_id", "birth_year", "sex", "problems"),
    [
        ("001085000017", 1985, Sex.MALE, []),
        ("079199000017", 1999, Sex.FEMALE, []),
        ("001201000017", 2001, Sex.MALE, []),
        ("001310000017", 2010, Sex.FEMALE, []),
        ("001085000017", None, None, []),
        ("001085000017", 1986, Sex.MALE, [IdProblem.BIRTH_YEAR_DISAGREES]),
        ("001085000017", 2085, Sex.MALE, [IdProblem.BIRTH_YEAR_DISAGREES]),
        ("001085000017", 1985, Sex.FEMALE, [IdProblem.SEX_DISAGREES]),
        ("003085000017", 1985, Sex.MALE, [IdProblem.UNKNOWN_PROVINCE]),
        ("003085000017", 1999, Sex.FEMALE, [IdProblem.BIRTH_YEAR_DISAGREES, IdProblem.SEX_DISAGREES, IdProblem.UNKNOWN_PROVINCE]),
        ("100085000017", 1985, Sex.MALE, []),  # born abroad
        ("101085000017", 1985, Sex.MALE, []),
        ("00108500001", 1985, Sex.MALE, [IdProblem.NOT_12_DIGITS]),
        ("0010850000170", 1985, Sex.MALE, [IdProblem.NOT_12_DIGITS]),
        ("1.08500E+09", 1985, Sex.MALE, [IdProblem.NOT_12_DIGITS]),
        ("٠٠١٠٨٥٠٠٠٠١٧", 1985, Sex.MALE, [IdProblem.NOT_12_DIGITS]),
    ],
)
def test_id_against_its_row(citizen_id: str, birth_year: int | None, sex: Sex | None, problems: list[IdProblem]) -> None:
    assert list(id_problems(citizen_id, birth_year=birth_year, sex=sex)) == problems


def test_only_the_province_is_a_warning() -> None:
    assert {problem: problem.rejects for problem in IdProblem} == {
        IdProblem.NOT_12_DIGITS: True, IdProblem.BIRTH_YEAR_DISAGREES: True, IdProblem.SEX_DISAGREES: True, IdProblem.UNKNOWN_PROVINCE: False,
    }  # fmt: skip


# Circular 59/2021/TT-BCA, by name: what is not here is no province of birth.
PROVINCES = {
    1: "Hà Nội", 2: "Hà Giang", 4: "Cao Bằng", 6: "Bắc Kạn", 8: "Tuyên Quang", 10: "Lào Cai", 11: "Điện Biên", 12: "Lai Châu",
    14: "Sơn La", 15: "Yên Bái", 17: "Hòa Bình", 19: "Thái Nguyên", 20: "Lạng Sơn", 22: "Quảng Ninh", 24: "Bắc Giang", 25: "Phú Thọ",
    26: "Vĩnh Phúc", 27: "Bắc Ninh", 30: "Hải Dương", 31: "Hải Phòng", 33: "Hưng Yên", 34: "Thái Bình", 35: "Hà Nam", 36: "Nam Định",
    37: "Ninh Bình", 38: "Thanh Hóa", 40: "Nghệ An", 42: "Hà Tĩnh", 44: "Quảng Bình", 45: "Quảng Trị", 46: "Thừa Thiên Huế",
    48: "Đà Nẵng", 49: "Quảng Nam", 51: "Quảng Ngãi", 52: "Bình Định", 54: "Phú Yên", 56: "Khánh Hòa", 58: "Ninh Thuận",
    60: "Bình Thuận", 62: "Kon Tum", 64: "Gia Lai", 66: "Đắk Lắk", 67: "Đắk Nông", 68: "Lâm Đồng", 70: "Bình Phước", 72: "Tây Ninh",
    74: "Bình Dương", 75: "Đồng Nai", 77: "Bà Rịa - Vũng Tàu", 79: "Thành phố Hồ Chí Minh", 80: "Long An", 82: "Tiền Giang",
    83: "Bến Tre", 84: "Trà Vinh", 86: "Vĩnh Long", 87: "Đồng Tháp", 89: "An Giang", 91: "Kiên Giang", 92: "Cần Thơ", 93: "Hậu Giang",
    94: "Sóc Trăng", 95: "Bạc Liêu", 96: "Cà Mau",
}  # fmt: skip


@pytest.mark.parametrize("code", range(100))
def test_provinces_of_birth(code: int) -> None:
    problems = list(id_problems(f"{code:03d}085000017", birth_year=1985, sex=Sex.MALE))
    assert problems == ([] if code in PROVINCES else [IdProblem.UNKNOWN_PROVINCE])


@pytest.mark.parametrize(
    ("word", "sex"),
    [
        ("Nam", Sex.MALE),
        ("NỮ", Sex.FEMALE),
        ("f", Sex.FEMALE),
        ("m", Sex.MALE),
        ("Male", Sex.MALE),
        ("female", Sex.FEMALE),
        ("nu", Sex.FEMALE),
        ("", None),
        ("x", None),
    ],
)
def test_sex_words(word: str, sex: Sex | None) -> None:
    assert read_sex(word) is sex
