"""What no product can be faster than: DuckDB alone reading a crowd's files as text into a database file.

Prints one JSON object as its last line: `python -m tests.bench.floor --crowd FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import duckdb

from tests.bench.crowd import Crowd, open_crowd


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--crowd", type=Path, required=True, help="a folder that tests.bench.crowd wrote")
    crowd = open_crowd(parser.parse_args().crowd)
    with tempfile.TemporaryDirectory(prefix="unpool-bench-") as folder:
        start = time.perf_counter()
        floor(Path(folder) / "floor.duckdb", crowd)
        print(json.dumps({"floor_s": time.perf_counter() - start}))


def floor(database: Path, crowd: Crowd) -> None:
    """The rows as text, the file of each with it, on disk when this returns."""
    with duckdb.connect(str(database)) as connection:
        for table, files in (("manifest", crowd.manifests), ("results", crowd.results)):
            connection.execute(
                f"CREATE TABLE {table} AS SELECT * FROM read_csv($files, all_varchar = true, header = true, delim = ',', filename = true)",
                {"files": [str(file) for file in files]},
            )


if __name__ == "__main__":
    main()
