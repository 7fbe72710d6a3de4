"""What is looked up in a batch of the vault without opening it: people by number (finder.py), birth dates by specimen (births.py).

Made from the vault after a batch, not by intake, and made again when the batch is rewritten, as when a person is erased.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.durable import write_file
from pipeline.errors import KeyMissing
from pipeline.vault import births, finder
from pipeline.vault.finder import Prints
from pipeline.vault.identity import VaultRef, births_path, finder_path, read_batch, refs
from pipeline.vault.keys import Keys

COLUMNS = ("specimen_id", "birth_date", "phone", "citizen_id")


def lacking(keys: Keys) -> list[VaultRef]:
    """Batches without an index, oldest first."""
    return [ref for ref in refs(keys.home) if not (finder_path(keys.home, ref).exists() and births_path(keys.home, ref).exists())]


def make_indexes(keys: Keys, ref: VaultRef, of: Prints, while_nobody_writes: Callable[[Callable[[], None]], None]) -> None:
    """Index a batch; an erased day has none. `while_nobody_writes` is handed the writing."""
    try:
        before = _stamp(keys, ref)
        table = read_batch(keys, ref.day, ref.batch_no, COLUMNS)
        key = keys.find(ref.day.isoformat())
    except (KeyMissing, FileNotFoundError):
        return
    born = births.index_of(key, zip(table["specimen_id"].to_pylist(), table["birth_date"].to_pylist(), strict=True))
    found = finder.index_of(key, ref, table, of)

    def write() -> None:
        if _stamp(keys, ref) == before:
            write_file(births_path(keys.home, ref), born)
            write_file(finder_path(keys.home, ref), found)

    while_nobody_writes(write)


def _stamp(keys: Keys, ref: VaultRef) -> tuple[int, int]:
    """Of the batch's file: a rewritten one is another file."""
    found = (keys.home.vault / ref.day.isoformat() / f"{ref.batch_no}.parquet").stat()
    return found.st_ino, found.st_mtime_ns
