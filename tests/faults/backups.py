"""Backups for tests, and the empty machines on which they are restored."""

from __future__ import annotations

import shutil
import uuid
from base64 import b64decode
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.delivery.sms import Sms
from pipeline.errors import KeyMissing
from pipeline.home import Home
from pipeline.intake.archive import Archive, ArchiveDamaged
from pipeline.ledger.server import Server
from pipeline.settings import Settings
from pipeline.stages.backup import backup
from pipeline.stages.backup_folder import SEALED, Contents
from pipeline.stages.house import House
from pipeline.stages.reconcile_restored import Reconciled, reconcile_restored
from pipeline.stages.restore import Restored, restore
from pipeline.vault.identity import VaultDamaged, read_batch, refs
from pipeline.vault.keys import Keys
from tests.homes import MASTER_KEY, Installation, admin, copied_mirror, in_child


def nobody(*_: object) -> None:
    """Whom a stage shows its progress."""


@dataclass(frozen=True)
class Machine:
    """Where backups are restored: a new home and a new database each time."""

    folder: Path
    server: Server
    databases: list[str]

    def settings(self, like: Settings, **changes: Any) -> Settings:
        name = f"restored_{uuid.uuid4().hex}"
        admin(self.server, f"CREATE DATABASE {name}")
        self.databases.append(name)
        home = self.folder / name
        return replace(
            like, **{"home": home, "database_url": self.server.url_for(name), "keys_mirror": copied_mirror(like, home), **changes}
        )

    def restore(self, source: Installation, copy: Path, now: datetime) -> tuple[Installation, Restored]:
        settings = self.settings(source.settings)
        return Installation(settings, self.server), in_child(lambda: restore(settings, copy, now, nobody))


def back_up(source: Installation, copy: Path, now: datetime) -> Contents:
    return source.do(lambda house: backup(house, copy, now, nobody))


def reconcile(house: House, now: datetime, despite_unreadable: bool = False) -> Reconciled:
    assert house.settings.twilio is not None
    return reconcile_restored(house, now, nobody, sms=Sms(house.settings.twilio), despite_unreadable=despite_unreadable)


def in_the_backup(copy: Path, of: Installation) -> bytes:
    """All bytes of a backup, and all that opens with the master key and whatever keys home and mirror still have."""
    parts = [path.read_bytes() for path in copy.rglob("*") if path.is_file()]
    for folder in (of.home / "keys" / "days", of.settings.keys_mirror):
        assert folder is not None
        with TemporaryDirectory() as there:
            home = Home(Path(there))
            shutil.copytree(copy / "vault", home.vault)
            shutil.copytree(folder, home.day_keys)
            parts += opened(Keys(b64decode(MASTER_KEY), home), copy)
    return b"\n".join(parts)


def opened(keys: Keys, copy: Path) -> list[bytes]:
    parts = []
    for archive in (Archive(copy / name, keys.derive("archive"), keys) for name in ("archive", SEALED)):
        for sha256 in archive.names():
            try:
                parts.append(archive.get(sha256))
            except (KeyMissing, ArchiveDamaged):
                continue
    for ref in refs(keys.home):
        try:
            parts.append(str(read_batch(keys, ref.day, ref.batch_no).to_pylist()).encode())
        except (KeyMissing, VaultDamaged):
            continue
    return parts
