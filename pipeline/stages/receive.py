"""Receive: a file from somebody's desk into the inbox, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.domain.words import FileKind
from pipeline.durable import disk_failures
from pipeline.errors import DiskFails
from pipeline.home import Home
from pipeline.intake.inbox import seal


def receive(home: Home, files: Sequence[Path], sender: str, kind: FileKind | None) -> list[Path]:
    """Copy `files` into the inbox as `sender`'s. Returns where they are. Raises ActionNeeded (bad code, missing file) or DiskFails."""
    received = []
    for file in files:
        try:
            with disk_failures():
                received.append(seal(file, home.inbox, sender, kind))
        except DiskFails as failure:
            raise DiskFails(f"{file.name} was not received. {failure.message}") from None
    return received
