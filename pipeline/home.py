"""The folders of one installation, by name. Only paths: nothing is opened here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """`root` is UNPOOL_HOME. What stands in which folder, and who may write there: docs/architecture.md."""

    root: Path

    @property
    def inbox(self) -> Path:
        return self.root / "inbox"

    @property
    def claimed(self) -> Path:
        return self.root / "claimed"

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def facts(self) -> Path:
        """What batches added to the warehouse, where the files that said so were erased."""
        return self.root / "facts"

    @property
    def vault(self) -> Path:
        return self.root / "vault"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def day_keys(self) -> Path:
        """Wrapped by the master key, and in no backup."""
        return self.keys / "days"

    @property
    def formats(self) -> Path:
        return self.root / "formats"

    @property
    def returns(self) -> Path:
        return self.root / "returns"

    @property
    def lists(self) -> Path:
        return self.root / "lists"

    @property
    def published(self) -> Path:
        """What screens read of the warehouse: no name, and made anew by any run."""
        return self.root / "published"

    @property
    def data_docs(self) -> Path:
        return self.root / "data_docs"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def unfinished_restore(self) -> Path:
        """There while a restore is under way, or was killed: what lies in the home then is not whole."""
        return self.root / "restore.unfinished"

    @property
    def tmp(self) -> Path:
        return self.root / "tmp"

    def make(self) -> None:
        """Create the folders. All but the inbox are for this user alone."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.inbox.mkdir(exist_ok=True)
        private = ("claimed", "archive", "facts", "vault", "keys", "returns", "lists", "published", "data_docs", "run", "tmp")
        for folder in (self.root / name for name in private):
            folder.mkdir(mode=0o700, exist_ok=True)
