"""What the warehouse shows to those who may not open it: Parquet files of codes, counts and pseudonyms, each there whole by a rename.

The warehouse has one process at a time, and a web process must never keep the writer from it, nor wait for it. So a run copies out what
screens need, and screens read these files: at most as old as the last run, and they say how old.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.durable import make_folder, write_file

# Small enough that a search for one code reads little of a large file.
ROWS_OF_A_GROUP = 50_000
# All of one of them, as pyarrow has filters: (column, operator, value).
AnyOf = list[list[tuple[str, str, Any]]]


@dataclass(frozen=True)
class Published:
    """`root`: the folder, of this user alone. A name is a list (`worklist`), or a kind of facts and its batch (`specimens/12`)."""

    root: Path

    def has(self, name: str) -> bool:
        return self._path(name).exists()

    def write(self, name: str, table: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", row_group_size=ROWS_OF_A_GROUP)
        path = self._path(name)
        make_folder(path.parent)
        write_file(path, sink.getvalue())

    def read(self, name: str, *, where: Sequence[tuple[str, str, Any]] = ()) -> list[dict[str, Any]]:
        """The rows that fulfil all of `where` (as pyarrow's filters); none where nothing was published under that name."""
        path = self._path(name)
        if not path.exists():
            return []
        rows: list[dict[str, Any]] = pq.read_table(path, filters=list(where) or None, partitioning=None).to_pylist()
        return rows

    def count(self, name: str, *, any_of: AnyOf) -> int:
        """How many rows fulfil all of one of `any_of`; 0 where nothing was published under that name."""
        path = self._path(name)
        return pq.read_table(path, columns=[], filters=any_of, partitioning=None).num_rows if path.exists() else 0

    def first(self, name: str, rows: int, *, any_of: AnyOf) -> list[dict[str, Any]]:
        """The first `rows`, in the file's order, that fulfil all of one of `any_of`."""
        path = self._path(name)
        if not path.exists():
            return []
        found: list[dict[str, Any]] = pq.read_table(path, filters=any_of, partitioning=None).slice(0, rows).to_pylist()
        return found

    def find(self, kind: str, *, where: Sequence[tuple[str, str, Any]]) -> list[dict[str, Any]]:
        """As `read`, from the facts of all batches, oldest first."""
        batches = sorted((path.stem for path in (self.root / kind).glob("[0-9]*.parquet")), key=int)
        return [row for batch in batches for row in self.read(f"{kind}/{batch}", where=where)]

    def write_figures(self, figures: Mapping[str, Any]) -> None:
        make_folder(self.root)
        write_file(self._figures, json.dumps(figures, default=str, sort_keys=True).encode())

    def figures(self) -> dict[str, Any] | None:
        """None where no run has published yet."""
        try:
            found: dict[str, Any] = json.loads(self._figures.read_bytes())
        except FileNotFoundError:
            return None
        return found

    @property
    def _figures(self) -> Path:
        return self.root / "figures.json"

    def _path(self, name: str) -> Path:
        return self.root / f"{name}.parquet"
