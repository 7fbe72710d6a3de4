"""Rekey: what remains of a day goes on under its next key, and the one before it is dropped. Older copies of that day then open no more.

A day with two living keys says that this is under way: killed anywhere, the next run goes on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from pipeline.stages.house import House
from pipeline.vault.day_keys import KeyName
from pipeline.vault.identity import read_batch, refs, write_batch
from pipeline.vault.keys import WAITING


def begin(house: House, days: Iterable[date]) -> None:
    """From now on each of these days that is not erased has a key more than it needs."""
    for day in sorted(set(days) & set(house.keys.days())):
        house.keys.make_next(day.isoformat())


def finish(house: House) -> None:
    """Seal with the newest key what an older one seals, and drop the older ones."""
    living: dict[str, list[KeyName]] = defaultdict(list)
    for name in house.keys.folder().alive():
        living[name.series].append(name)
    going = {series: names[:-1] for series, names in living.items() if len(names) > 1}
    if not going:
        return
    older = {(name.series, name.number) for names in going.values() for name in names}
    for sha256 in house.archive.names():
        sealed_by = house.archive.key_of(sha256)
        if sealed_by is not None and sealed_by in older:
            house.archive.put(house.archive.get(sha256), sealed_by[0])
    for ref in refs(house.home):
        if ref.day.isoformat() in going:
            write_batch(house.keys, ref.batch_no, ref.day, read_batch(house.keys, ref.day, ref.batch_no))
    house.keys.folder().drop(name for names in going.values() for name in names)


def drop_waiting(house: House, before: date | None = None) -> None:
    """What waited when backups were made, before that day or ever: copies of it are shut."""
    names = [name for name in house.keys.folder().alive() if name.series.startswith(WAITING)]
    house.keys.folder().drop(name for name in names if before is None or date.fromisoformat(name.series.removeprefix(WAITING)) < before)
