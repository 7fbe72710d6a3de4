"""What a backup's folder holds, and its table of contents, `backup.json`: every file with its size and hash, sealed with the master key.

Archive, vault and warehouse lie there as they are. What names people in clear in the home folder is sealed as the archive's files are.
The keys of the days are not in it: so what is erased later is erased in it too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pipeline.durable import make_folder, sync_folder, write_file
from pipeline.errors import ActionNeeded, KeyMissing
from pipeline.vault.keys import Keys

# 2: without day keys.
FORMAT: Final = 2
CONTENTS: Final = "backup.json"
LEDGER: Final = "ledger.dump"
# With the log that a killed writer leaves.
WAREHOUSE: Final = ("warehouse.duckdb", "warehouse.duckdb.wal")
# Received files that are not in the archive yet, and rejected rows: under their hashes and by day keys, with a list of where they belong.
SEALED: Final = "sealed"
AS_THEY_ARE: Final = ("archive", "facts", "vault", "formats", "data_docs")
WAITS: Final = ("inbox", "claimed")
TO_SEAL: Final = (*WAITS, "returns")
THREADS: Final = 8
_CHUNK: Final = 1 << 20
_KEY_WORD: Final = b"unpool backup"
_SHOWN: Final = 3

# Called with what is done, and how many of how many.
Progress = Callable[[str, int, int], None]


class BackupDamaged(ActionNeeded):
    """A backup is not what it was when it was made: take another copy of it."""


@dataclass(frozen=True)
class File:
    size: int
    sha256: str


@dataclass(frozen=True)
class Contents:
    """`last_batch` and `state_hash` are the warehouse's, `messages` (by state) and `receipts` the ledger's. `sealed`: the hash of the list
    of sealed files. `keys`: names of the day keys that open it. `files`: by path from the backup's folder."""

    made_at: datetime
    last_batch: int
    state_hash: str
    messages: Mapping[str, int]
    receipts: int
    sealed: str
    keys: list[str]
    files: Mapping[str, File]


def write_contents(folder: Path, contents: Contents, keys: Keys) -> None:
    key = keys.derive("backup")
    files = {path: vars(file) for path, file in sorted(contents.files.items())}
    told = vars(contents) | {"made_at": contents.made_at.isoformat(), "files": files, "format": FORMAT, "key_check": _mac(key, _KEY_WORD)}
    text = json.dumps(told | {"seal": _seal(key, told)}, indent=1, sort_keys=True)
    write_file(folder / CONTENTS, text.encode())


def read_contents(folder: Path, keys: Keys) -> Contents:
    """The contents of the backup in `folder`. Raises ActionNeeded where there is none, KeyMissing, BackupDamaged."""
    try:
        text = (folder / CONTENTS).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise ActionNeeded(f"There is no backup in {folder}: it holds no {CONTENTS}.") from None
    damaged = BackupDamaged(f"{CONTENTS} is damaged: take another copy of this backup.")
    try:
        told: dict[str, Any] = json.loads(text)
        seal, check, number = told.pop("seal"), told["key_check"], told["format"]
    except (ValueError, KeyError, AttributeError, TypeError):
        raise damaged from None
    key = keys.derive("backup")
    if check != _mac(key, _KEY_WORD):
        raise KeyMissing("The master key is not this backup's. Give that of the installation that made it: nothing was restored.")
    if seal != _seal(key, told):
        raise damaged
    if number != FORMAT:
        raise ActionNeeded(f"This backup has the format {number}, and this version of unpool reads {FORMAT} only.")
    files = {path: File(**file) for path, file in told["files"].items()}
    given = {name: told[name] for name in ("last_batch", "state_hash", "messages", "receipts", "sealed", "keys")}
    return Contents(made_at=datetime.fromisoformat(told["made_at"]), files=files, **given)


def check_files(folder: Path, contents: Contents, progress: Progress) -> None:
    """Hash every file. Raises BackupDamaged, naming the first that are missing, altered or too many."""

    def is_whole(path: str) -> bool:
        try:
            return measure(folder / path) == contents.files[path]
        except OSError:
            return False

    wrong = []
    with ThreadPoolExecutor(THREADS, thread_name_prefix="check") as pool:
        for done, (path, whole) in enumerate(zip(contents.files, pool.map(is_whole, contents.files), strict=True), 1):
            progress("Checking the backup", done, len(contents.files))
            wrong += [] if whole else [path]
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    wrong += sorted(found - contents.files.keys() - {CONTENTS})
    if wrong:
        shown = ", ".join(wrong[:_SHOWN]) + (f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else "")
        raise BackupDamaged(f"This backup is damaged ({shown}): take another copy of it. Nothing was restored.")


def copy_files(source: Path, target: Path, paths: Iterable[str], progress: Callable[[int], None]) -> dict[str, File]:
    """Copy files, given by their paths from `source`, each whole or not at all and synced; returns them by those paths."""
    copied: dict[str, File] = {}
    with ThreadPoolExecutor(THREADS, thread_name_prefix="copy") as pool:
        wanted = list(paths)
        for folder in sorted({(target / path).parent for path in wanted}):
            make_folder(folder)
        for path, file in zip(wanted, pool.map(lambda path: _copy(source / path, target / path), wanted), strict=True):
            copied[path] = file
            progress(len(copied))
    for folder in sorted({(target / path).parent for path in copied}):
        sync_folder(folder)
    return copied


def names(root: Path, folder: str) -> list[str]:
    """Paths from `root` of all files in its `folder`, in order; a dot-name is what a killed writer left half written."""
    found = (path.relative_to(root) for path in (root / folder).rglob("[!.]*") if path.is_file() and not path.is_symlink())
    return sorted(path.as_posix() for path in found)


def measure(path: Path) -> File:
    """Size and hash of a file as it stands."""
    with path.open("rb") as file:
        return File(os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest())


def sync_file(path: Path) -> None:
    """Have what another program wrote on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _copy(source: Path, target: Path) -> File:
    digest, size = hashlib.sha256(), 0
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    try:
        with source.open("rb") as incoming, temporary.open("xb") as file:
            os.fchmod(file.fileno(), os.fstat(incoming.fileno()).st_mode & 0o600)
            while chunk := incoming.read(_CHUNK):
                digest.update(chunk)
                size += file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    temporary.replace(target)
    return File(size, digest.hexdigest())


def _seal(key: bytes, told: Mapping[str, Any]) -> str:
    return _mac(key, json.dumps(told, sort_keys=True).encode())


def _mac(key: bytes, data: bytes) -> str:
    return hmac.new(key, data, hashlib.sha256).hexdigest()
