"""More than CI has time for, on a PostgreSQL of its own: `python -m tests.faults.long --sends 100000`. Prints one JSON object."""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import time
from pathlib import Path

from pipeline.ledger import server
from pipeline.ledger.engine import migrate, open_ledger
from tests.faults.many import Told, scene, send_many
from tests.homes import admin

TEMPLATE = "long_template"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sends", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="unpool-long-") as folder:
        try:
            told = send(asked.sends, asked.seed, Path(folder))
        finally:
            server.stop(Path(folder))
    print(json.dumps(dataclasses.asdict(told) | {"seed": asked.seed, "seconds": round(time.monotonic() - start)}))
    if told.doubled or told.lost or told.without_owner or told.violations:
        raise SystemExit(1)


def send(sends: int, seed: int, folder: Path) -> Told:
    postgres = server.ensure_running(folder)
    admin(postgres, f"CREATE DATABASE {TEMPLATE}")
    template = open_ledger(postgres.url_for(TEMPLATE))
    migrate(template.engine)
    template.close()
    with scene(postgres, TEMPLATE, folder) as (office, far):
        return send_many(sends, seed, office, far)


if __name__ == "__main__":
    main()
