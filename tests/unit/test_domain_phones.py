from __future__ import annotations

import pytest

from pipeline.domain.phones import Phone, Phones, read_phone, to_e164
from pipeline.programme import load_programme

VIETNAM: Phones = load_programme("vietnam").phones
HOME = "+84912345678"


@pytest.mark.parametrize(
    "text",
    ["0912345678", "0912 345 678", "0912.345.678", "+84 912-345-678", "84912345678", "0084912345678", " (091) 2345678 ", "(+84) 912345678"],
)
def test_one_mobile_however_it_is_written(text: str) -> None:
    assert to_e164(text, VIETNAM) == HOME


@pytest.mark.parametrize(("old", "new"), sorted(VIETNAM.prefix_map.items()))
def test_T13_eleven_digit_numbers_of_before_2018(old: str, new: str) -> None:
    for written in (old + "3456789", "+84" + old[1:] + "3456789", "84" + old[1:] + "3456789"):
        assert to_e164(written, VIETNAM) == "+84" + new[1:] + "3456789"


def test_prefix_map_is_complete_and_leads_to_todays_mobiles() -> None:
    assert len(VIETNAM.prefix_map) == 21
    assert len(set(VIETNAM.prefix_map.values())) == 21


@pytest.mark.parametrize("landline", ["02438252525", "028 3829 7744", "+84 24 3825 2525"])
def test_T13_landlines_are_phones_that_take_no_sms(landline: str) -> None:
    phone = read_phone(landline, VIETNAM)
    assert phone is not None
    assert not phone.is_mobile
    assert to_e164(landline, VIETNAM) is None


def test_T13_foreign_mobile() -> None:
    assert read_phone("+49 1512 3456789", VIETNAM) == Phone("+4915123456789", is_mobile=True)
    assert read_phone("+1 415 555 2671", VIETNAM) == Phone("+14155552671", is_mobile=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "O912345678",  # the letter O
        "09123456７8",  # full-width
        "٠٩١٢٣٤٥٦٧٨",  # Arabic digits, which the library would take
        "0912CALLME",
        "091234567",
        "09123456789",
        "912345678",  # a spreadsheet took the zero; whose number it is, is a guess
        "0912345678;0987654321",
        "++84912345678",
        "9.12346E+08",
        "113",
        "0" * 40,
        "\u200b0912345678",
    ],
)
def test_T13_what_is_no_phone_gets_no_sms(text: str) -> None:
    assert to_e164(text, VIETNAM) is None


@pytest.mark.parametrize("text", ["O2438252525", "0243825252٥", "+49 1512 ٣456789", "024 3825 CALL"])
def test_F09_the_library_never_sees_what_only_looks_like_digits(text: str) -> None:
    assert read_phone(text, VIETNAM) is None


@pytest.mark.parametrize("text", ["+84 084 1203456789", "0243825252", "+49 1", "+1 555 0100"])
def test_T13_what_has_the_shape_of_a_phone_and_is_none(text: str) -> None:
    assert read_phone(text, VIETNAM) is None


def test_programme_of_another_country() -> None:
    america = load_programme("floodlamp").phones
    assert to_e164("(415) 555-2671", america) == "+14155552671"
    assert to_e164("+1 415 555 2671", america) == "+14155552671"
    assert to_e164("115 555 2671", america) is None
