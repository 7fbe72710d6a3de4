"""Erase: whole days of identities, by dropping their keys. What was decided stays, under pseudonyms.

Gone after it: who the people are (vault), the files as they were received (archive), the rows that went back to the senders (returns)
and the lists; and what backups hold of all this, since no backup holds a key. What the files said of tubes and specimens is kept beside
the archive first, so that the warehouse can still be rebuilt.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pipeline.domain.words import Verdict
from pipeline.errors import ActionNeeded
from pipeline.ledger import audit, journal, receipts
from pipeline.ledger.receipts import Receipt
from pipeline.ledger.tables import BatchKind
from pipeline.log import event
from pipeline.stages import rekey
from pipeline.stages.breakers import retention_waits
from pipeline.stages.house import House
from pipeline.stages.kept_facts import keep_facts
from pipeline.stages.resume import finish_open_batch
from pipeline.stages.returns import rejects_path

RETENTION = "retention"
UNDECIDED = frozenset({Verdict.WAITING, Verdict.HELD})


@dataclass(frozen=True)
class EraseSummary:
    """Counts of what went: `days` of keys, received `files`. `batches`: those whose facts were kept for it."""

    days: int
    files: int
    batches: int

    @property
    def is_anything(self) -> bool:
        return self.days > 0


def retain(house: House, now: datetime) -> EraseSummary:
    """Erase what the programme keeps no longer (`keep_days`); nothing where it names no such limit. What keeps it
    from erasing is a hold until it can go on."""
    keep_days = house.programme.clocks.keep_days
    done, waits = EraseSummary(0, 0, 0), None
    if keep_days is not None:
        before = house.local(now).date() - timedelta(days=keep_days)
        try:
            done = erase(house, before, who=RETENTION, why=f"keep_days = {keep_days}", now=now) if _due(house, before) else done
        except ActionNeeded as error:
            event("retention_waits", why=error.message)
            waits = {"before": before.isoformat(), "why": type(error).__name__, **error.fields}
    with house.ledger.begin() as conn:
        retention_waits(conn, waits, now)
    return done


def erase(house: House, before: date, *, who: str, why: str, now: datetime) -> EraseSummary:
    """Erase all days before that one, by the programme's calendar, for ever. Killed anywhere and run again, it does what is missing.

    Raises ActionNeeded, and nothing is erased, where that is not in the past or a file of these days still waits for somebody.
    """
    if before > house.local(now).date():
        raise ActionNeeded("Only days that are over can be erased: give today's date or an earlier one.")
    with house.writer():
        finish_open_batch(house, now)
        # First of all: where the mirror is away, a key would live on in it.
        house.keys.folder().agree()
        days = _due(house, before)
        if not days:
            rekey.drop_waiting(house, before)
            return EraseSummary(0, 0, 0)
        files = _files_of(house, days)
        refuse_undecided(files)
        batches = keep_facts_of(house, files)
        with house.ledger.begin() as conn:
            audit.append(conn, who, "erased", f"days before {before}", why, now)
        remove_files(house, files)
        for day in days:
            shutil.rmtree(house.home.vault / day.isoformat(), ignore_errors=True)
        remove_lists(house)
        rekey.drop_waiting(house, before)
        # Last: while a day has its key, another run finds what this one left.
        for day in days:
            house.keys.drop_day_key(day)
    event("erased", days=len(days), files=len(files), batches=batches)
    return EraseSummary(len(days), len(files), batches)


def _due(house: House, before: date) -> list[date]:
    return [day for day in house.keys.days() if day < before]


def _files_of(house: House, days: Sequence[date]) -> list[Receipt]:
    """The files sealed by the keys of these days, and those of which an earlier run of the same took the bytes away."""
    with house.ledger.begin() as conn:
        every = list(receipts.listing(conn))
    chosen = set(days)
    return [
        one
        for one in every
        if house.archive.day_of(one.sha256) in chosen or (one.sha256 not in house.archive and house.local(one.received_at).date() in chosen)
    ]


def refuse_undecided(files: Sequence[Receipt]) -> None:
    """Raises ActionNeeded where one of them still waits for somebody: its bytes will be needed."""
    if undecided := [one.receipt_no for one in files if one.verdict in UNDECIDED]:
        number = undecided[0]
        raise ActionNeeded(f"Nothing was erased: receipt {number} still waits. Let it through or refuse it first.", receipt=number)


def keep_facts_of(house: House, files: Sequence[Receipt]) -> int:
    """Facts of every batch that could not be read again without these files. Returns how many."""
    with house.ledger.begin() as conn:
        intake = {batch.batch_no for batch in journal.all_done(conn) if batch.kind is BatchKind.INTAKE}
    needed = sorted({one.batch_no for one in files if one.batch_no is not None} & intake)
    with house.warehouse(spill=True) as warehouse:
        for batch_no in needed:
            keep_facts(house.home, warehouse, batch_no)
    return len(needed)


def remove_files(house: House, files: Sequence[Receipt]) -> None:
    """Received files and what went back of them, for ever."""
    for one in files:
        rejects_path(house.home, one).unlink(missing_ok=True)
        house.archive.erase(one.sha256)


def remove_lists(house: House) -> None:
    """They are written anew on demand, without those whom nobody knows any more."""
    for path in house.home.lists.rglob("*.csv"):
        path.unlink(missing_ok=True)
