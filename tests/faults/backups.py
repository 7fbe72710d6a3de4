"""Backups for tests, and the empty machines on which they are restored."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.delivery.sms import Sms
from pipeline.ledger.server import Server
from pipeline.settings import Settings
from pipeline.stages.backup import backup
from pipeline.stages.backup_folder import Contents
from pipeline.stages.house import House
from pipeline.stages.reconcile_restored import Reconciled, reconcile_restored
from pipeline.stages.restore import Restored, restore
from tests.homes import Installation, admin, in_child


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
        return replace(like, home=self.folder / name, database_url=self.server.url_for(name), **changes)

    def restore(self, source: Installation, copy: Path, now: datetime) -> tuple[Installation, Restored]:
        settings = self.settings(source.settings)
        return Installation(settings, self.server), in_child(lambda: restore(settings, copy, now, nobody))


def back_up(source: Installation, copy: Path, now: datetime) -> Contents:
    return source.do(lambda house: backup(house, copy, now, nobody))


def reconcile(house: House, now: datetime, despite_unreadable: bool = False) -> Reconciled:
    assert house.settings.twilio is not None
    return reconcile_restored(house, now, nobody, sms=Sms(house.settings.twilio), despite_unreadable=despite_unreadable)
