"""A birth date is checked without opening its batch: as the batch would say, or not at all."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.home import Home
from pipeline.programme import load_programme
from pipeline.stages.open_page import birth_check
from pipeline.vault import finder, indexes
from pipeline.vault.births import MAGIC, RECORD, index_of, is_birth_date
from pipeline.vault.identity import COLUMNS, VaultRef, births_path, write_batch
from pipeline.vault.keys import Keys

DAY = date(2026, 11, 20)
REF = VaultRef(DAY, 7)
PEOPLE = {str(uuid.UUID(int=number)): (date(1950, 1, 1) + timedelta(days=number)).isoformat() for number in range(50)}
SOMEBODY = str(uuid.UUID(int=7))


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(bytes(range(32)), Home(tmp_path))


def written(keys: Keys, people: dict[str, str] = PEOPLE) -> Path:
    """A batch of these people and its indexes; the path of the birth dates'."""
    rows = [dict.fromkeys(COLUMNS, "") | {"specimen_id": specimen, "birth_date": born} for specimen, born in people.items()]
    write_batch(keys, REF.batch_no, DAY, pa.Table.from_pylist(rows))
    indexes.make_indexes(keys, REF, finder.prints(keys, load_programme("vietnam").phones), lambda write: write())
    return births_path(keys.home, REF)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.uuids().map(str), st.one_of(st.dates().map(str), st.just("1980"), st.just(""))),
    st.uuids().map(str),
    st.dates().map(str),
)
def test_it_says_of_everybody_what_the_batch_says(keys: Keys, people: dict[str, str], stranger: str, day: str) -> None:
    path = births_path(keys.home, REF)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(index_of(keys.make(DAY.isoformat()), people.items()))
    for specimen, born in people.items():
        assert is_birth_date(keys, REF, specimen, born) is (True if born else None)
        assert is_birth_date(keys, REF, specimen, day) is ((day == born) if born else None)
    assert is_birth_date(keys, REF, stranger, day) is (people[stranger] == day if people.get(stranger) else None)


def test_a_year_alone_opens_nothing(keys: Keys) -> None:
    written(keys, {SOMEBODY: "1980"})
    assert not any(birth_check(keys)(REF, SOMEBODY, f"1980-{month:02}-01") for month in range(1, 13))


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param(lambda whole: None, id="not made yet"),
        pytest.param(lambda whole: b"", id="empty"),
        pytest.param(lambda whole: whole[:-1], id="cut"),
        pytest.param(lambda whole: b"x" + whole[1:], id="another kind"),
        pytest.param(lambda whole: whole[:RECORD], id="nobody in it"),
        pytest.param(lambda whole: whole[: len(MAGIC)] + bytes(15) + b"\x09" + whole[RECORD:], id="by a key that is not there"),
    ],
)
def test_where_it_cannot_tell_the_batch_is_asked(keys: Keys, spoilt: object) -> None:
    path = written(keys)
    assert callable(spoilt)
    data = spoilt(path.read_bytes())
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    assert is_birth_date(keys, REF, SOMEBODY, PEOPLE[SOMEBODY]) is None
    check = birth_check(keys)
    assert check(REF, SOMEBODY, PEOPLE[SOMEBODY])
    assert not check(REF, SOMEBODY, "1999-09-09")


def test_the_batch_is_left_alone_where_it_can_tell(keys: Keys) -> None:
    written(keys)
    (keys.home.vault / "2026-11-20" / "7.parquet").unlink()
    check = birth_check(keys)
    assert check(REF, SOMEBODY, PEOPLE[SOMEBODY]) and not check(REF, SOMEBODY, "1999-09-09")


def test_O11_with_the_day_s_key_it_says_nothing(keys: Keys) -> None:
    written(keys)
    keys.drop_day_key(DAY)
    assert is_birth_date(keys, REF, SOMEBODY, PEOPLE[SOMEBODY]) is None
    assert not birth_check(keys)(REF, SOMEBODY, PEOPLE[SOMEBODY])


def test_O11_between_two_keys_of_a_day_nobody_is_refused(keys: Keys) -> None:
    """While a person is erased: first the next key, then every batch anew, then the old key goes."""
    written(keys)
    old = keys.find(DAY.isoformat()).name
    keys.make_next(DAY.isoformat())
    check = birth_check(keys)
    assert check(REF, SOMEBODY, PEOPLE[SOMEBODY])
    path = written(keys, {one: born for one, born in PEOPLE.items() if one != SOMEBODY})
    keys.folder().drop([old])
    assert path.exists() and not check(REF, SOMEBODY, PEOPLE[SOMEBODY])
    assert check(REF, str(uuid.UUID(int=8)), PEOPLE[str(uuid.UUID(int=8))])


def test_a_rewritten_batch_has_no_index_of_before(keys: Keys) -> None:
    path = written(keys)
    write_batch(keys, REF.batch_no, DAY, pa.table({name: ["x"] for name in COLUMNS}))
    assert not path.exists() and indexes.lacking(keys) == [REF]


def test_one_person_s_record_in_another_s_place_opens_nothing(keys: Keys) -> None:
    path = written(keys)
    whole = bytearray(path.read_bytes())
    mine, other = RECORD * 8, RECORD * 9
    whole[mine + 16 : mine + RECORD] = whole[other + 16 : other + RECORD]
    path.write_bytes(whole)
    assert is_birth_date(keys, REF, SOMEBODY, PEOPLE[str(uuid.UUID(int=8))]) is False


def test_it_holds_no_date(keys: Keys) -> None:
    whole = written(keys).read_bytes()
    assert not any(born.encode() in whole for born in PEOPLE.values())
    assert len(whole) == RECORD * (1 + len(PEOPLE))
