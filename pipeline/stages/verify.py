"""Verify: the invariants checker. It reads everything and changes nothing."""

from __future__ import annotations

from pipeline.ledger import cards, journal, receipts
from pipeline.ledger import invariants as promises
from pipeline.stages.house import House
from pipeline.stages.kept_facts import kept
from pipeline.warehouse import invariants as facts


def verify(house: House) -> list[str]:
    """One sentence for each invariant that does not hold: warehouse, ledger, and the two against each other. Empty: all hold."""
    with house.writer(), house.warehouse(spill=True) as warehouse:
        found = [f"warehouse: {sentence}" for sentence in facts.violations(warehouse)]
        stored = {row["receipt_no"]: row for row in warehouse.dicts("report/files")}
        published = dict(warehouse.rows("report/person_states"))
    erased = kept(house.home)
    with house.ledger.begin() as conn:
        found += [f"ledger: {sentence}" for sentence in promises.violations(conn)]
        for receipt in receipts.listing(conn):
            if receipt.settled_at is not None and stored.get(receipt.receipt_no, {}).get("rows_accepted") != receipt.rows_accepted:
                found.append(f"receipt {receipt.receipt_no}: the ledger and the warehouse count different accepted rows")
            if receipt.sha256 not in house.archive and receipt.batch_no not in erased:
                found.append(f"receipt {receipt.receipt_no}: its file is not in the archive")
        shown = {state.value: n for state, n in cards.counts(conn).items()}
        if shown != published and journal.unfinished(conn) is None:
            found.append(f"cards: people by state differ between the ledger {shown} and the warehouse {published}")
    return found
