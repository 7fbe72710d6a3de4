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


def test_F10_an_impossible_day_on_a_card_is_none() -> None:
    card = read_card(QR.replace("07031985", "31021985"))
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
        ("101085000017", 1985, Sex.MALE, []),  # born abroad
        ("00108500001", 1985, Sex.MALE, [IdProblem.NOT_12_DIGITS]),
        ("0010850000170", 1985, Sex.MALE, [IdProblem.NOT_12_DIGITS]),
        ("1.08500E+09", 1985, Sex.MALE, [IdProblem.NOT_12_DIGITS]),
        ("٠٠١٠٨٥٠٠٠٠١٧", 1985, Sex.MALE, [IdProblem.NOT_12_DIGITS]),
    ],
)
def test_id_against_its_row(citizen_id: str, birth_year: int | None, sex: Sex | None, problems: list[IdProblem]) -> None:
    assert list(id_problems(citizen_id, birth_year=birth_year, sex=sex)) == problems


def test_only_the_province_is_a_warning() -> None:
    assert [problem for problem in IdProblem if not problem.rejects] == [IdProblem.UNKNOWN_PROVINCE]


@pytest.mark.parametrize(
    ("word", "sex"), [("Nam", Sex.MALE), ("NỮ", Sex.FEMALE), ("f", Sex.FEMALE), ("Male", Sex.MALE), ("", None), ("x", None)]
)
def test_sex_words(word: str, sex: Sex | None) -> None:
    assert read_sex(word) is sex
