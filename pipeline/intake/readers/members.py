"""Manifests that name all people of a tube in one cell: a row becomes one for each name, and the tube's size is how many there are."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import FileRefused

# The people of row 7 are rows 7001, 7002, ...: a person's row needs a number of its own, and the sender's must be found in it.
PER_ROW = 1_000
# So that the numbers stay within 32 bits.
MOST_ROWS = 2_000_000


def spread(table: pa.Table, separators: Sequence[str], name: str) -> pa.Table:
    """A row with no name stays one. A tube that says its size keeps it, so that a name too few or too many is found.

    Raises FileRefused (too_large).
    """
    if table.num_rows and pc.max(table["row_no"]).as_py() > MOST_ROWS:
        raise FileRefused("too_large", f"{name} has more than {MOST_ROWS} rows: send it in several files.", file=name)
    parts = re.compile("|".join(map(re.escape, separators)))
    names = [[one for piece in parts.split(cell) if (one := piece.strip())] or [""] for cell in table["full_name"].to_pylist()]
    # No tube has so many people; the rules say so of the first ones.
    names = [some[: PER_ROW - 1] for some in names]
    counts = np.array([len(some) for some in names], np.int64)
    wide = table.take(pa.array(np.repeat(np.arange(table.num_rows), counts)))
    place = np.concatenate([np.arange(1, count + 1) for count in counts]) if len(counts) else np.arange(0)
    numbers = pa.array((np.asarray(wide["row_no"]).astype(np.int64) * PER_ROW + place).astype(np.int32))
    sizes = [size or (str(count) if name else "") for size, count, name in _sizes(wide, counts, names)]
    changed = {"row_no": numbers, "full_name": [name for some in names for name in some], "pool_size": sizes}
    for column, values in changed.items():
        array = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
        wide = wide.set_column(wide.column_names.index(column), column, array)
    return wide


def _sizes(wide: pa.Table, counts: npt.NDArray[np.int64], names: list[list[str]]) -> zip[tuple[str, int, str]]:
    return zip(wide["pool_size"].to_pylist(), np.repeat(counts, counts).tolist(), (name for some in names for name in some), strict=True)
