"""One master key, and all other keys under it.

Keys for a purpose are derived (HKDF-SHA256), so nothing is stored for them. A day's data key is random and kept wrapped by the
master in a folder of its own (day_keys.py): dropping it erases the day's identities wherever copies of them lie.
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
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipeline.durable import make_folder
from pipeline.errors import ActionNeeded, KeyMissing
from pipeline.home import Home
from pipeline.settings import Settings
from pipeline.vault.day_keys import KeyFolder, KeyName, write_new

KEY_BYTES = 32
# The series of what waited when backups were made on a day.
WAITING: Final = "waiting-"
_NONCE = 12


class KeyPurpose(StrEnum):
    """What a derived key is for. A key serves one purpose: what is learnt of one tells nothing of another."""

    PSEUDONYM = "pseudonym"
    TOKEN = "token"  # noqa: S105  # a purpose, no password
    ARCHIVE = "archive"
    DAY_KEYS = "day_keys"
    BACKUP = "backup"
    SESSION = "session"
    NUMBER = "number"
    SEARCH = "search"
    BIRTH = "birth"
    SIGN_IN = "sign_in"


@dataclass(frozen=True)
class DayKey:
    """A data key, 32 bytes, and its name."""

    name: KeyName
    secret: bytes = field(repr=False)

    def derive(self, purpose: KeyPurpose) -> bytes:
        """32 bytes that are gone with the key."""
        return _derived(self.secret, purpose)


@dataclass(frozen=True)
class Keys:
    """The keys of one installation. `master` is 32 bytes, `mirror` the second folder of its day keys."""

    master: bytes = field(repr=False)
    home: Home
    mirror: Path | None = None

    def derive(self, purpose: str) -> bytes:
        """32 bytes, the same for the same master and purpose for ever. Raises ValueError on a purpose that is no KeyPurpose."""
        return _derived(self.master, KeyPurpose(purpose))

    def make(self, series: str) -> DayKey:
        """The key by which that series seals from now on, made if there is none alive. Raises KeyMissing where a day was erased."""
        folder = self.folder()
        if not folder.of(series):
            self._refuse_erased(series)
            self.make_next(series)
        return self.find(series)

    def make_next(self, series: str) -> None:
        """A further key of the series: what is sealed from now on is sealed by it. The ones before it stay until they are dropped."""
        folder = self.folder()
        known = [name.number for name in folder.known() if name.series == series]
        name = KeyName(series, max(known, default=0) + 1)
        nonce = os.urandom(_NONCE)
        wrapped = nonce + self._wrapper().encrypt(nonce, os.urandom(KEY_BYTES), series.encode())
        folder.add(name, json.dumps({"series": series, "wrapped": base64.b64encode(wrapped).decode()}).encode())

    def find(self, series: str, number: int | None = None) -> DayKey:
        """The newest living key of a series, or that of a number. Raises KeyMissing: dropped, never made, or wrapped by another master."""
        folder = self.folder()
        name = next(iter(folder.of(series)), None) if number is None else KeyName(series, number)
        if name is None or not folder.is_alive(name):
            raise KeyMissing(f"The key of {series} is not there: it was erased, or these are another installation's keys.", series=series)
        wrapped = base64.b64decode(json.loads(folder.read(name))["wrapped"])
        try:
            return DayKey(name, self._wrapper().decrypt(wrapped[:_NONCE], wrapped[_NONCE:], series.encode()))
        except InvalidTag:
            raise KeyMissing(f"The master key does not open the key of {series}: give the one that wrote it.", series=series) from None

    def find_all(self, series: str) -> list[DayKey]:
        """All living keys of a series, the newest first: more than one while a person of that day is being erased. Raises KeyMissing."""
        newest = self.find(series)
        return [newest, *(self.find(series, name.number) for name in self.folder().of(series)[1:])]

    def day_key(self, day: date) -> bytes:
        return self.find(day.isoformat()).secret

    def make_day_key(self, day: date) -> bytes:
        return self.make(day.isoformat()).secret

    def drop_day_key(self, day: date) -> None:
        """Erase the day: without its keys its files and batches cannot be read by anybody. Not to be undone. Twice is once."""
        self.folder().drop(self.folder().of(day.isoformat()))

    def days(self) -> list[date]:
        """The days that have a key, oldest first."""
        return sorted({date.fromisoformat(name.series) for name in self.folder().alive() if not name.series.startswith(WAITING)})

    def folder(self) -> KeyFolder:
        owner = HMAC(self.derive(KeyPurpose.DAY_KEYS), SHA256())
        owner.update(b"mirror")
        return KeyFolder(self.home.day_keys, self.mirror, owner.finalize().hex())

    def _refuse_erased(self, series: str) -> None:
        """What waited in a backup may have a next key; a day has none once it was erased."""
        if series.startswith(WAITING):
            return
        if any(name.series == series for name in self.folder().dropped()) or any((self.home.vault / series).glob("[!.]*")):
            raise KeyMissing(f"The key of {series} was dropped: that day's identities are erased, and none can be added.", series=series)

    def _wrapper(self) -> AESGCM:
        return AESGCM(self.derive(KeyPurpose.DAY_KEYS))


def _derived(secret: bytes, purpose: KeyPurpose) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"unpool " + purpose.value.encode()).derive(secret)


def master_file(home: Home) -> Path:
    return home.keys / "master.key"


def create_master(home: Home) -> bytes:
    """Make a master key and keep it in keys/master.key, mode 0600. Raises ActionNeeded when there is one: it is never replaced."""
    make_folder(home.keys)
    master = os.urandom(KEY_BYTES)
    if not write_new(master_file(home), base64.b64encode(master) + b"\n"):
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
