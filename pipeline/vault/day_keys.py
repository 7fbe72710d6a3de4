"""The folder of day keys, `keys/days/`, and its mirror. No backup holds either: what is dropped opens no more, in no copy.

Keys come in series: one for a day (`2026-11-20`), one for what waited when backups were made that day (`waiting-2026-11-20`). They are
numbered, because to erase a person is to end the key there is and to go on with the next. `<series>.<number>.json` is a key, wrapped
by the master; `<series>.<number>.dropped` says that it was dropped: a key of that name is then removed, wherever it comes from.

The mirror is a second such folder on another disk (UNPOOL_KEYS_MIRROR). It is written first and dropped with this one. It has no older
versions, and is therefore no backup.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.durable import make_folder, sync_folder, write_file, write_temporary
from pipeline.errors import ActionNeeded

KEY: Final = ".json"
DROPPED: Final = ".dropped"
# In the mirror: whose it is. In the home: that it has one.
MARK: Final = "mirror.id"


class KeysMirrorMissing(ActionNeeded):
    """The mirror is not there, is another one's, or is empty where it was not."""


@dataclass(frozen=True, order=True)
class KeyName:
    """Which key: its series and, from 1, its number in it."""

    series: str
    number: int

    def __str__(self) -> str:
        return f"{self.series}.{self.number:04}"

    @classmethod
    def parse(cls, text: str) -> KeyName:
        """Raises ValueError for what is no such name."""
        series, _, number = text.rpartition(".")
        if not series or not number.isascii() or not number.isdigit():
            raise ValueError("no key has this name")
        return cls(series, int(number))


@dataclass(frozen=True)
class KeyFolder:
    """`owner` is a text that only the same master key makes."""

    folder: Path
    mirror: Path | None
    owner: str

    def alive(self) -> list[KeyName]:
        """The keys of the home that were not dropped, sorted."""
        return sorted(_names(self.folder, KEY) - _names(self.folder, DROPPED))

    def of(self, series: str) -> list[KeyName]:
        """The living keys of one series, the newest first."""
        return [name for name in reversed(self.alive()) if name.series == series]

    def is_alive(self, name: KeyName) -> bool:
        """Without looking at all the others: asked for every file of the archive."""
        return self._path(self.folder, name, KEY).exists() and not self._path(self.folder, name, DROPPED).exists()

    def dropped(self) -> set[KeyName]:
        return _names(self.folder, DROPPED)

    def known(self) -> set[KeyName]:
        """Keys of which home or mirror know what became of them. Writes nothing, and a mirror that is not there knows nothing."""
        return {name for folder in self._folders() for end in (KEY, DROPPED) for name in _names(folder, end)}

    def read(self, name: KeyName) -> bytes:
        """Raises FileNotFoundError."""
        return self._path(self.folder, name, KEY).read_bytes()

    def add(self, name: KeyName, wrapped: bytes) -> None:
        """Keep a new key, first in the mirror. Of two that are added at the same moment the first stays. Raises KeysMirrorMissing."""
        self.agree()
        for folder in self._folders():
            path = self._path(folder, name, KEY)
            if not write_new(path, wrapped):
                wrapped = path.read_bytes()

    def drop(self, names: Iterable[KeyName]) -> None:
        """Erase what these keys open, for ever. Twice is once. Raises KeysMirrorMissing, and nothing is dropped."""
        self.agree()
        dropping = sorted(names)
        for folder in self._folders():
            for name in dropping:
                write_file(self._path(folder, name, DROPPED), b"")
        self._remove(dropping)

    def agree(self) -> None:
        """Home and mirror have the same keys afterwards, without those that either knows to be dropped. Raises KeysMirrorMissing."""
        self.check_mirror()
        make_folder(self.folder)
        self._mark_both()
        dropped = {name for folder in self._folders() for name in _names(folder, DROPPED)}
        for folder in self._folders():
            for name in sorted(dropped - _names(folder, DROPPED)):
                write_file(self._path(folder, name, DROPPED), b"")
        self._remove(sorted(dropped))
        if self.mirror is not None:
            _copy_missing(self.folder, self.mirror)
            _copy_missing(self.mirror, self.folder)

    def check_mirror(self) -> None:
        """Writes nothing. A disk that is not mounted leaves an empty folder: what was written there would be on the home's own disk.

        Raises KeysMirrorMissing.
        """
        if self.mirror is None:
            if (self.folder / MARK).exists():
                raise KeysMirrorMissing(
                    f"The day keys have a mirror, and UNPOOL_KEYS_MIRROR does not name it. Set it, or remove {self.folder / MARK}."
                )
            return
        if not self.mirror.is_dir():
            raise KeysMirrorMissing(f"The mirror of the day keys, {self.mirror}, is not there: mount its disk, or make the folder.")
        there, here = _text(self.mirror / MARK), _text(self.folder / MARK)
        if there not in ("", self.owner):
            raise KeysMirrorMissing(f"{self.mirror} holds the day keys of another installation: give this one a mirror of its own.")
        if here and not there:
            raise KeysMirrorMissing(
                f"{self.mirror} is empty and was not: mount its disk. If it is lost, remove {self.folder / MARK} to fill a new one."
            )

    def _mark_both(self) -> None:
        for folder in self._folders() if self.mirror is not None else []:
            if not _text(folder / MARK):
                write_file(folder / MARK, self.owner.encode())

    def _remove(self, names: Sequence[KeyName]) -> None:
        for folder in self._folders():
            there = _names(folder, KEY).intersection(names)
            for name in sorted(there):
                self._path(folder, name, KEY).unlink(missing_ok=True)
            if there:
                sync_folder(folder)

    def _folders(self) -> list[Path]:
        """The mirror first: no key seals anything that lies in one place only."""
        return [folder for folder in (self.mirror, self.folder) if folder is not None]

    @staticmethod
    def _path(folder: Path, name: KeyName, end: str) -> Path:
        return folder / f"{name}{end}"


def take_over(old: Path, folder: Path) -> None:
    """Move the keys of an installation that kept them in the vault, where backups took them along."""
    for path in sorted(old.glob("????-??-??.*")):
        end = {".json": KEY, ".erased": DROPPED}.get(path.suffix)
        if end is not None:
            make_folder(folder)
            with suppress(FileNotFoundError):
                path.rename(folder / f"{KeyName(path.stem, 1)}{end}")
    if old.is_dir():
        sync_folder(folder)
        with suppress(OSError):
            old.rmdir()


def write_new(path: Path, data: bytes) -> bool:
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


def _names(folder: Path, end: str) -> set[KeyName]:
    found = set()
    for path in folder.glob(f"[!.]*{end}"):
        try:
            found.add(KeyName.parse(path.name.removesuffix(end)))
        except ValueError:
            continue
    return found


def _copy_missing(source: Path, target: Path) -> None:
    """Raises KeysMirrorMissing where both have a key of one name that is not the same."""
    there = _names(target, KEY)
    for name in sorted(_names(source, KEY)):
        data = (source / f"{name}{KEY}").read_bytes()
        if name not in there:
            write_file(target / f"{name}{KEY}", data)
        elif (target / f"{name}{KEY}").read_bytes() != data:
            raise KeysMirrorMissing(f"{source} and {target} hold different keys of {name.series}: one of them is another installation's.")


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", errors="replace")
    except FileNotFoundError:
        return ""
