"""One master key, and all other keys under it.

Keys for a purpose are derived (HKDF-SHA256), so nothing is stored for them. A day's data key is random and kept wrapped by the
master in `vault/keys/<day>.json`: removing that file erases the day's identities wherever copies of them lie.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipeline.durable import make_folder, sync_folder, write_file, write_temporary
from pipeline.errors import ActionNeeded, KeyMissing
from pipeline.home import Home
from pipeline.settings import Settings

KEY_BYTES = 32
_NONCE = 12


class KeyPurpose(StrEnum):
    """What a derived key is for. A key serves one purpose: what is learnt of one tells nothing of another."""

    PSEUDONYM = "pseudonym"
    TOKEN = "token"  # noqa: S105  # a purpose, no password
    ARCHIVE = "archive"
    DAY_KEYS = "day_keys"
    BACKUP = "backup"
    SESSION = "session"
    SEARCH = "search"


@dataclass(frozen=True)
class Keys:
    """The keys of one installation. `master` is 32 bytes."""

    master: bytes = field(repr=False)
    home: Home

    def derive(self, purpose: str) -> bytes:
        """32 bytes, the same for the same master and purpose for ever. Raises ValueError on a purpose that is no KeyPurpose."""
        info = b"unpool " + KeyPurpose(purpose).value.encode()
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(self.master)

    def day_key(self, day: date) -> bytes:
        """That day's data key. Raises KeyMissing when it was dropped, never made, or wrapped by another master."""
        try:
            wrapped = base64.b64decode(json.loads(self._path(day).read_bytes())["wrapped"])
        except FileNotFoundError:
            raise KeyMissing(f"The vault has no key for {day}: that day was erased, or this is another vault.", day=day) from None
        try:
            return self._wrapper().decrypt(wrapped[:_NONCE], wrapped[_NONCE:], day.isoformat().encode())
        except InvalidTag:
            raise KeyMissing(f"The master key does not open the key of {day}: give the one that wrote it.", day=day) from None

    def make_day_key(self, day: date) -> bytes:
        """That day's data key, made now if it has none. Raises KeyMissing when the day holds batches but no key: it was erased."""
        path = self._path(day)
        if path.exists():
            return self.day_key(day)
        if self._erased(day).exists() or any((self.home.vault / day.isoformat()).glob("[!.]*")):
            raise KeyMissing(f"The key of {day} was dropped: that day's identities are erased, and none can be added.", day=day)
        make_folder(path.parent)
        nonce = os.urandom(_NONCE)
        wrapped = nonce + self._wrapper().encrypt(nonce, os.urandom(KEY_BYTES), day.isoformat().encode())
        _write_new(path, json.dumps({"day": day.isoformat(), "wrapped": base64.b64encode(wrapped).decode()}).encode())
        # Of two processes that make one at the same moment, both go on with the one that was first.
        return self.day_key(day)

    def drop_day_key(self, day: date) -> None:
        """Erase the day: without this key its files and batches cannot be read by anybody. Not to be undone. Twice is once."""
        make_folder(self._path(day).parent)
        write_file(self._erased(day), b"")
        self._path(day).unlink(missing_ok=True)
        sync_folder(self._path(day).parent)

    def days(self) -> list[date]:
        """The days that have a key, oldest first."""
        return sorted(date.fromisoformat(path.stem) for path in (self.home.vault / "keys").glob("????-??-??.json"))

    def _wrapper(self) -> AESGCM:
        return AESGCM(self.derive(KeyPurpose.DAY_KEYS))

    def _path(self, day: date) -> Path:
        return self.home.vault / "keys" / f"{day.isoformat()}.json"

    def _erased(self, day: date) -> Path:
        return self.home.vault / "keys" / f"{day.isoformat()}.erased"


def master_file(home: Home) -> Path:
    return home.keys / "master.key"


def create_master(home: Home) -> bytes:
    """Make a master key and keep it in keys/master.key, mode 0600. Raises ActionNeeded when there is one: it is never replaced."""
    make_folder(home.keys)
    master = os.urandom(KEY_BYTES)
    if not _write_new(master_file(home), base64.b64encode(master) + b"\n"):
        raise ActionNeeded("keys/master.key exists already and is kept: without it nothing in the archive and the vault can be read.")
    return master


def load_master(settings: Settings, home: Home) -> bytes:
    """The master key, 32 bytes: UNPOOL_MASTER_KEY (base64), else keys/master.key. Raises KeyMissing, saying what to do."""
    if settings.master_key:
        return _decoded(settings.master_key, "UNPOOL_MASTER_KEY")
    path = master_file(home)
    try:
        mode, text = path.stat().st_mode, path.read_text("ascii", errors="replace")
    except FileNotFoundError:
        raise KeyMissing("There is no master key: run `unpool init`, or set UNPOOL_MASTER_KEY.") from None
    if mode & 0o077:
        raise KeyMissing("Others than its owner may read keys/master.key: run `chmod 600` on it, and ask who may have read it.")
    return _decoded(text, "keys/master.key")


def _decoded(text: str, where: str) -> bytes:
    try:
        master = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        master = b""
    if len(master) != KEY_BYTES:
        raise KeyMissing(f"{where} must be the base64 of {KEY_BYTES} bytes (44 characters).")
    return master


def _write_new(path: Path, data: bytes) -> bool:
    """Write a file that must not be there yet; False when it is. By a hard link, which fails where a rename would replace."""
    temporary = write_temporary(path, data)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    sync_folder(path.parent)
    return True
