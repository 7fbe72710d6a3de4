"""Every table of decide says its grain in its first line. Here that line is asked: the key is there in each row, and in no two."""

from __future__ import annotations

import pytest

from pipeline.warehouse import decide
from tests.facts import store
from tests.sql.test_decide_cases import CASES, apart

KEYS = {
    "touched_code": "code", "touched_row": "place, is_by_tube", "seed": "tube_id", "seed_row": "place", "touched": "tube_id", "touched_member": "place",
    "scope_code": "code", "unit": "unit_id, kind", "unit_call": "unit_id", "tube_state": "tube_id", "member": "specimen_id",
    "pool_view": "tube_id", "verdict_now": "specimen_id", "asked": "specimen_id", "outcome_now": "specimen_id", "list_now": "list, subject_id",
    "list_after": "list, subject_id", "hold_now": "hold_id", "hold_after": "hold_id",
}  # fmt: skip
# Rows that other tables' keys refer to, and that have none of their own.
WITHOUT = {"scope_row", "unit_row"}


def test_each_row_has_its_key_and_no_other_row_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "TEMPORARY", ())
    with store() as given:
        given.add(fact for place, case in enumerate(CASES) for fact in apart(case, place).facts)
        given.decide(30)
        for table, key in KEYS.items():
            some = " OR ".join(f"{column} IS NULL" for column in key.split(", "))
            asked = f"SELECT count(*), count(DISTINCT ({key})), count(*) FILTER ({some}) FROM {table}"
            rows, distinct, missing = given.warehouse.connection.execute(asked).fetchone()
            assert (table, distinct, missing) == (table, rows, 0)
            assert rows, table


def test_every_table_is_asked() -> None:
    assert KEYS.keys() | WITHOUT == {*decide.TEMPORARY}
