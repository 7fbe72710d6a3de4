"""Drop: bytes that somebody signed in sends become a file in the inbox, once for each content of a place."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import datetime
from pathlib import Path

from pipeline.domain.words import FileKind
from pipeline.home import Home
from pipeline.ledger import drops
from pipeline.ledger.engine import Ledger
from pipeline.stages.receive import receive


def drop(home: Home, ledger: Ledger, data: bytes, *, file_name: str, kind: FileKind, place: str, login: str, now: datetime) -> str:
    """Put `data` into the inbox as `place`'s, through the door of every other file; the SHA-256 of it, by which its receipt is found.

    The same content again is dropped no second time. Killed between the inbox and the ledger's word, it is: intake then counts the rows of
    the second file as duplicates. Raises ActionNeeded (bad code) or DiskFails, and then nothing is said to be received.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    with ledger.begin() as conn:
        if drops.must_drop(conn, place, sha256, login=login, file_name=file_name, size_bytes=len(data), now=now):
            with tempfile.TemporaryDirectory(dir=home.tmp) as folder:
                file = Path(folder) / file_name
                file.write_bytes(data)
                receive(home, [file], place, kind)
            drops.note_dropped(conn, place, sha256, now)
    return sha256
