from __future__ import annotations

import pytest

from pipeline.domain.messages import GSM7_BASIC, GSM7_EXTENDED, is_gsm7, parts, render, text_problems

LINK = "https://kq.unpool.example/r#" + "f" * 32


def test_alphabet_has_its_127_letters_and_10_of_two_units() -> None:
    # 128 places, one of them the escape.
    assert len(GSM7_BASIC) == 127
    assert len(GSM7_EXTENDED) == 10
    assert not GSM7_BASIC & GSM7_EXTENDED


def test_of_the_vietnamese_letters_only_six_are_in_it() -> None:
    letters = "àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ"
    assert {letter for letter in letters if is_gsm7(letter)} == set("àèéìòù")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("[" * 80, 1),
        ("[" * 81, 2),
        ("a" * 152 + "[" * 77, 3),  # a letter of two units is not cut: 152, then 76 of them, then one
        ("ả" * 70, 1),
        ("ả" * 71, 2),
        ("ả" * 134, 2),
        ("ả" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_parts(text: str, count: int) -> None:
    assert parts(text) == count


def test_render() -> None:
    assert render("{programme}: xong. {link}", programme="XN", link="https://a#b") == "XN: xong. https://a#b"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{programme}: San sang. Ready. {link}", None),
        ("{programme}: ready", "must hold {programme} and {link}, once each, and no other placeholder"),
        ("{programme} {link} {name}", "no other placeholder"),
        ("{programme} {programme} {link}", "no other placeholder"),
        ("{programme!r} {link}", None),
        ("{programme {link}", "must have balanced braces"),
        ("{programme}: đã có. {link}", "turns the limit of 160 into 70"),
        ("{programme}: " + "a" * 100 + " {link}", "must fit one SMS of 160 units at its longest, with a link of 60"),
        ("{programme}: AM TINH. {link}", "must not tell a result"),
        ("{programme}: am tính {link}", "must not tell a result"),
        ("{programme}: DUONG-TINH {link}", "must not tell a result"),
        ("{programme}: nhiem benh {link}", "must not tell a result"),
        ("{programme}: F0 {link}", "must not tell a result"),
        ("{programme}: You are negative! {link}", "must not tell a result"),
        ("{programme}: infected {link}", "must not tell a result"),
        ("{programme}: not-detected {link}", "must not tell a result"),
        ("{programme}: virus detected. {link}", "must not tell a result"),
        ("Positive! {programme} {link}", "must not tell a result"),
        ("{programme} {link} positive", "must not tell a result"),
    ],
)
def test_T12_text_problems(text: str, problem: str | None) -> None:
    found = list(text_problems(text, programme="XN", longest_link=LINK))
    if problem is None:
        assert found == []
    else:
        assert len(found) >= 1 and found[0].startswith("must ") and found[0].endswith(problem)


def test_T12_the_limit_is_met_to_the_unit() -> None:
    room = 160 - len("XN: ") - len(" ") - len(LINK)
    fits = "{programme}: " + "a" * room + " {link}"
    assert list(text_problems(fits, programme="XN", longest_link=LINK)) == []
    assert list(text_problems(fits + ".", programme="XN", longest_link=LINK)) != []
