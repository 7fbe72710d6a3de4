"""Returns: the rejected rows of a file go back to its sender, with their reasons, ready to be mended and dropped again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipeline.home import Home
from pipeline.intake.readers import Reading, raw_rows
from pipeline.ledger.receipts import Receipt
from pipeline.quality.rejects import write_rejects
from pipeline.stages.house import House

THREADS = 8


@dataclass(frozen=True)
class Rejected:
    """One rule that one row breaks. row_no: as a spreadsheet shows it."""

    receipt_no: int
    row_no: int
    rule: str
    column: str


def rejects_path(home: Home, receipt: Receipt) -> Path:
    """Where a file's rejected rows lie: the sender's folder, named by the receipt and the file."""
    return home.returns / (receipt.sender or "unnamed") / f"{receipt.receipt_no}-{Path(receipt.file_name).stem}.rejects.csv"


def return_rejects(house: House, files: Mapping[int, Receipt], readings: Mapping[int, Reading], rejected: Sequence[Rejected]) -> None:
    """Write one rejects file for each file that has rejected rows. Written again, it is the same file."""
    by_file: dict[int, dict[int, list[Rejected]]] = defaultdict(lambda: defaultdict(list))
    for one in rejected:
        by_file[one.receipt_no][one.row_no].append(one)
    # Side by side: most of the time goes by waiting for the disk.
    with ThreadPoolExecutor(THREADS, thread_name_prefix="returns") as pool:
        written = [pool.submit(_return, house, files[number], readings[number], by_row) for number, by_row in by_file.items()]
    for future in written:
        future.result()


def _return(house: House, receipt: Receipt, reading: Reading, by_row: Mapping[int, Sequence[Rejected]]) -> None:
    by_sent: dict[int, list[Rejected]] = defaultdict(list)
    for row_no, found in sorted(by_row.items()):
        by_sent[reading.sender_row(row_no)] += found
    headings, cells = raw_rows(house.archive.get(receipt.sha256), house.profile(reading.profile_name), sorted(by_sent))
    rows = [(row_no, [one.rule for one in found], [one.column for one in found], cells[row_no]) for row_no, found in by_sent.items()]
    path = rejects_path(house.home, receipt)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_rejects(path, headings, rows)
