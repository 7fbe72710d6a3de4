"""Writing a file so that it is either there, whole and on the disk, or not there at all."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import DiskFails

# What the system calls a full disk and a failing one; DuckDB has these words for us, and no number.
_FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT))
_FAILING = (*(os.strerror(number) for number in (errno.EIO, errno.EROFS)), "fsync failed")


def disk_failure(words: str) -> DiskFails | None:
    """What an error's own words say about the disk, as a sentence for people; None where they say nothing of it."""
    if any(known in words for known in _FULL):
        return DiskFails("The disk is full. Free some space and run this again: nothing that was received is lost.")
    if any(known in words for known in _FAILING):
        return DiskFails("The disk fails. See that it works and run this again: nothing that was received is lost.")
    return None


@contextmanager
def disk_failures() -> Iterator[None]:
    """Raise DiskFails for an OSError that the disk is the reason of."""
    try:
        yield
    except OSError as error:
        raise disk_failure(error.strerror or "") or error from None


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents, for this user alone, and make their names durable."""
    missing = [path for path in (folder, *folder.parents) if not path.is_dir()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """A rename survives a power cut only when the folder itself has been synced."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_temporary(path: Path, data: bytes, mode: int = 0o600) -> Path:
    """Write `data` beside `path` under a dot-name and sync it. The caller renames it: the dot keeps every scan away until then."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def write_file(path: Path, data: bytes) -> None:
    """Write `data` to `path`, mode 0600, replacing what was there in one step. The folder must exist."""
    write_temporary(path, data).replace(path)
    sync_folder(path.parent)
