"""Facts for tests of decide: memberships and result rows in a few words, put straight into a warehouse as a batch."""

from __future__ import annotations

import hashlib
import types
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.domain.words import Choice
from pipeline.warehouse.connect import Warehouse, open_warehouse
from pipeline.warehouse.decide import Signed, decide_batch, waiting

DAY0 = datetime(2026, 11, 2, 8)
CLOCKS = types.SimpleNamespace(match_window_days=7, relabel_days=14, overdue_hours=48, lost_days=10)
PROGRAMME: Any = types.SimpleNamespace(clocks=CLOCKS)


def _id(*parts: object) -> str:
    """A UUID as text. (Python's own class for them would take half of a test's time where there are millions.)"""
    digest = hashlib.md5("|".join(map(str, parts)).encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))


@dataclass(frozen=True)
class Member:
    """One accepted manifest row, collected so many days and hours after DAY0."""

    tube: str
    person: str
    day: int = 0
    own: str | None = None
    replaces: str | None = None
    size: int | None = None
    team: str = "TEAM1"
    file: int = 1
    mode: str = "field"
    hours: float = 0

    def row(self, batch_no: int) -> dict[str, object]:
        at = DAY0 + timedelta(days=self.day, hours=self.hours)
        tube_id = _id(self.tube, at.date())
        return {
            "specimen_id": _id(tube_id, self.person), "person_id": _id(self.person), "tube_id": tube_id, "tube_code": self.tube,
            "tube_label": self.tube, "collected_on": at.date(), "collected_at": at, "declared_size": self.size, "specimen_code": self.own,
            "replaces_code": self.replaces, "mode": self.mode if self.own is None else "lab", "site_code": "S1", "team": self.team,
            "is_reachable": True, "row_print": _id(self), "receipt_no": self.file, "row_no": 1, "batch_no": batch_no,
        }  # fmt: skip


@dataclass(frozen=True)
class Result:
    """One accepted result row. hours: of the test after DAY0; told: hours of the lab's own result time, else the test's."""

    code: str
    call: str | None
    status: str = "F"
    hours: float = 24
    told: float | None = None
    reason: str = ""
    ct: str = ""
    collected: int | None = None
    lab: str = "LAB1"

    def row(self, batch_no: int) -> dict[str, object]:
        tested = DAY0 + timedelta(hours=self.hours)
        return {
            "result_id": _id(self), "tube_code": self.code, "tube_label": self.code,
            "collected_on": None if self.collected is None else (DAY0 + timedelta(days=self.collected)).date(),
            "tested_at": tested, "resulted_at": tested if self.told is None else DAY0 + timedelta(hours=self.told), "status": self.status,
            "call": self.call, "reject_reason": self.reason, "ct": self.ct, "plate_code": "", "content": _id(self.call, self.reason, self.ct),
            "lab": self.lab, "receipt_no": 9, "row_no": 1, "batch_no": batch_no,
        }  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """One rejected manifest row whose tube is known."""

    tube: str
    day: int = 0
    team: str = "TEAM1"
    file: int = 1
    row_no: int = 2

    def row(self, batch_no: int) -> dict[str, object]:
        day = (DAY0 + timedelta(days=self.day)).date()
        return {"tube_id": _id(self.tube, day), "team": self.team, "receipt_no": self.file, "row_no": self.row_no, "batch_no": batch_no}


Fact = Member | Result | Slot
TABLES = {Member: "membership", Result: "lab_result", Slot: "slot"}


@dataclass
class Store:
    """A warehouse and the number of its next batch."""

    warehouse: Warehouse
    batch_no: int = 0
    people: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    signed: list[Signed] = field(default_factory=list)

    def add(self, facts: Iterable[Fact], as_of: datetime = DAY0) -> None:
        """Store facts as one intake batch. A fact given twice is stored once, as intake does."""
        self.batch_no += 1
        facts = list(dict.fromkeys(facts))
        for kind, table in TABLES.items():
            mine = [fact for fact in facts if isinstance(fact, kind)]
            rows = [fact.row(self.batch_no) for fact in mine]
            if kind is Member:
                self.people |= {row["specimen_id"]: (one.person, one.tube, one.day) for one, row in zip(mine, rows, strict=True)}
            if rows:
                with self.warehouse.given(given_rows=pa.Table.from_pylist(rows, schema=_schema(table, self.warehouse))):
                    self.warehouse.connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM given_rows")
        self.warehouse.run("intake/batch_done", batch_no=self.batch_no, kind="intake", as_of=as_of, vault_day=date(2026, 11, 2))

    def sign(self, hold: str, choice: str) -> None:
        """What enough people say to the open hold 'reason subject [collection day]', as it stands; the next `decide` carries it out."""
        reason, subject, *day = hold.split()
        asked = """SELECT CAST(hold_id AS VARCHAR), facts FROM hold
                   WHERE closed_at IS NULL AND reason = ? AND subject = ?
                     AND tube_id IN (SELECT tube_id FROM membership WHERE collected_on = coalesce(CAST(? AS DATE), collected_on))"""
        ((hold_id, facts),) = self.warehouse.connection.execute(asked, [reason, subject, *(day or [None])]).fetchall()
        self.signed.append(Signed(hold_id, Choice(choice), facts))

    def decide(self, hours: float, *, full: bool = False) -> int:
        """Decide as of `hours` after DAY0. full: everything anew. Returns the tubes decided."""
        as_of = DAY0 + timedelta(hours=hours)
        since = -1 if full else waiting(self.warehouse, as_of).since
        self.batch_no += 1
        signed, self.signed = self.signed, []
        return decide_batch(
            self.warehouse, PROGRAMME, batch_no=self.batch_no, as_of=as_of, vault_day=as_of.date(), since=since, signed=signed
        )

    def outcomes(self) -> dict[str, str]:
        """'person@tube' (with '+day' after day 0) → 'outcome reason'."""
        rows = self.warehouse.connection.execute("SELECT CAST(specimen_id AS VARCHAR), outcome, reason FROM outcome").fetchall()
        return {self._name(specimen): f"{outcome} {reason}" for specimen, outcome, reason in rows}

    def _name(self, specimen: str) -> str:
        person, tube, day = self.people[specimen]
        return f"{person}@{tube}" + (f"+{day}" if day else "")

    def holds(self) -> set[str]:
        """'reason subject' of open holds."""
        return {
            f"{r} {s}" for r, s in self.warehouse.connection.execute("SELECT reason, subject FROM hold WHERE closed_at IS NULL").fetchall()
        }

    def lists(self) -> dict[str, str]:
        """'list person' → state; a repeat item is named by its list alone."""
        rows = self.warehouse.connection.execute("SELECT list, CAST(subject_id AS VARCHAR), state FROM list_item").fetchall()
        return {f"{name} {self.people[subject][0]}" if subject in self.people else name: state for name, subject, state in rows}

    def on_list(self, name: str) -> set[str]:
        """Whose items, named as in `outcomes`, are not taken back. A person has one for each test that wants one."""
        asked = "SELECT CAST(subject_id AS VARCHAR) FROM list_item WHERE list = ? AND state <> 'cancelled'"
        return {self._name(subject) for (subject,) in self.warehouse.connection.execute(asked, [name]).fetchall()}

    def messages(self) -> dict[str, str]:
        """person → purpose, of the last decide batch."""
        rows = self.warehouse.connection.execute(
            "SELECT CAST(specimen_id AS VARCHAR), purpose FROM publish WHERE purpose IS NOT NULL"
        ).fetchall()
        return {self.people[specimen][0]: purpose for specimen, purpose in rows}

    def state(self) -> str:
        return str(self.warehouse.value("state/hash"))


@contextmanager
def store() -> Iterator[Store]:
    with open_warehouse(Path(":memory:"), memory_limit="1GB", spill=None) as warehouse:
        yield Store(warehouse)


def _schema(table: str, warehouse: Warehouse) -> pa.Schema:
    kinds = {"UUID": pa.string(), "VARCHAR": pa.string(), "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us"), "BOOLEAN": pa.bool_(),
             "SMALLINT": pa.int16(), "INTEGER": pa.int32(), "BIGINT": pa.int64()}  # fmt: skip
    columns = warehouse.connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {table})").fetchall()
    return pa.schema([(name, kinds[kind]) for name, kind in columns])
