"""Receipts: one row a file that arrived, from claim to verdict. No file is forgotten and none is counted twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from pipeline.domain.words import FileKind, Verdict
from pipeline.errors import Broken, CountsDoNotBalance
from pipeline.ledger.columns import insert_into
from pipeline.ledger.tables import ROW_COUNTS, receipt

SETTLED = ("receipt_no", "kind", "profile", "verdict", "reason", *ROW_COUNTS)


@dataclass(frozen=True)
class Receipt:
    """A file as it arrived, and what became of it. `kind`, `profile` and `reason` may stay empty; row counts are 0 until settled."""

    receipt_no: int
    claim_id: str
    file_name: str
    sender: str
    kind_hint: FileKind | None
    sha256: str
    size_bytes: int
    received_at: datetime
    batch_no: int | None
    kind: FileKind | None
    profile: str | None
    verdict: Verdict
    reason: str | None
    rows_received: int
    rows_accepted: int
    rows_duplicate: int
    rows_rejected: int
    rows_held: int
    rows_warned: int
    settled_at: datetime | None
    released_at: datetime | None


@dataclass(frozen=True)
class Arrival:
    """A claimed file whose bytes are in the archive."""

    claim_id: str
    file_name: str
    sender: str
    kind_hint: FileKind | None
    sha256: str
    size_bytes: int


def record(conn: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
    """Give each file its receipt, numbered in this order. The same claim again changes nothing."""
    if arrivals:
        rows = [vars(one) | {"received_at": now} for one in arrivals]
        conn.execute(insert_into(conn, receipt).on_conflict_do_nothing(index_elements=["claim_id"]), rows)


def number_of(conn: Connection, claim_id: str) -> int:
    """The receipt number of a claimed file. Raises sqlalchemy's NoResultFound where it has none."""
    return int(conn.execute(select(receipt.c.receipt_no).where(receipt.c.claim_id == claim_id)).scalar_one())


def waiting(conn: Connection, files: int, size_bytes: int) -> list[Receipt]:
    """Files in no batch yet, oldest first: at most `files`, together at most `size_bytes`, but one in any case."""
    statement = select(receipt).where(receipt.c.batch_no.is_(None)).order_by(receipt.c.receipt_no).limit(files)
    taken: list[Receipt] = []
    total = 0
    for found in _receipts(conn, statement):
        total += found.size_bytes
        if taken and total > size_bytes:
            break
        taken.append(found)
    return taken


def assign(conn: Connection, batch_no: int, receipt_nos: Sequence[int]) -> None:
    """Put waiting files into a batch. Raises Broken if one of them is in another batch already."""
    free = receipt.c.batch_no.is_(None) | (receipt.c.batch_no == batch_no)
    changed = conn.execute(update(receipt).where(receipt.c.receipt_no.in_(receipt_nos), free).values(batch_no=batch_no))
    if changed.rowcount != len(set(receipt_nos)):
        raise Broken(f"Some of the files for batch {batch_no} are unknown or in another batch.", batch_no=batch_no)


def settle(conn: Connection, batch_no: int, rows: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Write the verdicts of a batch's files. Rows have the keys `SETTLED`; the same batch settled again overwrites them.

    Raises CountsDoNotBalance, naming the receipt, unless received = accepted + duplicate + rejected + held; Broken if a receipt is
    not of this batch or a verdict is still `waiting`.
    """
    settled = [{f"b_{name}": row[name] for name in SETTLED} | {"b_settled_at": now} for row in rows]
    for row in settled:
        _check(row)
    if not settled:
        return
    statement = (
        update(receipt)
        .where(receipt.c.receipt_no == bindparam("b_receipt_no"), receipt.c.batch_no == batch_no)
        .values({name: bindparam(f"b_{name}") for name in (*SETTLED[1:], "settled_at")})
    )
    if conn.execute(statement, settled).rowcount != len(settled):
        raise Broken(f"A file was settled that is not in batch {batch_no}, or twice.", batch_no=batch_no)


def held(conn: Connection, sender: str, reasons: Collection[str]) -> list[int]:
    """Numbers of a sender's files that are held for one of `reasons`."""
    statement = select(receipt.c.receipt_no).where(
        receipt.c.verdict == Verdict.HELD, receipt.c.sender == sender, receipt.c.reason.in_(reasons)
    )
    return list(conn.execute(statement.order_by(receipt.c.receipt_no)).scalars())


def release(conn: Connection, receipt_nos: Sequence[int], now: datetime) -> int:
    """Let held files through: they wait for a batch once more. Returns how many; what is not held stays as it is."""
    nothing: dict[str, Any] = dict.fromkeys(ROW_COUNTS, 0) | dict.fromkeys(("batch_no", "kind", "profile", "reason", "settled_at"))
    statement = update(receipt).where(receipt.c.receipt_no.in_(receipt_nos), receipt.c.verdict == Verdict.HELD)
    return int(conn.execute(statement.values(nothing | {"verdict": Verdict.WAITING, "released_at": now})).rowcount)


def refuse(conn: Connection, receipt_nos: Sequence[int], reason: str) -> int:
    """Refuse held files, all their rows with them. Returns how many; what is not held stays as it is."""
    statement = update(receipt).where(receipt.c.receipt_no.in_(receipt_nos), receipt.c.verdict == Verdict.HELD)
    rows = {"rows_rejected": receipt.c.rows_rejected + receipt.c.rows_held, "rows_held": 0}
    return int(conn.execute(statement.values(rows | {"verdict": Verdict.REFUSED, "reason": reason})).rowcount)


def accepted_rows(conn: Connection, after: int, before: int) -> dict[FileKind, int]:
    """Rows accepted by the batches numbered between `after` and `before`, by kind of file."""
    statement = select(receipt.c.kind, func.sum(receipt.c.rows_accepted)).where(
        receipt.c.batch_no > after, receipt.c.batch_no < before, receipt.c.verdict == Verdict.ACCEPTED
    )
    return {kind: int(rows) for kind, rows in conn.execute(statement.group_by(receipt.c.kind))}


@dataclass(frozen=True)
class Rhythm:
    """How a sender of result files sent since some day: the last file, how many there were, and the longest pause between two."""

    sender: str
    last_receipt_no: int
    last_at: datetime
    files: int
    longest_pause: timedelta


def rhythms(conn: Connection, since: datetime) -> list[Rhythm]:
    """The rhythm of each sender whose result files were accepted since `since`, by sender."""
    columns = (receipt.c.sender, receipt.c.receipt_no, receipt.c.received_at)
    statement = select(*columns).where(
        receipt.c.kind == FileKind.RESULTS, receipt.c.verdict == Verdict.ACCEPTED, receipt.c.received_at >= since
    )
    found: dict[str, Rhythm] = {}
    for sender, number, at in conn.execute(statement.order_by(receipt.c.received_at, receipt.c.receipt_no)):
        before = found.get(sender, Rhythm(sender, number, at, 0, timedelta(0)))
        found[sender] = Rhythm(sender, number, at, before.files + 1, max(before.longest_pause, at - before.last_at))
    return [found[sender] for sender in sorted(found)]


def of_batch(conn: Connection, batch_no: int) -> list[Receipt]:
    """The files of a batch, by receipt number."""
    return _receipts(conn, select(receipt).where(receipt.c.batch_no == batch_no).order_by(receipt.c.receipt_no))


def listing(conn: Connection) -> list[Receipt]:
    """Every file that ever arrived, by receipt number."""
    return _receipts(conn, select(receipt).order_by(receipt.c.receipt_no))


def of_sender(conn: Connection, sender: str, limit: int) -> list[Receipt]:
    """A place's newest files, the newest first."""
    return _receipts(conn, select(receipt).where(receipt.c.sender == sender).order_by(receipt.c.receipt_no.desc()).limit(limit))


def of_content(conn: Connection, sender: str, sha256: str) -> Receipt | None:
    """The newest file with this content from this place."""
    statement = select(receipt).where(receipt.c.sender == sender, receipt.c.sha256 == sha256)
    found = _receipts(conn, statement.order_by(receipt.c.receipt_no.desc()).limit(1))
    return found[0] if found else None


def counts(conn: Connection) -> dict[str, dict[str, int]]:
    """`{"files": {received, waiting, accepted, held, refused}, "rows": {received, accepted, duplicate, rejected, held, warned}}`."""
    by_verdict: dict[Verdict, int] = dict(conn.execute(select(receipt.c.verdict, func.count()).group_by(receipt.c.verdict)).all())
    sums = conn.execute(select(*(func.coalesce(func.sum(receipt.c[name]), 0) for name in ROW_COUNTS))).one()
    files = {"received": sum(by_verdict.values())} | {verdict.value: by_verdict.get(verdict, 0) for verdict in Verdict}
    return {"files": files, "rows": {name.removeprefix("rows_"): int(total) for name, total in zip(ROW_COUNTS, sums, strict=True)}}


def _check(row: Mapping[str, Any]) -> None:
    number = row["b_receipt_no"]
    if Verdict(row["b_verdict"]) is Verdict.WAITING:
        raise Broken(f"Receipt {number} was settled without a verdict.", receipt_no=number)
    received, *parts = (row[f"b_{name}"] for name in ROW_COUNTS[:-1])
    if received != sum(parts):
        raise CountsDoNotBalance(f"Receipt {number}: {received} rows were received, but {sum(parts)} are accounted for.", receipt_no=number)


def _receipts(conn: Connection, statement: Any) -> list[Receipt]:
    return [Receipt(**row) for row in conn.execute(statement).mappings()]
