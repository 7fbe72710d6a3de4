"""Verify: the invariants checker. It reads everything and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.ledger import cards, journal, receipts, signed_holds
from pipeline.ledger import invariants as promises
from pipeline.stages.house import House
from pipeline.stages.kept_facts import kept
from pipeline.warehouse import invariants as facts


def verify(house: House) -> list[str]:
    """One sentence for each invariant that does not hold: warehouse, ledger, and the two against each other. Empty: all hold."""
    with house.writer(), house.warehouse(spill=True) as warehouse:
        found = [f"warehouse: {sentence}" for sentence in facts.violations(warehouse)]
        stored = {row["receipt_no"]: row for row in warehouse.dicts("report/files")}
        signed = int(warehouse.value("report/signed"))
        decided = {tuple(wording): people for *wording, people in warehouse.rows("report/cards")}
    erased = kept(house.home)
    with house.ledger.begin() as conn:
        found += [f"ledger: {sentence}" for sentence in promises.violations(conn)]
        for receipt in receipts.listing(conn):
            if receipt.settled_at is not None and stored.get(receipt.receipt_no, {}).get("rows_accepted") != receipt.rows_accepted:
                found.append(f"receipt {receipt.receipt_no}: the ledger and the warehouse count different accepted rows")
            if receipt.sha256 not in house.archive and receipt.batch_no not in erased:
                found.append(f"receipt {receipt.receipt_no}: its file is not in the archive")
        is_quiet = journal.unfinished(conn) is None
        if is_quiet and signed != signed_holds.count(conn):
            found.append("signed holds: the ledger and the warehouse count different ones")
        shown = cards.wordings(conn)
        if shown != decided and is_quiet:
            found += _other_words(shown, decided)
    return found


def _other_words(shown: Mapping[tuple[Any, ...], int], decided: Mapping[tuple[Any, ...], int]) -> Iterator[str]:
    """The result page's words whose people the ledger and the warehouse count differently. Words are equal to their texts."""
    for wording in sorted({*shown, *decided}, key=repr):
        if shown.get(wording, 0) != decided.get(wording, 0):
            said = " ".join(str(word) for word in wording[:3] if word is not None) + (" corrected" if wording[3] else "")
            yield f"cards: {shown.get(wording, 0)} say '{said}' in the ledger, {decided.get(wording, 0)} in the warehouse"
