"""What holds for every text, and that the same rules in SQL (DuckDB, RE2) say the same as in Python."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from datetime import date
from itertools import combinations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.dates import rewrites, to_iso
from pipeline.domain.identity import Sex, id_problems
from pipeline.domain.messages import parts, text_problems
from pipeline.domain.names import fold_key, fold_name, nfc
from pipeline.domain.phones import read_phone, to_e164
from pipeline.domain.tube_codes import has_check, is_code, normalise, with_check
from pipeline.formats import FormatProfile, load_formats
from pipeline.programme import load_programme

VIETNAM = load_programme("vietnam")
CODES = st.text(string.ascii_uppercase + string.digits, min_size=3, max_size=30)
NORMALISED = r"SELECT upper(regexp_replace(nfc_normalize($text), '[\s\-_./]', '', 'g'))"


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def ask(duck: duckdb.DuckDBPyConnection, sql: str, **parameters: str) -> object:
    row = duck.execute(sql, parameters).fetchone()
    assert row is not None
    return row[0]


@given(text=st.text(st.characters(max_codepoint=127, exclude_characters="\0"), max_size=40))
def test_F09_codes_in_sql_are_those_in_python(duck: duckdb.DuckDBPyConnection, text: str) -> None:
    assert ask(duck, NORMALISED, text=text) == normalise(text)


@given(a=st.text(max_size=12), b=st.text(max_size=12))
def test_F09_two_codes_are_one_only_by_case_and_separators(a: str, b: str) -> None:
    if is_code(a) and is_code(b) and normalise(a) == normalise(b):
        bare = [nfc(text).upper().translate({ord(c): None for c in " \t\n\f\r-_./"}) for text in (a, b)]
        assert bare[0] == bare[1]
        assert bare[0].isascii()


@given(CODES)
def test_normalising_twice_is_normalising_once(code: str) -> None:
    assert normalise(normalise(code)) == normalise(code) == code


@given(code=CODES, place=st.integers(0, 100), letter=st.sampled_from(string.ascii_uppercase + string.digits))
def test_F08_the_check_character_finds_every_single_typo(code: str, place: int, letter: str) -> None:
    whole = with_check(code)
    assert has_check(whole)
    place %= len(whole)
    typo = whole[:place] + letter + whole[place + 1 :]
    assert has_check(typo) == (typo == whole)


@settings(max_examples=5)
@given(CODES)
def test_F08_the_check_character_finds_nearly_all_swapped_neighbours(stem: str) -> None:
    """Of the pairs of unlike letters at one place, 630 of them, ISO 7064 MOD 37,36 misses one at most."""
    pairs = combinations(string.digits + string.ascii_uppercase, 2)
    missed = [pair for pair in pairs if with_check(f"{stem}{pair[0]}{pair[1]}")[-1] == with_check(f"{stem}{pair[1]}{pair[0]}")[-1]]
    assert len(missed) <= 1


@given(st.text(max_size=40))
def test_F09_folding_is_stable(text: str) -> None:
    assert fold_name(fold_name(text)) == fold_name(text)
    assert fold_key(fold_key(text)) == fold_key(text)


@given(st.text(st.sampled_from(" 0123456789+-.()"), max_size=16))
def test_T13_a_phone_that_sql_calls_reachable_has_a_number_to_send_to(text: str) -> None:
    digits = re.sub(r"[^0-9+]", "", text)
    if re.fullmatch(VIETNAM.phones.mobile_pattern, digits):
        phone = read_phone(digits, VIETNAM.phones)
        assert phone is not None
        assert re.fullmatch(r"\+84[35789][0-9]{8}", phone.e164)
    else:
        sent_to = to_e164(text, VIETNAM.phones)
        assert sent_to is None or not sent_to.startswith("+84")


@given(st.from_regex(VIETNAM.phones.mobile_pattern, fullmatch=True, alphabet=string.digits + "+"))
def test_T13_the_mobile_pattern_means_the_same_in_sql(duck: duckdb.DuckDBPyConnection, number: str) -> None:
    assert ask(duck, "SELECT regexp_full_match($text, $pattern)", text=number, pattern=VIETNAM.phones.mobile_pattern) is True
    assert ask(duck, "SELECT regexp_full_match($text, $pattern)", text=number + "1", pattern=VIETNAM.phones.mobile_pattern) == bool(
        re.fullmatch(VIETNAM.phones.mobile_pattern, number + "1")
    )
    assert re.fullmatch(r"\+84[35789][0-9]{8}", to_e164(number, VIETNAM.phones) or "")


@pytest.mark.parametrize("profile", load_formats(VIETNAM), ids=lambda profile: profile.name)
@given(data=st.data())
def test_F10_dates_are_rewritten_in_sql_as_in_python(duck: duckdb.DuckDBPyConnection, profile: FormatProfile, data: st.DataObject) -> None:
    rewrite = data.draw(st.sampled_from(profile.date_rewrites))
    text = data.draw(st.from_regex(rewrite.regex.removesuffix("$"), fullmatch=True))
    sql = "SELECT regexp_replace($text, $regex, $replacement)"
    iso = ask(duck, sql, text=text, regex=rewrite.regex, replacement=rewrite.replacement)
    assert iso == to_iso(text, [rewrite]) == to_iso(text, profile.date_rewrites)
    assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?)?", str(iso))


@given(day=st.dates(), hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_F10_a_day_written_by_a_pattern_is_read_as_that_day(day: date, hour: int, minute: int) -> None:
    text = f"{day.day}/{day.month}/{day.year:04d} {hour}:{minute:02d}"
    assert to_iso(text, rewrites("d/m/yyyy h:mm")) == f"{day}T{hour:02d}:{minute:02d}"


@given(st.text(max_size=400))
def test_parts_grow_with_the_text(text: str) -> None:
    assert 1 <= parts(text) <= parts(text + "ả")


@given(st.text(max_size=60))
def test_T12_any_text_is_judged_without_an_error(text: str) -> None:
    list(text_problems(text + " {programme} {link}", programme="XN", longest_link="https://x/#" + "f" * 32))
    list(text_problems(text, programme="XN", longest_link=""))


@given(citizen_id=st.text(max_size=14), birth_year=st.none() | st.integers(1900, 2400), sex=st.none() | st.sampled_from(Sex))
def test_any_id_is_judged_without_an_error(citizen_id: str, birth_year: int | None, sex: Sex | None) -> None:
    list(id_problems(citizen_id, birth_year=birth_year, sex=sex))
