"""The house of one installation, opened: its stores, programme and keys. Every stage gets one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.durable import disk_failures
from pipeline.errors import ActionNeeded, WarehouseBehind
from pipeline.formats import FormatProfile, load_formats
from pipeline.home import Home
from pipeline.intake.archive import Archive
from pipeline.ledger import journal
from pipeline.ledger.engine import Ledger, migrate, open_ledger, writer_lock
from pipeline.ledger.server import database_url
from pipeline.programme import Programme, load_programme
from pipeline.settings import Settings
from pipeline.vault.day_keys import take_over
from pipeline.vault.keys import Keys, load_master
from pipeline.warehouse.connect import Warehouse, open_warehouse

# A writer waits for another one to end a batch: some minutes for the largest.
WRITER_WAIT_S = 900.0


@dataclass(frozen=True)
class House:
    settings: Settings
    home: Home
    programme: Programme
    formats: tuple[FormatProfile, ...]
    keys: Keys
    archive: Archive
    ledger: Ledger

    def local(self, moment: datetime) -> datetime:
        """A moment as the warehouse keeps it: the programme's local time, without zone."""
        return moment.astimezone(ZoneInfo(self.programme.time_zone)).replace(tzinfo=None)

    def profile(self, name: str) -> FormatProfile:
        return next(profile for profile in self.formats if profile.name == name)

    @contextmanager
    def writer(self, wait_s: float = WRITER_WAIT_S) -> Iterator[None]:
        """Be the only one who opens the warehouse, among Airflow's tasks and command lines. Raises WarehouseBusy after `wait_s`."""
        with writer_lock(self.ledger.engine, wait_s):
            yield

    @contextmanager
    def warehouse(self, *, spill: bool) -> Iterator[Warehouse]:
        """The warehouse, for who is the writer. spill: whether it may write temporary files, which it cannot encrypt: never in intake.

        Raises WarehouseBehind when it lacks what the ledger knows was done: a lost or older file must not be built upon.
        """
        with open_warehouse(
            self.home.warehouse, memory_limit=self.settings.memory_limit, spill=self.home.tmp if spill else None
        ) as warehouse:
            self._check_complete(warehouse)
            yield warehouse

    def _check_complete(self, warehouse: Warehouse) -> None:
        seen = warehouse.batches()
        with self.ledger.begin() as conn:
            lacking = [batch.batch_no for batch in journal.all_done(conn) if batch.batch_no not in seen]
        if lacking:
            raise WarehouseBehind(
                f"The warehouse lacks {len(lacking)} of the batches that the ledger says were done, the first being {lacking[0]}. "
                "Run `unpool rebuild`: it makes the warehouse anew from the archive, the vault and the ledger.",
                batches=len(lacking),
                first=lacking[0],
            )


@contextmanager
def open_house(settings: Settings, *, restoring: bool = False) -> Iterator[House]:
    """Open the installation at `settings.home`; the embedded PostgreSQL is started if needed, and stays.

    Raises KeyMissing before `unpool init`, SettingsError for a programme or format that is wrong, LedgerUnavailable, and ActionNeeded
    where a restore was killed: only the restore itself may open what is not whole.
    """
    home = Home(settings.home)
    if home.unfinished_restore.exists() and not restoring:
        raise ActionNeeded("A restore was not finished here: run `unpool restore` with the same folder again.")
    home.make()
    take_over(home.vault / "keys", home.day_keys)
    programme = load_programme(settings.programme, settings.result_url)
    formats = load_formats(programme, home.formats)
    keys = Keys(load_master(settings, home), home, settings.keys_mirror)
    ledger = open_ledger(database_url(settings))
    try:
        migrate(ledger.engine)
        with disk_failures():
            yield House(settings, home, programme, formats, keys, Archive(home.archive, keys.derive("archive"), keys), ledger)
    finally:
        ledger.close()
