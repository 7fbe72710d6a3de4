from __future__ import annotations

import pytest

from pipeline.domain.tube_codes import has_check, is_acceptable, is_code, normalise, with_check


@pytest.mark.parametrize("typed", ["FLB6092", "flb6092", " FLB 6092 ", "flb-60_92", "FLB.60/92", "F\tL\nB6092"])
def test_case_spaces_and_dashes_do_not_count(typed: str) -> None:
    assert normalise(typed) == "FLB6092"
    assert is_code(typed)


@pytest.mark.parametrize("code", ["AB1", "A" * 32])
def test_the_shortest_and_the_longest_code(code: str) -> None:
    assert is_code(code)


@pytest.mark.parametrize(
    "look_alike",
    [
        "ＦＬＢ6092",  # full-width
        "FLB6092\u200b",  # zero-width space
        "F\u200dLB6092",  # zero-width joiner
        "FLВ6092",  # Cyrillic Ve
        "FLB٦092",  # Arabic digit
        "ſLB6092",  # long s: SQL's upper makes an S of it
        "FLıB6092",  # dotless i
        "FLB\u00a06092",  # no-break space
        "FLB\v6092",
        "FLB#6092",
        "Ống6092",
        "A" * 33,
        "AB",
        "-",
        "",
    ],
)
def test_F09_look_alikes_are_no_code(look_alike: str) -> None:
    assert not is_code(look_alike)
    assert not is_acceptable(look_alike, "")


def test_F09_letter_o_and_zero_stay_apart() -> None:
    assert normalise("FLB0") != normalise("FLBO")


def test_F09_canonically_equal_letters_are_one() -> None:
    """Unicode's own equality (the Kelvin sign is a K), which every reader and SQL apply too."""
    assert normalise("\u212aLB1") == "KLB1"


def test_check_character_of_iso_7064() -> None:
    # The standard's own kind of example: python-stdnum's A12425GABC1234002 is valid with M.
    assert with_check("A12425GABC1234002") == "A12425GABC1234002M"
    assert has_check("A12425GABC1234002M")
    assert has_check("a12425-gabc 1234002m")
    assert not has_check("A12425GABC1234002N")
    assert not has_check("M")
    with pytest.raises(ValueError, match=r"letters and digits$"):
        with_check("Ống")


def test_own_codes_need_their_check_character_and_foreign_ones_none() -> None:
    own = with_check("UP000123")
    typo = own[:-1] + ("A" if own[-1] != "A" else "B")
    assert is_acceptable(own, "UP")
    assert is_acceptable(typo, "UP") is False
    assert is_acceptable("AB", "UP") is False
    assert is_acceptable(typo, "")
    assert is_acceptable("FLB6092", "UP")
