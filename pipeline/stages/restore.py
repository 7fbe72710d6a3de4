"""Restore: an installation out of a backup and the folder of day keys, into a home that has none yet. What was erased since the backup
stays erased. Nothing is sent from it before `unpool reconcile`.

All is checked before anything is written. A mark stands in the home until the restore is whole: killed anywhere it starts anew, and
meanwhile nobody else opens the home.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.durable import sync_folder, write_file
from pipeline.errors import ActionNeeded, Broken, KeyMissing
from pipeline.home import Home
from pipeline.intake.archive import Archive
from pipeline.intake.inbox import put_back
from pipeline.ledger import audit, switches
from pipeline.ledger.dump import counted, is_empty, load
from pipeline.ledger.engine import open_ledger
from pipeline.ledger.server import database_url
from pipeline.log import event
from pipeline.settings import Settings
from pipeline.stages.backup_folder import (
    AS_THEY_ARE,
    CONTENTS,
    LEDGER,
    SEALED,
    TO_SEAL,
    WAITS,
    WAREHOUSE,
    BackupDamaged,
    Contents,
    Progress,
    check_files,
    copy_files,
    measure,
    read_contents,
)
from pipeline.stages.erased_since import ErasedSince, erase_again
from pipeline.stages.house import House, open_house
from pipeline.stages.sending import WhyWaiting
from pipeline.stages.verify import verify
from pipeline.vault.keys import Keys, load_master

WHO = "restore"


@dataclass(frozen=True)
class Restored:
    """violations: what `unpool verify` says of the restored installation. `shut`: how many files that waited nobody can open any more,
    `erased`: what was erased since the backup."""

    contents: Contents
    violations: list[str]
    shut: int
    erased: ErasedSince


def restore(settings: Settings, folder: Path, now: datetime, progress: Progress) -> Restored:
    """Make the installation of the backup in `folder`, with its master key and day keys. Run again, it does what is missing.

    Raises KeyMissing, BackupDamaged, and ActionNeeded where home or database are not empty: nothing was written then.
    """
    home = Home(settings.home)
    keys = _keys(settings, home)
    contents = read_contents(folder, keys)
    _check_keys(keys, contents)
    check_files(folder, contents, progress)
    _begin(settings, home, measure(folder / CONTENTS).sha256)
    keys.folder().agree()
    try:
        shut = _restore_files(home, folder, contents, keys, progress)
    except OSError as error:
        raise ActionNeeded(f"The backup could not be restored: {error.strerror or error}. Mend it, then restore again.") from None
    progress("Restoring the ledger", 0, 1)
    _restore_ledger(settings, folder)
    with open_house(settings, restoring=True) as house:
        _check(house, contents)
        erased = erase_again(house, WHO, now)
        _block_sending(house, contents, now)
        home.unfinished_restore.unlink()
        sync_folder(home.root)
        progress("Verifying", 0, 1)
        found = verify(house)
    event("restored", files=len(contents.files), violations=len(found))
    return Restored(contents, found, shut, erased)


def _keys(settings: Settings, home: Home) -> Keys:
    try:
        return Keys(load_master(settings, home), home, settings.keys_mirror)
    except KeyMissing as error:
        if settings.master_key or (home.keys / "master.key").exists():
            raise
        raise KeyMissing(
            f"There is no master key. A backup does not hold it: set UNPOOL_MASTER_KEY, or put your copy at {home.keys / 'master.key'}."
        ) from error


def _check_keys(keys: Keys, contents: Contents) -> None:
    """Raises KeyMissing where nobody knows what became of a key that the backup needs, and KeysMirrorMissing."""
    known = {str(name) for name in keys.folder().known()}
    if lacking := [name for name in contents.keys if name not in known]:
        raise KeyMissing(
            f"{len(lacking)} day keys of this backup are not there, the first being {lacking[0]}. A backup holds none: set "
            f"UNPOOL_KEYS_MIRROR to their mirror, or put them into {keys.home.day_keys}. Nothing was restored."
        )
    keys.folder().check_mirror()


def _begin(settings: Settings, home: Home, seal: str) -> None:
    """Set the mark, or find the one of an earlier try at the same backup."""
    mark = home.unfinished_restore
    if mark.exists():
        if mark.read_text() != seal:
            raise ActionNeeded("The restore of another backup was not finished here: give that folder, or an empty home.")
        return
    stores = [home.root / name for name in (*AS_THEY_ARE, *TO_SEAL, *WAREHOUSE)]
    if taken := next(
        (store for store in stores if store.is_file() or (store.is_dir() and any(path.is_file() for path in store.rglob("*")))), None
    ):
        raise ActionNeeded(f"{taken} is not empty: a backup is restored into a home that holds nothing but its master key.")
    # A server that is not there yet holds nothing.
    if settings.database_url or (home.root / "postgres").exists():
        ledger = open_ledger(database_url(settings))
        try:
            if not is_empty(ledger.engine):
                raise ActionNeeded("The ledger's database is not empty: give an empty one, by UNPOOL_DATABASE_URL or another home.")
        finally:
            ledger.close()
    home.make()
    write_file(mark, seal.encode())


def _restore_files(home: Home, folder: Path, contents: Contents, keys: Keys, progress: Progress) -> int:
    """Returns how many files that waited are shut: what went back to a sender was erased with its day."""
    paths = [path for path in contents.files if path.partition("/")[0] in (*AS_THEY_ARE, *WAREHOUSE)]
    copied = copy_files(folder, home.root, paths, lambda done: progress("Copying files", done, len(paths)))
    if altered := [path for path, file in copied.items() if file != contents.files[path]]:
        raise BackupDamaged(f"{altered[0]} changed while it was read: take another copy of this backup.")
    sealed = Archive(folder / SEALED, keys.derive("archive"), keys)
    listed = json.loads(sealed.get(contents.sealed))
    shut = 0
    for done, (path, mode, sha256) in enumerate(listed, 1):
        try:
            put_back(home.root / path, sealed.get(sha256), mode)
        except KeyMissing:
            shut += path.startswith(WAITS)
        progress("Putting back what waits", done, len(listed))
    return shut


def _restore_ledger(settings: Settings, folder: Path) -> None:
    """All of it or nothing; what is there is there from an earlier try, and looked at by `_check`."""
    ledger = open_ledger(database_url(settings))
    try:
        if is_empty(ledger.engine):
            load(ledger.engine, folder / LEDGER)
    finally:
        ledger.close()


def _check(house: House, contents: Contents) -> None:
    """Whether it came out as it went in. Raises Broken."""
    with house.ledger.begin() as conn:
        found = counted(conn)
    if (found.messages, found.receipts) != (contents.messages, contents.receipts):
        raise Broken("The restored ledger does not count what the backup counted. Restore into an empty home and an empty database.")
    with house.writer(), house.warehouse(spill=True) as warehouse:
        state_hash = str(warehouse.value("state/hash"))
    if state_hash != contents.state_hash:
        raise Broken("The restored warehouse does not hold what the backup's did. Restore into an empty home and an empty database.")


def _block_sending(house: House, contents: Contents, now: datetime) -> None:
    with house.ledger.begin() as conn:
        switches.set_restored(conn, contents.made_at, who=WHO, now=now)
        switches.note_sending_waits(conn, WhyWaiting.RESTORED, now)
        audit.append(conn, WHO, "restored", "installation", f"backup of {contents.made_at.isoformat()}", now)
