"""The facts of a batch, kept beside the archive before its files are erased: pseudonyms only. A rebuild then replays these.

`facts/<batch_no>/<table>.parquet`; the folder is there when it is whole.
"""

from __future__ import annotations

import shutil
from typing import Final
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.durable import make_folder, sync_folder, write_file
from pipeline.errors import Broken
from pipeline.home import Home
from pipeline.stages.house import House
from pipeline.warehouse.connect import Warehouse

# What an intake batch adds to the warehouse.
TABLES: Final = ("membership", "lab_result", "slot", "file")


def kept(home: Home) -> frozenset[int]:
    """Numbers of the batches whose facts are kept: their files may be gone."""
    return frozenset(int(folder.name) for folder in home.facts.glob("[0-9]*"))


def keep_facts(home: Home, warehouse: Warehouse, batch_no: int) -> None:
    """Keep what the batch added. Twice is once."""
    folder = home.facts / str(batch_no)
    if folder.exists():
        return
    unfinished = home.facts / f".{batch_no}.{uuid4().hex}.tmp"
    make_folder(unfinished)
    try:
        for table in TABLES:
            sink = pa.BufferOutputStream()
            pq.write_table(warehouse.arrow(f"facts/{table}", batch_no=batch_no), sink, compression="zstd")
            write_file(unfinished / f"{table}.parquet", sink.getvalue())
        unfinished.rename(folder)
        sync_folder(home.facts)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def replay_facts(house: House, warehouse: Warehouse, batch_no: int) -> None:
    """Put the kept facts of a batch into the warehouse, in the caller's transaction. Raises Broken where they do not open."""
    for table in TABLES:
        try:
            found = pq.read_table(house.home.facts / str(batch_no) / f"{table}.parquet", partitioning=None)
        except (OSError, pa.ArrowException) as error:
            raise Broken(f"The kept facts of batch {batch_no} do not open: bring facts/{batch_no} back from a backup.") from error
        if table == "file":
            # Here once: a file that people let through belongs to the later batch (intake_batch.store_facts).
            with warehouse.given(batch_receipt=found.select(["receipt_no"])):
                warehouse.run("intake/file_again")
        with warehouse.given(**{f"kept_{table}": found}):
            warehouse.run(f"facts/{table}_again")
