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
        ("{programme}: ready", "placeholder"),
        ("{programme} {link} {name}", "placeholder"),
        ("{programme} {programme} {link}", "placeholder"),
        ("{programme!r} {link}", None),
        ("{programme {link}", "brace"),
        ("{programme}: đã có. {link}", "GSM-7"),
        ("{programme}: " + "a" * 100 + " {link}", "one SMS"),
        ("{programme}: AM TINH. {link}", "tell"),
        ("{programme}: You are negative! {link}", "tell"),
        ("{programme}: not-detected {link}", "tell"),
    ],
)
def test_T12_text_problems(text: str, problem: str | None) -> None:
    found = list(text_problems(text, programme="XN", longest_link=LINK))
    assert (problem is None and found == []) or (problem is not None and len(found) == 1 and problem in found[0])


def test_T12_the_limit_is_met_to_the_unit() -> None:
    room = 160 - len("XN: ") - len(" ") - len(LINK)
    fits = "{programme}: " + "a" * room + " {link}"
    assert list(text_problems(fits, programme="XN", longest_link=LINK)) == []
    assert list(text_problems(fits + ".", programme="XN", longest_link=LINK)) != []
