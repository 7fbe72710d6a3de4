"""One intake batch: its files read, checked, judged and stored, in one transaction of the warehouse behind the batch's number.

Two tries at the same batch do the same: the files are the receipts that the ledger put into it, the clock is the batch's. The vault
is written before the warehouse commits (what is in the vault alone is known to nobody), the ledger after it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

import pyarrow as pa

from pipeline.domain.words import FileKind, HoldReason, Verdict
from pipeline.errors import FileRefused, KeyMissing
from pipeline.intake.readers import COUNTS_DIFFER, Reading, read_many
from pipeline.ledger import holds, journal, receipts
from pipeline.ledger.decisions import last_release
from pipeline.ledger.journal import Batch
from pipeline.ledger.receipts import Receipt
from pipeline.quality.checks import run_checks
from pipeline.quality.judge import LAB_SHIFTS, Judgement, judge_files, judge_rows
from pipeline.stages.breakers import shifted_labs
from pipeline.stages.house import House
from pipeline.stages.returns import Rejected, return_rejects
from pipeline.vault.identity import write_batch
from pipeline.warehouse.connect import Warehouse

# Rows of each kind and batch that the second judge sees.
SAMPLE_ROWS = 2_000
ERASED = "erased"
TEMPORARY = ("problem", "typed", "fate")
_HOLDS = uuid.UUID("5d6fd2f5-9d3b-4f6e-8a3c-0f6b7f2f6f10")


@dataclass(frozen=True)
class Settled:
    """One file of the batch as the warehouse settled it: the columns of the table `file`."""

    receipt_no: int
    kind: str | None
    profile: str | None
    sender: str
    verdict: str
    reason: str
    rows_received: int
    rows_accepted: int
    rows_duplicate: int
    rows_rejected: int
    rows_held: int
    rows_warned: int


@dataclass(frozen=True)
class Opened:
    """A batch's files in memory: those that could be read, with their rows, and why the others could not."""

    receipts: Mapping[int, Receipt]
    readings: Mapping[int, Reading]
    refusals: Mapping[int, FileRefused]

    def of(self, kind: FileKind) -> dict[int, Reading]:
        return {number: reading for number, reading in self.readings.items() if reading.kind is kind}


def run_intake_batch(house: House, batch: Batch) -> list[Settled]:
    """Do the batch, or what a crash left of it; returns its files as settled."""
    with house.ledger.begin() as conn:
        files = receipts.of_batch(conn, batch.batch_no)
    with house.warehouse(spill=False) as warehouse:
        if batch.batch_no not in warehouse.batches():
            opened = open_files(house, files)
            with warehouse.transaction():
                rejected = store_facts(house, warehouse, batch, opened)
                # Before the commit: what is done has returned its rejects.
                return_rejects(house, opened.receipts, opened.readings, rejected)
        settled = [Settled(**row) for row in warehouse.dicts("intake/files_of_batch", batch_no=batch.batch_no)]
    with house.ledger.begin() as conn:
        receipts.settle(conn, batch.batch_no, [vars(one) for one in settled], batch.as_of)
        held = [one for one in settled if one.verdict == Verdict.HELD]
        holds.upsert_many(conn, [_file_hold(one) for one in held if one.reason not in LAB_SHIFTS], batch.as_of)
        shifted_labs(conn, {one.sender: one.reason for one in held if one.reason in LAB_SHIFTS}, batch.as_of)
        journal.finish(conn, batch.batch_no, batch.as_of)
    return settled


def open_files(house: House, files: Sequence[Receipt]) -> Opened:
    """Read the batch's files out of the archive."""
    data = {receipt.receipt_no: _bytes(house, receipt) for receipt in files}
    items = [(found, one.file_name, one.kind_hint) for one in files if (found := data[one.receipt_no]) is not None]
    readings = iter(read_many(items, house.formats))
    erased = FileRefused(ERASED, "Its day or a person in it was erased after the backup that this installation was restored from.")
    answers = {number: erased if found is None else next(readings) for number, found in data.items()}
    for receipt in files:
        if not receipt.sender:
            answers[receipt.receipt_no] = FileRefused("no_sender", f"{receipt.file_name} lies outside a sender's folder of the inbox.")
    return Opened(
        {receipt.receipt_no: receipt for receipt in files},
        {number: answer for number, answer in answers.items() if isinstance(answer, Reading)},
        {number: answer for number, answer in answers.items() if isinstance(answer, FileRefused)},
    )


def _bytes(house: House, receipt: Receipt) -> bytes | None:
    """None for what was erased before anybody decided it: only an older backup brings that about."""
    try:
        return house.archive.get(receipt.sha256)
    except KeyMissing:
        if receipt.verdict is Verdict.WAITING or receipt.reason == ERASED:
            return None
        raise


def store_facts(
    house: House, warehouse: Warehouse, batch: Batch, opened: Opened, recorded: Mapping[int, Judgement] | None = None
) -> list[Rejected]:
    """Check, judge and store, in the caller's transaction. Returns the rejected rows with their rules.

    recorded: the verdicts of the first time, when a rebuild replays the batch: then nothing is judged again and the vault is left alone.
    """
    as_of = house.local(batch.as_of)
    rejected: list[Rejected] = []
    with warehouse.given(batch_receipt=_table([(number,) for number in opened.receipts], receipt_no=pa.int64())):
        warehouse.run("intake/file_again")
    for kind in FileKind:
        if readings := opened.of(kind):
            rejected += _store_kind(house, warehouse, batch, kind, readings, opened.receipts, recorded)
    unread = [
        (number, opened.receipts[number].sender, one.verdict.value, one.reason)
        for number, refusal in opened.refusals.items()
        for one in (_unread(refusal, recorded[number] if recorded else None),)
    ]
    columns = dict.fromkeys(("sender", "verdict", "reason"), pa.string())
    with warehouse.given(unread=_table(unread, receipt_no=pa.int64(), **columns)):
        warehouse.run("intake/file_unread", batch_no=batch.batch_no)
    warehouse.run("intake/batch_done", batch_no=batch.batch_no, kind="intake", as_of=as_of, vault_day=as_of.date())
    return rejected


def _unread(refusal: FileRefused, recorded: Judgement | None) -> Judgement:
    """A file whose two counts differ is held: what is wrong may be a reader of ours. Let go, it is read again; refused, it stays so."""
    if recorded is not None and recorded.verdict is Verdict.REFUSED:
        return recorded
    return Judgement(Verdict.HELD if refusal.code in COUNTS_DIFFER else Verdict.REFUSED, refusal.code)


def _store_kind(
    house: House,
    warehouse: Warehouse,
    batch: Batch,
    kind: FileKind,
    readings: Mapping[int, Reading],
    files: Mapping[int, Receipt],
    recorded: Mapping[int, Judgement] | None,
) -> list[Rejected]:
    """All files of one kind: a handful of statements, however many files there are."""
    word = "manifest" if kind is FileKind.MANIFEST else "result"
    as_of = house.local(batch.as_of)
    reading = [(number, kind.value, one.profile_name, files[number].sender, one.rows) for number, one in readings.items()]
    columns = {"receipt_no": pa.int64(), "kind": pa.string(), "profile": pa.string(), "sender": pa.string(), "rows": pa.int64()}
    summary = _table(reading, **columns)
    with warehouse.given(incoming=_incoming(readings), reading=summary, received=summary.select(["receipt_no", "sender"])):
        run_checks(warehouse.connection, kind, check_parameters(house, as_of))
        typing = {"salt": house.keys.derive("pseudonym"), "default_mode": house.programme.default_mode.value} if word == "manifest" else {}
        if word == "manifest":
            typing["mobile_pattern"] = house.programme.phones.mobile_pattern
        warehouse.run(f"intake/{word}_typed", **typing)
        verdicts = _judge(house, warehouse, kind, as_of, files) if recorded is None else {number: recorded[number] for number in readings}
        rows = [(number, verdict.verdict.value, verdict.reason) for number, verdict in verdicts.items()]
        with warehouse.given(verdict=_table(rows, receipt_no=pa.int64(), verdict=pa.string(), reason=pa.string())):
            warehouse.run(f"intake/{word}_fate")
            if kind is FileKind.MANIFEST:
                if recorded is None:
                    write_batch(house.keys, batch.batch_no, as_of.date(), warehouse.arrow("intake/manifest_identity"))
                warehouse.run("intake/manifest_slot", batch_no=batch.batch_no)
            warehouse.run(f"intake/{word}_accept", batch_no=batch.batch_no)
            warehouse.run("intake/file_counts", batch_no=batch.batch_no)
            rejected = [Rejected(*row) for row in warehouse.rows("intake/rejects_of_batch")]
    warehouse.forget(TEMPORARY)
    return rejected


def _judge(house: House, warehouse: Warehouse, kind: FileKind, as_of: datetime, files: Mapping[int, Receipt]) -> dict[int, Judgement]:
    """Great Expectations' verdict on each file; and on our own rules, by a sample of what they let through: a finding holds the batch.

    A file that people let through is not held a second time for what is in it; if it disagrees with our rules, it is.
    """
    verdicts = judge_files(_profiles(house, warehouse, kind, as_of).to_pandas(), kind, house.home.data_docs)
    for number, one in verdicts.items():
        if one.verdict is Verdict.HELD and files[number].released_at is not None:
            verdicts[number] = Judgement(Verdict.ACCEPTED, "")
    sample = warehouse.arrow("intake/sample", rows=SAMPLE_ROWS).to_pandas()
    if len(sample) and judge_rows(sample, kind, house.home.data_docs, check_parameters(house, as_of)):
        held = Judgement(Verdict.HELD, HoldReason.SAMPLE_DISAGREES.value)
        return {number: held if verdict.verdict is Verdict.ACCEPTED else verdict for number, verdict in verdicts.items()}
    return verdicts


def _profiles(house: House, warehouse: Warehouse, kind: FileKind, as_of: datetime) -> pa.Table:
    """What the files of one kind are judged by, a row each."""
    match kind:
        case FileKind.MANIFEST:
            return warehouse.arrow("intake/manifest_profile", as_of=as_of)
        case FileKind.RESULTS:
            with house.ledger.begin() as conn:
                released = sorted(last_release(conn, HoldReason.LAB_SHIFTED).items())
            oldest = as_of - timedelta(days=house.programme.clocks.max_result_age_days)
            with warehouse.given(baseline=_table(released, lab=pa.string(), since=pa.int64())):
                return warehouse.arrow("intake/result_profile", as_of=as_of, oldest=oldest)
        case _:
            assert_never(kind)


def check_parameters(house: House, as_of: datetime) -> dict[str, object]:
    """What the rules of sql/checks may ask for."""
    programme = house.programme
    return {
        "as_of": as_of,
        "required": list(programme.required_identity),
        "max_pool_size": programme.max_pool_size,
        "modes": sorted(mode.value for mode in programme.modes),
        "default_mode": programme.default_mode.value,
        "own_prefix": programme.own_tube_prefix,
        "max_cycles": programme.max_cycles,
        "max_collected_age_days": programme.clocks.max_collected_age_days,
        "mobile_pattern": programme.phones.mobile_pattern,
    }


def _incoming(readings: Mapping[int, Reading]) -> pa.Table:
    """All files' rows as one table, the file as a column."""
    tables = [
        one.table.append_column("receipt_no", pa.repeat(pa.scalar(number, pa.int64()), one.table.num_rows))
        for number, one in readings.items()
    ]
    return pa.concat_tables(tables)


def _table(rows: Sequence[tuple[object, ...]], /, **columns: pa.DataType) -> pa.Table:
    return pa.table({name: pa.array([row[place] for row in rows], kind) for place, (name, kind) in enumerate(columns.items())})


def _file_hold(one: Settled) -> dict[str, object]:
    return {
        "hold_id": str(uuid.uuid5(_HOLDS, f"file|{one.receipt_no}")),
        "reason": HoldReason.SAMPLE_DISAGREES if one.reason == HoldReason.SAMPLE_DISAGREES else HoldReason.FILE_HELD,
        "subject": f"receipt {one.receipt_no}",
        "owner": one.sender,
        "detail": {"rows": one.rows_held, "judgement": one.reason},
    }
