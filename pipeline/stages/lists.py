"""Lists: the worklist and the repeats for labs, the call-back list for teams, and those whom nobody can reach by SMS.

They name people, as those who must find them need; so they are written on demand, readable by this user alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pipeline.domain.words import MessageState
from pipeline.errors import KeyMissing
from pipeline.ledger import outbox
from pipeline.ledger.engine import Ledger
from pipeline.ledger.outbox import Message
from pipeline.quality.rejects import write_table
from pipeline.stages.house import House
from pipeline.stages.lookup import SILENT_FOR_EVER, UNSETTLED
from pipeline.vault.identity import read_batch

PERSON = ("full_name", "birth_date", "phone", "address", "person_code")
WORKLIST = ("specimen_code", "tube_code", "reason", "collected_at", "team", "site_code")
REPEAT = ("tube_code", "reason", "collected_at", "team")
CALLBACK = ("team", "site_code", "replaces_tube", "reason", "collected_at", *PERSON)
TO_CALL = ("purpose", "state", "reason", "collected_at", *PERSON)
# What was to go out and did not arrive: somebody must call.
NOT_CARRIED = (MessageState.TOO_OLD, MessageState.OVER_LIMIT, MessageState.FAILED, MessageState.UNDELIVERED)


@dataclass(frozen=True)
class ListFile:
    """One list as written: its columns and open items."""

    name: str
    path: Path
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def unreached(ledger: Ledger, now: datetime) -> list[Message]:
    """Whom no SMS reached, and those of whom Twilio tells nothing any more: somebody must call, or find out."""
    with ledger.begin() as conn:
        silent = outbox.without_news(conn, unknown_before=now - UNSETTLED, sent_before=now - SILENT_FOR_EVER)
        return outbox.unreached(conn, NOT_CARRIED) + silent


def write_lists(house: House, folder: Path, now: datetime) -> list[ListFile]:
    """Write worklist, repeat, callback, no_phone and unreached (.csv) into `folder`, each at once by a rename; return what they hold.

    All under the writer's lock: of two who make lists at once, the later one's are the newer, and stay.
    """
    with house.writer():
        with house.warehouse(spill=True) as warehouse:
            worklist = warehouse.dicts("lists/worklist")
            repeat = warehouse.dicts("lists/repeat")
            callback = warehouse.dicts("lists/callback")
        with house.ledger.begin() as conn:
            without_phone = [vars(one) for one in outbox.unreached(conn, [MessageState.NO_PHONE])]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [
            _write(folder, "worklist", WORKLIST, worklist),
            _write(folder, "repeat", REPEAT, repeat),
            _write(folder, "callback", CALLBACK, _named(house, callback)),
            _write(folder, "no_phone", TO_CALL, _named(house, without_phone)),
            _write(folder, "unreached", TO_CALL, _named(house, [vars(one) for one in unreached(house.ledger, now)])),
        ]


def identities(house: House, wanted: Iterable[tuple[date, int, str]], columns: Sequence[str]) -> dict[str, dict[str, str]]:
    """What the vault knows of specimens given as (vault_day, vault_batch, specimen_id): specimen → column → text.

    Specimens of an erased day are left out: nobody knows them any more.
    """
    by_place: dict[tuple[date, int], set[str]] = defaultdict(set)
    for day, batch_no, specimen_id in wanted:
        by_place[day, batch_no].add(specimen_id)
    known: dict[str, dict[str, str]] = {}
    for (day, batch_no), specimens in sorted(by_place.items()):
        try:
            table = read_batch(house.keys, day, batch_no, ("specimen_id", *columns), specimens)
        except KeyMissing:
            continue
        known |= {row.pop("specimen_id"): row for row in table.to_pylist()}
    return known


def _named(house: House, items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """List items with the people behind them."""
    places = [(item["vault_day"], item["vault_batch"], str(item["specimen_id"])) for item in items]
    known = identities(house, places, PERSON)
    return [{**item, **known.get(str(item["specimen_id"]), {})} for item in items]


def _write(folder: Path, name: str, columns: tuple[str, ...], items: Sequence[Mapping[str, Any]]) -> ListFile:
    rows = [tuple("" if item.get(column) is None else str(item[column]) for column in columns) for item in items]
    path = folder / f"{name}.csv"
    write_table(path, columns, rows)
    return ListFile(name, path, columns, rows)
