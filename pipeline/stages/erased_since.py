"""What was erased after a backup was made is erased again where that backup is restored: the keys are gone, what they sealed is rubbish.

What the shut files said of tubes and specimens is kept as facts first, out of the restored warehouse, as erasing itself does it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime

from pipeline.errors import KeyMissing
from pipeline.ledger import audit, receipts
from pipeline.stages.erase import UNDECIDED, keep_facts_of, remove_files, remove_lists
from pipeline.stages.house import House
from pipeline.vault.identity import SCHEMA as IDENTITY
from pipeline.vault.identity import VaultDamaged, read_batch, refs, write_batch


@dataclass(frozen=True)
class ErasedSince:
    """Counts of what no key opens any more: received `files`, `batches` of the vault."""

    files: int
    batches: int


def erase_again(house: House, who: str, now: datetime) -> ErasedSince:
    """Killed anywhere and run again, it does what is missing. A file that nobody had decided yet stays, and is refused when it is read."""
    dropped = {(name.series, name.number) for name in house.keys.folder().dropped()}
    if not dropped:
        return ErasedSince(0, 0)
    with house.writer():
        with house.ledger.begin() as conn:
            every = receipts.listing(conn)
        undecided = {one.sha256 for one in every if one.verdict in UNDECIDED}
        files = [one for one in every if one.sha256 not in undecided and house.archive.key_of(one.sha256) in dropped]
        keep_facts_of(house, files)
        batches = _clear_vault(house, {series for series, _ in dropped})
        if files or batches:
            with house.ledger.begin() as conn:
                audit.append(conn, who, "erased", "what was erased since the backup", f"{len(files)} files, {batches} batches", now)
        remove_files(house, files)
        remove_lists(house)
    return ErasedSince(len(files), batches)


def _clear_vault(house: House, series: set[str]) -> int:
    """Batches that do not open: of an erased day they go, of another one they stay without anybody in them. Returns how many."""
    shut = 0
    for ref in refs(house.home):
        if ref.day.isoformat() not in series:
            continue
        try:
            read_batch(house.keys, ref.day, ref.batch_no, columns=["specimen_id"])
        except KeyMissing:
            shutil.rmtree(house.home.vault / ref.day.isoformat(), ignore_errors=True)
        except VaultDamaged:
            # Its bytes are those of the backup, which were checked: what does not open was sealed by a dropped key.
            write_batch(house.keys, ref.batch_no, ref.day, IDENTITY.empty_table())
        else:
            continue
        shut += 1
    return shut
