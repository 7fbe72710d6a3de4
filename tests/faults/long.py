"""More sends than CI has time for, on a PostgreSQL of its own: `python -m tests.faults.long --sends 100000`.

Prints one JSON object and keeps it in docs/long_sends.json; with `make reliability` it goes onto the page.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import time
from pathlib import Path

from pipeline.ledger import server
from pipeline.ledger.engine import migrate, open_ledger
from tests.bench.figures import about
from tests.faults.many import Told, scene, send_many
from tests.homes import admin

FOUND = Path("docs/long_sends.json")
TEMPLATE = "long_template"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sends", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    # The commit that is tried, not the one that stands when all are sent.
    known = {name: about()[name] for name in ("commit", "date")}
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="unpool-long-") as folder:
        try:
            told = send(asked.sends, asked.seed, Path(folder))
        finally:
            server.stop(Path(folder))
    found = dataclasses.asdict(told) | {"seed": asked.seed, "seconds": round(time.monotonic() - start)} | known
    print(json.dumps(found))
    FOUND.write_text(json.dumps(found, indent=1) + "\n")
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
