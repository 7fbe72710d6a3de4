"""Every received file, byte for byte, named by its SHA-256 and encrypted. What is here is never changed.

A file on disk: one byte of version, 12 bytes of nonce, then AES-256-GCM of the bytes with the SHA-256 as associated data, so that a
file renamed to another's name does not open.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline.durable import make_folder, sync_folder, write_temporary
from pipeline.errors import Broken

_VERSION = b"\x01"
_NONCE = 12


class NotInArchive(Broken):
    """The ledger names a file that the archive does not hold."""


class ArchiveDamaged(Broken):
    """A file of the archive does not open, or is not what its name says."""


class Archive:
    """`root` is the archive's folder, `key` 32 bytes (`Keys.derive("archive")`). Safe to use from several threads and processes."""

    def __init__(self, root: Path, key: bytes) -> None:
        self._root = root
        self._cipher = AESGCM(key)

    def put(self, data: bytes) -> str:
        """Keep `data`; return its SHA-256 in hex. Twice is once. When it returns, the bytes are on the disk."""
        return self.put_many([data], threads=1)[0]

    def put_many(self, files: Iterable[bytes], *, threads: int = 8) -> list[str]:
        """`put` for many, in order. Each folder is synced once for all, and files are synced side by side: disks like that better."""
        with ThreadPoolExecutor(max_workers=threads) as pool:
            names = list(pool.map(self._put_unsynced, files))
        for folder in sorted({self._path(name).parent for name in names}):
            sync_folder(folder)
        return names

    def get(self, sha256: str) -> bytes:
        """The bytes of that name. Raises NotInArchive, or ArchiveDamaged when they are not what was put."""
        try:
            sealed = self._path(sha256).read_bytes()
        except FileNotFoundError:
            raise NotInArchive(f"The archive holds no file {sha256}.", sha256=sha256) from None
        start = len(_VERSION) + _NONCE
        try:
            data = self._cipher.decrypt(sealed[len(_VERSION) : start], sealed[start:], sha256.encode())
        except (InvalidTag, ValueError):
            data = None
        if data is None or sealed[: len(_VERSION)] != _VERSION or hashlib.sha256(data).hexdigest() != sha256:
            raise ArchiveDamaged(f"The archive's file {sha256} is damaged, or another key wrote it.", sha256=sha256)
        return data

    def __contains__(self, sha256: str) -> bool:
        return self._path(sha256).is_file()

    def names(self) -> Sequence[str]:
        """The SHA-256 of all that is kept, sorted."""
        return sorted(path.name for path in self._root.glob("[0-9a-f][0-9a-f]/[0-9a-f]*"))

    def _put_unsynced(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        path = self._path(name)
        if not path.exists():
            make_folder(path.parent)
            nonce = os.urandom(_NONCE)
            sealed = _VERSION + nonce + self._cipher.encrypt(nonce, data, name.encode())
            write_temporary(path, sealed, mode=0o400).replace(path)
        return name

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256
