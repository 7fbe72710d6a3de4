"""Each invariant of the warehouse finds the defect that it is for, that one alone, and is quiet where all is well."""

from __future__ import annotations

import pytest

from pipeline.warehouse.connect import SQL_ROOT
from pipeline.warehouse.invariants import violations
from tests.facts import Member, Result, Store, store
from tests.sql.test_decide_cases import kept, pool

# A negative pool, one that is taken apart and half answered, one to call back, a held one, one that people decided, one that waits.
FACTS = (
    *pool("NEG", "a", "b"), Result("NEG", "not_detected"),
    *kept("APART", "c", "d"), Result("APART", "detected"), Result("C1", "detected", hours=28),
    *pool("BACK", "e", "f"), Result("BACK", "detected"),
    *pool("HELD", "g", "h", size=3), Result("HELD", "not_detected"),
    *pool("SIGNED", "i", "j", size=3), Result("SIGNED", "not_detected"),
    *pool("WAITS", "k", "l"),
    Member("ONE", "m"), Result("ONE", "detected"),
)  # fmt: skip
# Invariant → how it is broken, by hand.
BROKEN = {
    "held_without_hold": "UPDATE hold SET closed_at = TIMESTAMP '2026-11-03 00:00:00' WHERE subject = 'HELD'",
    "positive_pool_member_told": "UPDATE outcome SET outcome = 'detected' WHERE reason = 'pool_detected' AND outcome = 'recollect'",
    "result_twice": "INSERT INTO lab_result SELECT * REPLACE (8 AS receipt_no) FROM lab_result WHERE tube_code = 'NEG'",
    "result_without_authority": "UPDATE outcome SET outcome = 'not_detected' WHERE reason = 'no_result'",
    "rows_not_stored": "UPDATE file SET rows_accepted = rows_accepted + 1, rows_received = rows_received + 1 WHERE receipt_no = 1",
    "signed_by_nobody": "DELETE FROM signed_hold",
    "specimen_twice": "INSERT INTO outcome SELECT * FROM outcome WHERE reason = 'single'",
    "specimen_without_outcome": "DELETE FROM outcome WHERE reason = 'single'",
    "unpooled_incompletely": "UPDATE list_item SET state = 'cancelled' WHERE list = 'callback' AND reason = 'pool_detected'",
    "waiting_without_clock": "UPDATE outcome SET due_at = NULL WHERE reason = 'no_result'",
}
# What is broken with it, because one defect is the other's too.
WITH = {"result_twice": {"rows_not_stored"}}


def settled(given: Store) -> None:
    given.add(FACTS)
    given.decide(30)
    given.sign("incomplete SIGNED", "refuse")
    given.decide(31)
    given.warehouse.connection.execute(
        """INSERT INTO file BY NAME
           SELECT receipt_no, 1 AS batch_no, '' AS sender, 'accepted' AS verdict, '' AS reason, count(*) AS rows_received,
               count(*) AS rows_accepted, 0 AS rows_duplicate, 0 AS rows_rejected, 0 AS rows_held, 0 AS rows_warned
           FROM (SELECT receipt_no FROM membership UNION ALL SELECT receipt_no FROM lab_result) GROUP BY receipt_no"""
    )


def broken(given: Store) -> set[str]:
    return {sentence.partition(":")[0] for sentence in violations(given.warehouse)}


def test_a_day_in_which_all_is_well_breaks_none() -> None:
    with store() as given:
        assert broken(given) == set(), "an empty warehouse"
        settled(given)
        assert broken(given) == set()


@pytest.mark.parametrize("name", sorted(path.stem for path in (SQL_ROOT / "verify").glob("*.sql")))
def test_each_invariant_finds_its_defect(name: str) -> None:
    with store() as given:
        settled(given)
        given.warehouse.connection.execute(BROKEN[name])
        assert broken(given) == {name} | WITH.get(name, set())


@pytest.mark.parametrize("own", [None, "Z1"])
def test_I2_a_result_rests_on_the_tube_or_on_the_own_code_and_on_a_final_row(own: str | None) -> None:
    """By either code; a preliminary row, another call and another code are none."""
    with store() as given:
        given.add((Member("T", "z", own=own), Member("U", "y", own="Y1"), Result("T", "not_detected", "P"), Result("U", "detected")))
        given.decide(30)
        given.warehouse.connection.execute("UPDATE outcome SET outcome = 'not_detected', reason = 'single'")
        assert len([one for one in violations(given.warehouse) if one.startswith("result_without_authority: 2 ")]) == 1
        given.add([Result("T", "not_detected"), Result("Y1", "not_detected")])
        assert "result_without_authority" not in broken(given)
