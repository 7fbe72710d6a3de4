"""Receive: a file from somebody's desk into the inbox, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.domain.words import FileKind
from pipeline.home import Home
from pipeline.intake.inbox import seal


def receive(home: Home, files: Sequence[Path], sender: str, kind: FileKind | None) -> list[Path]:
    """Copy `files` into the inbox as `sender`'s. Returns where they are. Raises ActionNeeded for a bad code or a missing file."""
    return [seal(file, home.inbox, sender, kind) for file in files]
