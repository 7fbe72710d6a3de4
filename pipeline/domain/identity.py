"""The Vietnamese citizen card: its QR text, and whether a 12-digit id agrees with the row beside it. A typing aid, not proof."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import assert_never

from pipeline.domain.names import fold_key, nfc

# Circular 59/2021/TT-BCA: the 63 provinces of birth. From 100 on stand countries, for those born abroad.
# fmt: off
_PROVINCES = frozenset({
    1, 2, 4, 6, 8, 10, 11, 12, 14, 15, 17, 19, 20, 22, 24, 25, 26, 27, 30, 31, 33, 34, 35, 36, 37, 38, 40, 42, 44, 45,
    46, 48, 49, 51, 52, 54, 56, 58, 60, 62, 64, 66, 67, 68, 70, 72, 74, 75, 77, 79, 80, 82, 83, 84, 86, 87, 89, 91, 92,
    93, 94, 95, 96,
})
# fmt: on
_FIRST_COUNTRY = 100
_ID = re.compile(r"[0-9]{12}")
_QR_FIELDS = 7


class Sex(StrEnum):
    MALE = "M"
    FEMALE = "F"


_SEX_WORDS = {"nam": Sex.MALE, "m": Sex.MALE, "male": Sex.MALE, "nu": Sex.FEMALE, "f": Sex.FEMALE, "female": Sex.FEMALE}


class IdProblem(StrEnum):
    """What is wrong with a citizen id. The id has no check digit: these find 39 % of single-digit typos."""

    NOT_12_DIGITS = "not_12_digits"
    BIRTH_YEAR_DISAGREES = "birth_year_disagrees"
    SEX_DISAGREES = "sex_disagrees"
    UNKNOWN_PROVINCE = "unknown_province"

    @property
    def rejects(self) -> bool:
        """Whether the row is rejected; else it is warned."""
        match self:
            case IdProblem.NOT_12_DIGITS | IdProblem.BIRTH_YEAR_DISAGREES | IdProblem.SEX_DISAGREES:
                return True
            case IdProblem.UNKNOWN_PROVINCE:
                return False
            case _:
                assert_never(self)


@dataclass(frozen=True)
class Card:
    """A card's fields in NFC. `old_id` is '' for who never had one; `sex` and `birth_date` are None where the card's text is neither."""

    citizen_id: str
    old_id: str
    full_name: str
    birth_date: date | None
    sex: Sex | None
    address: str
    issued: date | None


def read_card(text: str) -> Card | None:
    """The QR's `id|old id|name|ddmmyyyy|sex|address|issued`; None where it is no card's. Cards since July 2024 have four fields more."""
    fields = [nfc(field).strip() for field in text.split("|")]
    if len(fields) < _QR_FIELDS or not _ID.fullmatch(fields[0]):
        return None
    citizen_id, old_id, full_name, born, sex, address, issued = fields[:_QR_FIELDS]
    return Card(citizen_id, old_id, full_name, _card_date(born), read_sex(sex), address, _card_date(issued))


def read_sex(text: str) -> Sex | None:
    """In Vietnamese or English; None for any other word."""
    return _SEX_WORDS.get(fold_key(text.strip()))


def id_problems(citizen_id: str, *, birth_year: int | None, sex: Sex | None) -> Iterator[IdProblem]:
    """Where the id disagrees with itself or with its row; None for what the row does not say.

    3 digits province or country, 1 century and sex (0/1 born 19xx male/female, 2/3 20xx, and so on), 2 birth year, 6 more.
    """
    if not _ID.fullmatch(citizen_id):
        yield IdProblem.NOT_12_DIGITS
        return
    century, is_female = divmod(int(citizen_id[3]), 2)
    if birth_year is not None and birth_year != 1900 + 100 * century + int(citizen_id[4:6]):
        yield IdProblem.BIRTH_YEAR_DISAGREES
    if sex is not None and sex is not (Sex.FEMALE if is_female else Sex.MALE):
        yield IdProblem.SEX_DISAGREES
    if int(citizen_id[:3]) < _FIRST_COUNTRY and int(citizen_id[:3]) not in _PROVINCES:
        yield IdProblem.UNKNOWN_PROVINCE


def _card_date(text: str) -> date | None:
    if not re.fullmatch(r"[0-9]{8}", text):
        return None
    try:
        return date(int(text[4:]), int(text[2:4]), int(text[:2]))
    except ValueError:
        return None
