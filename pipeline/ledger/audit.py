"""The audit trail: who did what to what, when and why. Each entry is sealed with the hash of the one before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, text

from pipeline.ledger.tables import audit

AUDIT_LOCK = 0x756E_0003
START = "0" * 64


def lock(conn: Connection) -> None:
    """Keep other writers of the trail waiting until this transaction ends: for who reads in it what the next entry depends on."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": AUDIT_LOCK})


def append(conn: Connection, who: str, what: str, subject: str, why: str, now: datetime) -> int:
    """Add an entry and return its number. Other writers of the trail wait until this transaction ends: there is one chain."""
    lock(conn)
    last = conn.execute(select(audit.c.entry_no, audit.c.hash).order_by(audit.c.entry_no.desc()).limit(1)).one_or_none()
    number, previous = (1, START) if last is None else (last.entry_no + 1, last.hash)
    entry = {"entry_no": number, "at": now, "who": who, "what": what, "subject": subject, "why": why, "previous_hash": previous}
    conn.execute(insert(audit), entry | {"hash": _sealed(entry)})
    return int(number)


@dataclass(frozen=True)
class Entry:
    """`why` and `subject` hold codes, counts and what a person wrote as the reason: nobody's data."""

    entry_no: int
    at: datetime
    who: str
    what: str
    subject: str
    why: str


def entries(conn: Connection, most: int) -> list[Entry]:
    """The newest `most` entries, the newest first."""
    columns = (audit.c.entry_no, audit.c.at, audit.c.who, audit.c.what, audit.c.subject, audit.c.why)
    return [Entry(**row) for row in conn.execute(select(*columns).order_by(audit.c.entry_no.desc()).limit(most)).mappings()]


def last(conn: Connection, what: str) -> Entry | None:
    """The newest entry of one kind."""
    columns = (audit.c.entry_no, audit.c.at, audit.c.who, audit.c.what, audit.c.subject, audit.c.why)
    statement = select(*columns).where(audit.c.what == what).order_by(audit.c.entry_no.desc()).limit(1)
    found = conn.execute(statement).mappings().one_or_none()
    return None if found is None else Entry(**found)


def verify(conn: Connection) -> list[str]:
    """Where the trail was changed, reordered or thinned out; empty if it is whole. A cut tail needs a copy of its last hash to show."""
    faults: list[str] = []
    number, previous = 0, START
    for entry in conn.execute(select(audit).order_by(audit.c.entry_no)).mappings():
        if entry["entry_no"] != number + 1:
            faults.append(f"audit: entries {number + 1} to {entry['entry_no'] - 1} are missing")
        elif entry["previous_hash"] != previous:
            faults.append(f"audit: entry {entry['entry_no']} does not follow the one before it")
        if entry["hash"] != _sealed(entry):
            faults.append(f"audit: entry {entry['entry_no']} was changed")
        number, previous = entry["entry_no"], entry["hash"]
    return faults


def _sealed(entry: Mapping[str, Any] | RowMapping) -> str:
    """SHA-256 of the entry as a JSON list: no field's text can be mistaken for another field."""
    fields = [entry[name] for name in ("previous_hash", "entry_no", "who", "what", "subject", "why")]
    moment = entry["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(json.dumps([*fields, moment], ensure_ascii=True).encode()).hexdigest()
