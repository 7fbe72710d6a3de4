"""Every received file, byte for byte, named by its SHA-256 and encrypted. What is here is never changed.

A file on disk: one byte of version, then 12 bytes of nonce, then AES-256-GCM of the bytes with the SHA-256 as associated data, so that
a file renamed to another's name does not open. Version 1 is sealed by the archive's own key. Version 3 names the day key that seals it
(vault/day_keys.py), as a length and so many characters after the version: dropping that key erases the file wherever copies of it lie.
Version 2 is what was written before keys had numbers: ten characters name the day, and its key is the first.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pipeline.durable import make_folder, sync_folder, write_temporary
from pipeline.errors import Broken

_OWN_KEY = b"\x01"
_NAMED = b"\x03"
_DAY = 10
_NONCE = 12
_LONGEST_SEAL = 2 + 255


class DayKey(Protocol):
    """`secret` is 32 bytes."""

    @property
    def name(self) -> object: ...

    @property
    def secret(self) -> bytes: ...


class DayKeys(Protocol):
    """The vault's data keys (vault/keys.py). Both raise KeyMissing where one was dropped."""

    def find(self, series: str, number: int | None = None) -> DayKey: ...

    def make(self, series: str) -> DayKey: ...


class NotInArchive(Broken):
    """The ledger names a file that the archive does not hold."""


class ArchiveDamaged(Broken):
    """A file of the archive does not open, or is not what its name says."""


class Archive:
    """`root` is the archive's folder, `key` 32 bytes (`Keys.derive("archive")`). Safe to use from several threads and processes.

    days: needed for what is sealed by a day's key; without it that can neither be put nor read.
    """

    def __init__(self, root: Path, key: bytes, days: DayKeys | None = None) -> None:
        self._root = root
        self._key = key
        self._days = days

    def put(self, data: bytes, series: str | None = None) -> str:
        """Keep `data`; return its SHA-256 in hex. Twice is once. When it returns, the bytes are on the disk."""
        return self.put_many([data], series, threads=1)[0]

    def put_many(self, files: Iterable[bytes], series: str | None = None, *, threads: int = 8) -> list[str]:
        """`put` for many, in order. Each folder is synced once for all, and files are synced side by side: disks like that better.

        series: of the key that seals them, such as a day; None for the archive's own. What comes again on a later day is sealed by that
        day's key from then on, and so lives as long as that day does.
        """
        key = None if series is None else self._days_known().make(series)
        seal = _OWN_KEY if key is None else _seal_of(str(key.name))
        cipher = AESGCM(self._key if key is None else key.secret)
        with ThreadPoolExecutor(max_workers=threads) as pool:
            names = list(pool.map(lambda data: self._put_unsynced(data, seal, cipher), files))
        for folder in sorted({self._path(name).parent for name in names}):
            sync_folder(folder)
        return names

    def get(self, sha256: str) -> bytes:
        """The bytes of that name.

        Raises NotInArchive, KeyMissing when their key was dropped, ArchiveDamaged when they are not what was put.
        """
        try:
            sealed = self._path(sha256).read_bytes()
        except FileNotFoundError:
            raise NotInArchive(f"The archive holds no file {sha256}.", sha256=sha256) from None
        damaged = ArchiveDamaged(f"The archive's file {sha256} is damaged, or another key wrote it.", sha256=sha256)
        try:
            name, start = _name_in(sealed)
            key = self._key if name is None else self._days_known().find(*name).secret
            data = AESGCM(key).decrypt(sealed[start : start + _NONCE], sealed[start + _NONCE :], sha256.encode())
        except (InvalidTag, ValueError):
            raise damaged from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise damaged
        return data

    def key_of(self, sha256: str) -> tuple[str, int] | None:
        """Series and number of the key that seals that file; None for the archive's own key, and where it does not hold the file."""
        try:
            with self._path(sha256).open("rb") as file:
                return _name_in(file.read(_LONGEST_SEAL))[0]
        except FileNotFoundError:
            return None
        except ValueError:
            raise ArchiveDamaged(f"The archive's file {sha256} is damaged.", sha256=sha256) from None

    def day_of(self, sha256: str) -> date | None:
        """The day whose key seals that file; None as for `key_of`."""
        return date.fromisoformat(name[0]) if (name := self.key_of(sha256)) else None

    def erase(self, sha256: str) -> None:
        """Remove that file. Twice is once."""
        self._path(sha256).unlink(missing_ok=True)

    def __contains__(self, sha256: str) -> bool:
        return self._path(sha256).is_file()

    def names(self) -> Sequence[str]:
        """The SHA-256 of all that is kept, sorted."""
        return sorted(path.name for path in self._root.glob("[0-9a-f][0-9a-f]/[0-9a-f]*"))

    def _put_unsynced(self, data: bytes, seal: bytes, cipher: AESGCM) -> str:
        name = hashlib.sha256(data).hexdigest()
        path = self._path(name)
        if not _is_sealed_by(path, seal):
            make_folder(path.parent)
            nonce = os.urandom(_NONCE)
            write_temporary(path, seal + nonce + cipher.encrypt(nonce, data, name.encode()), mode=0o400).replace(path)
        return name

    def _days_known(self) -> DayKeys:
        if self._days is None:
            raise Broken("This archive was opened without the keys of its days.")
        return self._days

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256


def _seal_of(name: str) -> bytes:
    return _NAMED + bytes([len(name)]) + name.encode("ascii")


def _name_in(sealed: bytes) -> tuple[tuple[str, int] | None, int]:
    """Series and number of the key of a sealed file, and where its nonce begins. Raises ValueError for what no version can be."""
    match sealed[:1]:
        case b"\x01":
            return None, 1
        case b"\x02":
            return (date.fromisoformat(sealed[1 : 1 + _DAY].decode("ascii")).isoformat(), 1), 1 + _DAY
        case b"\x03" if len(sealed) > 1:
            end = 2 + sealed[1]
            series, _, number = sealed[2:end].decode("ascii").rpartition(".")
            return (series, int(number)), end
        case _:
            raise ValueError("no version of ours")


def _is_sealed_by(path: Path, seal: bytes) -> bool:
    """Whether the file is there under that seal, or under that of a later day: two who put it at once agree on the later one."""
    try:
        with path.open("rb") as file:
            there = file.read(len(seal))
    except FileNotFoundError:
        return False
    return there[:1] == seal[:1] and there >= seal
