"""The inbox: `inbox/<sender>/[manifest|results/]<file>`, and how a file gets in and out of it.

A file is in the inbox only when it is whole. `seal` makes it so (dot-name, sync, read-only, one rename). A sender who only copies
is waited for: a file that is still being written changes, and is left until it has been still for `quiet_s` seconds.
A claim is one rename into `claimed/<claim id>.<kind or any>/<sender or _>/<name>`: of two who claim, one gets it, and the path
alone tells a later run all that was known.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from pipeline.domain.words import FileKind
from pipeline.durable import sync_folder, write_temporary
from pipeline.errors import ActionNeeded

NO_SENDER = "_"
ANY_KIND = "any"
_KINDS = {kind.value: kind for kind in FileKind}
_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")
_WRITE_BITS = 0o222


@dataclass(frozen=True)
class Claimed:
    """A file that this installation has taken charge of. `sender` is '' when the file lay outside a sender's folder."""

    claim_id: str
    path: Path
    sender: str
    kind_hint: FileKind | None
    name: str


@dataclass(frozen=True)
class Backlog:
    """`oldest`: when the file that waits longest arrived, in seconds since 1970 by the machine's own clock; None where none waits."""

    files: int
    oldest: float | None


def new_claim_id() -> str:
    return uuid.uuid4().hex


def is_sender(code: str) -> bool:
    """Whether `code` can be a sender's."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", code) is not None


def seal(source: Path, inbox: Path, sender: str, kind: FileKind | None) -> Path:
    """Copy `source` into the inbox as a whole, read-only file; return its path. Overwrites nothing: a taken name gets a number.

    Raises ActionNeeded when `source` is no readable file or `sender` no code of letters, digits, dot, dash, underscore.
    """
    if not is_sender(sender):
        raise ActionNeeded("A sender's code has 1 to 64 letters, digits, dots, dashes or underscores, and starts with a letter or digit.")
    if not source.is_file():
        raise ActionNeeded(f"{source.name} is not a file: give the path of the file to receive.")
    folder = inbox / sender / kind.value if kind else inbox / sender
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{uuid.uuid4().hex}.tmp"
    try:
        with source.open("rb") as incoming, temporary.open("xb") as file:
            shutil.copyfileobj(incoming, file, 1 << 20)
            file.flush()
            os.fchmod(file.fileno(), 0o440)
            os.fsync(file.fileno())
        sealed = _link_unique(temporary, folder, _visible(source.name))
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(folder)
    return sealed


def claim(
    inbox: Path, claimed: Path, limit: int, now: float, quiet_s: float = 2.0, new_id: Callable[[], str] = new_claim_id
) -> list[Claimed]:
    """Take at most `limit` whole files out of the inbox. `now` is the machine's own clock (seconds), never a programme's frozen one.

    Where more wait, half of them are those that wait longest, half the newest: with a pile of late files in front, today's, which can
    still be answered in time, would become late as well.
    """
    ready = [item for item in _files(inbox) if _is_whole(item, now, quiet_s)]
    if len(ready) > limit:
        ready.sort(key=_arrived)
        ready = [*ready[: limit - limit // 2], *ready[len(ready) - limit // 2 :]]
    taken = (_take(Path(item.path), inbox, claimed, new_id()) for item in ready)
    return [one for one in taken if one]


def backlog(inbox: Path) -> Backlog:
    """What lies in the inbox, complete or not."""
    arrivals = [_arrived(item) for item in _files(inbox)]
    return Backlog(len(arrivals), min(arrivals, default=None))


def waiting(claimed: Path) -> list[Claimed]:
    """What was claimed before and not yet discarded: after a crash, the next run begins with these."""
    return [
        Claimed(claim_id, Path(item.path), "" if sender == NO_SENDER else sender, _KINDS.get(kind), name)
        for item in _files(claimed)
        for folder, sender, name in [Path(item.path).relative_to(claimed).parts]
        for claim_id, _, kind in [folder.partition(".")]
    ]


def discard(one: Claimed) -> None:
    """Remove a claimed file, once the archive and the ledger have it. Twice is once."""
    one.path.unlink(missing_ok=True)
    _remove_empty(one.path.parent, levels=2)


def complete(inbox: Path, now: float, quiet_s: float = 2.0) -> list[Path]:
    """What a claim could take now, or any run before it: the whole files, in order of name. `now` as for `claim`."""
    return [Path(item.path) for item in _files(inbox) if _is_whole(item, now, quiet_s)]


def put_back(path: Path, data: bytes, mode: int) -> None:
    """A file at its place again, whole or not at all, as out of a backup. Where another lies there by now, it gets a number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and path.read_bytes() == data:
        return
    temporary = write_temporary(path, data, mode)
    try:
        _link_unique(temporary, path.parent, path.name)
    finally:
        temporary.unlink()
    sync_folder(path.parent)


def _files(root: Path) -> Iterator[os.DirEntry[str]]:
    """All plain files below `root` in order of name; dot-names, unfinished names and links are not ours to touch."""
    try:
        with os.scandir(root) as entries:
            found = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        elif entry.is_file(follow_symlinks=False) and not entry.name.lower().endswith(_UNFINISHED):
            yield entry


def _arrived(entry: os.DirEntry[str]) -> float:
    """Also for a file that was claimed in this moment: then it is no longer waited for."""
    try:
        return entry.stat(follow_symlinks=False).st_ctime
    except FileNotFoundError:
        return float("inf")


def _is_whole(entry: os.DirEntry[str], now: float, quiet_s: float) -> bool:
    """Sealed, or unchanged for `quiet_s`. By change time: a copying tool can set the modification time back, not this one."""
    try:
        seen = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    return not seen.st_mode & _WRITE_BITS or now - seen.st_ctime >= quiet_s


def _take(path: Path, inbox: Path, claimed: Path, claim_id: str) -> Claimed | None:
    folders = path.relative_to(inbox).parts[:-1]
    sender = folders[0] if folders and folders[0] not in _KINDS else ""
    kind = next((_KINDS[folder] for folder in folders if folder in _KINDS), None)
    folder = claimed / f"{claim_id}.{kind.value if kind else ANY_KIND}"
    target = folder / (sender or NO_SENDER) / path.name
    # Two folders a file: every further one costs a day of 100,000 files half a minute.
    folder.mkdir(mode=0o700, parents=True)
    target.parent.mkdir(mode=0o700)
    try:
        path.rename(target)
    except FileNotFoundError:
        # Another run was quicker.
        _remove_empty(target.parent, levels=2)
        return None
    return Claimed(claim_id, target, sender, kind, path.name)


def _link_unique(temporary: Path, folder: Path, name: str) -> Path:
    """Give the file its name by a hard link: unlike a rename, that fails when the name is taken."""
    for number in count(1):
        target = folder / (name if number == 1 else f"{Path(name).stem}-{number}{Path(name).suffix}")
        try:
            os.link(temporary, target)
        except FileExistsError:
            continue
        return target
    raise AssertionError("unreachable: count() does not end")


def _visible(name: str) -> str:
    """A name that the claim does not take for an unfinished one."""
    shown = name.lstrip(".") or "file"
    return f"{shown}.received" if shown.lower().endswith(_UNFINISHED) else shown


def _remove_empty(folder: Path, levels: int) -> None:
    for path in [folder, *folder.parents][:levels]:
        try:
            path.rmdir()
        except OSError:
            return
