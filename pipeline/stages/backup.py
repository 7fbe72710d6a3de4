"""Backup: one folder from which the whole installation can be restored, taken while everything runs. No key is in it, neither the
master's nor a day's: those of the days lie in their folder and its mirror, so that what is erased there is erased in every backup.

Archive files never change: most are copied beforehand. The rest needs the writer's lock, so that no batch is half done; the ledger
comes last, since sending goes on meanwhile, and what it says of files and batches then is in the copy already.
"""

from __future__ import annotations

import fcntl
import glob
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from uuid import uuid4

from pipeline.durable import sync_folder
from pipeline.errors import ActionNeeded, WarehouseBehind
from pipeline.home import Home
from pipeline.intake import inbox
from pipeline.intake.archive import Archive
from pipeline.ledger import receipts
from pipeline.ledger.dump import Counted, dump
from pipeline.log import event
from pipeline.stages.backup_folder import (
    AS_THEY_ARE,
    LEDGER,
    SEALED,
    WAREHOUSE,
    Contents,
    File,
    Progress,
    copy_files,
    measure,
    names,
    sync_file,
    write_contents,
)
from pipeline.stages.house import House
from pipeline.stages.returns import rejects_path
from pipeline.vault.keys import WAITING
from pipeline.warehouse.connect import open_warehouse

SEALED_AT_ONCE = 200


@dataclass(frozen=True)
class _Waiting:
    """A file that is to be sealed: its path from the home folder, its mode (read-only says that it is whole) and its bytes."""

    path: str
    mode: int
    data: bytes = field(repr=False)


def backup(house: House, folder: Path, now: datetime, progress: Progress) -> Contents:
    """Copy the installation into `folder`, which must not be there: it is when it is whole. Raises ActionNeeded, WarehouseBehind."""
    if house.keys.mirror is None:
        raise ActionNeeded(
            "A backup holds no day keys, and this home has the only ones: without them it opens for nobody. "
            "Set UNPOOL_KEYS_MIRROR to a folder on another disk that is not itself backed up."
        )
    if folder.exists():
        raise ActionNeeded(f"{folder} is there already: a backup goes into a folder of its own.")
    if not folder.parent.is_dir():
        raise ActionNeeded(f"{folder.parent} is not a folder: make it, or mount the disk that it lies on.")
    _remove_abandoned(folder)
    unfinished = folder.with_name(f".{folder.name}.{uuid4().hex}.unfinished")
    try:
        unfinished.mkdir(mode=0o700)
        with _held(unfinished):
            contents = _copy(house, unfinished, now, progress)
            write_contents(unfinished, contents, house.keys)
            unfinished.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise ActionNeeded(f"The backup could not be written: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    event("backup_made", files=len(contents.files), bytes=sum(file.size for file in contents.files.values()))
    return contents


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """A lock that ends with the process, however it ends. Raises BlockingIOError while another process has it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _remove_abandoned(folder: Path) -> None:
    """What a killed backup of this name left half done. One that is under way is let alone."""
    for abandoned in folder.parent.glob(f".{glob.escape(folder.name)}.{'[0-9a-f]' * 32}.unfinished"):
        with suppress(BlockingIOError), _held(abandoned):
            shutil.rmtree(abandoned)


def _copy(house: House, to: Path, now: datetime, progress: Progress) -> Contents:
    home = house.home
    files = _copy_folder(home, to, "archive", {}, progress)
    with house.writer():
        for name in AS_THEY_ARE:
            files |= _copy_folder(home, to, name, files, progress)
        warehouse = _there(home.root, WAREHOUSE)
        copy_files(home.root, to, warehouse, lambda done: progress("Copying the warehouse", done, len(warehouse)))
        house.keys.folder().agree()
        sealed = _seal(house, to, now, progress)
        keys = [str(name) for name in house.keys.folder().alive()]
        progress("Copying the ledger", 0, 1)
        ledger = dump(house.ledger.engine, to / LEDGER)
    sync_file(to / LEDGER)
    last_batch, state_hash = _look_into(house, to, ledger)
    # Measured now: the copy was opened, and what its log held is in the file since.
    files |= {path: measure(to / path) for path in (*_there(to, WAREHOUSE), LEDGER, *names(to, SEALED))}
    return Contents(now, last_batch, state_hash, ledger.messages, ledger.receipts, sealed, keys, files)


def _there(root: Path, paths: Sequence[str]) -> list[str]:
    return [path for path in paths if (root / path).is_file()]


def _copy_folder(home: Home, to: Path, name: str, there: dict[str, File], progress: Progress) -> dict[str, File]:
    paths = [path for path in names(home.root, name) if path not in there]
    return copy_files(home.root, to, paths, lambda done: progress(f"Copying {name}", done, len(paths)))


def _seal(house: House, to: Path, now: datetime, progress: Progress) -> str:
    """What was acknowledged and is not in the archive yet, and what went back to the senders. Returns the hash of the list of them.

    Rejected rows live as long as their file; what waits has a key of its own, since its file has no day yet.
    """
    home = house.home
    waiting = WAITING + house.local(now).date().isoformat()
    claimed = [home.root / path for path in names(home.root, "claimed")]
    series = dict.fromkeys([*inbox.complete(home.inbox, time.time()), *claimed], waiting)
    series |= _returned(house, waiting)
    archive = Archive(to / SEALED, house.keys.derive("archive"), house.keys)
    listed: list[tuple[str, int, str]] = []
    for some in _portions(series):
        found = [one for path in some if (one := _look(home, path)) is not None]
        hashes = archive.put_many((one.data for one in found), series[some[0]])
        listed += [(one.path, one.mode, sha256) for one, sha256 in zip(found, hashes, strict=True)]
        progress("Sealing what waits", len(listed), len(series))
    return archive.put(json.dumps(listed).encode())


def _returned(house: House, unknown: str) -> dict[Path, str]:
    """The rejected rows, by the day whose key seals their file; those that no receipt accounts for, by `unknown`."""
    found = [house.home.root / path for path in names(house.home.root, "returns")]
    if not found:
        return {}
    with house.ledger.begin() as conn:
        every = receipts.listing(conn)
    alive = set(house.keys.days())
    days = {rejects_path(house.home, one): house.archive.day_of(one.sha256) or house.local(one.received_at).date() for one in every}
    return {path: day.isoformat() if (day := days.get(path)) in alive and day else unknown for path in found}


def _portions(series: Mapping[Path, str]) -> Iterator[Sequence[Path]]:
    """Files of one series each, in order."""
    for _, paths in groupby(sorted(series, key=lambda path: (series[path], path)), key=series.__getitem__):
        some = list(paths)
        for start in range(0, len(some), SEALED_AT_ONCE):
            yield some[start : start + SEALED_AT_ONCE]


def _look(home: Home, path: Path) -> _Waiting | None:
    """None for what its owner took away meanwhile."""
    try:
        with path.open("rb") as file:
            return _Waiting(path.relative_to(home.root).as_posix(), os.fstat(file.fileno()).st_mode & 0o777, file.read())
    except FileNotFoundError:
        return None


def _look_into(house: House, to: Path, ledger: Counted) -> tuple[int, str]:
    """Last batch and state hash of the copied warehouse. Raises WarehouseBehind where it lacks what the ledger says was done."""
    with open_warehouse(to / WAREHOUSE[0], memory_limit=house.settings.memory_limit, spill=house.home.tmp) as warehouse:
        batches = warehouse.batches()
        if ledger.done - batches:
            raise WarehouseBehind("The warehouse lacks batches that the ledger says were done. Run `unpool rebuild`, then back up again.")
        return max(batches, default=0), str(warehouse.value("state/hash"))
