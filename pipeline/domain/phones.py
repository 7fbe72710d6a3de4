"""Phone numbers as people write them, and which of them take an SMS. One phone serves a family: never a person's key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import phonenumbers

# ASCII digits before any library sees them: `phonenumbers` takes a letter O, vanity letters and Arabic digits for digits.
_WRITTEN = re.compile(r"\(?\+?[0-9][0-9 .()\-]{4,28}")
_SEPARATORS = re.compile(r"[ .()\-]")


@dataclass(frozen=True)
class Phones:
    """A programme's rules. `mobile_pattern` is RE2, for the whole number without its separators; SQL uses the same text.

    `prefix_map` gives the new national prefix for the old one (Vietnam, 11-digit numbers of before 2018-09-15: 0120 is 070 now).
    """

    country: str
    mobile_pattern: str
    prefix_map: Mapping[str, str]


@dataclass(frozen=True)
class Phone:
    """`e164` as Twilio wants it. What is no mobile gets no SMS: Twilio answers a landline with 400/21614."""

    e164: str
    is_mobile: bool


def read_phone(text: str, phones: Phones) -> Phone | None:
    """None where `text` is no phone number. The programme's pattern decides at home, the library abroad and for landlines."""
    if not _WRITTEN.fullmatch(text.strip()):
        return None
    number = _SEPARATORS.sub("", text.strip())
    calling_code = str(phonenumbers.country_code_for_region(phones.country))
    trunk = phonenumbers.ndd_prefix_for_region(phones.country, True) or ""
    national = _national(number, calling_code, trunk, phones.prefix_map)
    if re.fullmatch(phones.mobile_pattern, number):
        return Phone(f"+{calling_code}{national.removeprefix(trunk)}", is_mobile=True)
    return _by_library(national, phones.country)


def to_e164(text: str, phones: Phones) -> str | None:
    """The number to send to, or None: no number, or none that takes an SMS."""
    phone = read_phone(text, phones)
    return phone.e164 if phone and phone.is_mobile else None


def _national(number: str, calling_code: str, trunk: str, prefix_map: Mapping[str, str]) -> str:
    """In national form with today's prefix; a number abroad stays as it is."""
    for opening in (f"+{calling_code}", f"00{calling_code}", calling_code):
        if number.startswith(opening):
            number = trunk + number.removeprefix(opening)
            break
    for old, new in prefix_map.items():
        if number.startswith(old):
            return new + number.removeprefix(old)
    return number


def _by_library(number: str, country: str) -> Phone | None:
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    kind = phonenumbers.number_type(parsed)
    at_home = parsed.country_code == phonenumbers.country_code_for_region(country)
    mobile = kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return Phone(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), is_mobile=mobile and not at_home)
