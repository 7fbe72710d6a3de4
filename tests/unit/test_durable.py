"""What the disk refuses is one sentence; what is not the disk's doing stays what it is."""

from __future__ import annotations

import errno
import os

import pytest

from pipeline.durable import disk_failure, disk_failures
from pipeline.errors import DiskFails


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "is full"), (errno.EDQUOT, "is full"), (errno.EIO, "fails"), (errno.EROFS, "fails")]
)
def test_C11_C12_a_disk_that_refuses_is_said_in_a_sentence(number: int, words: str) -> None:
    with pytest.raises(DiskFails, match=f"^The disk {words}\\.") as told, disk_failures():
        raise OSError(number, os.strerror(number), "/a/path/that/nobody/needs")
    assert "path" not in told.value.message


def test_another_error_stays_itself() -> None:
    with pytest.raises(FileNotFoundError), disk_failures():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "a.csv")


@pytest.mark.parametrize(
    ("said", "is_the_disk"),
    [
        ('IO Error: Could not write file "warehouse.duckdb.wal": No space left on device', True),
        ("FATAL Error: fsync failed!", True),
        ("Constraint Error: NOT NULL constraint failed", False),
    ],
)
def test_C11_C12_duckdb_is_known_by_its_words(said: str, is_the_disk: bool) -> None:
    assert (disk_failure(said) is not None) is is_the_disk
