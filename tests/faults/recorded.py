"""Thirty made-up days and what this code makes of them: `python -m tests.faults.recorded` writes them down, for review, as recorded_days.json.

A change of code that changes an outcome shows as a difference in that file, which somebody must look at and commit.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.domain.words import FileKind
from pipeline.ledger import server
from pipeline.ledger.engine import migrate, open_ledger
from pipeline.stages.decide import decide
from pipeline.stages.house import House
from pipeline.stages.intake import intake
from pipeline.stages.receive import receive
from pipeline.stages.status import status
from tests.homes import Installation, admin, new_installation

SAMPLES = Path(__file__).parents[2] / "data_samples"
KEPT = Path(__file__).parent / "recorded_days.json"
SCENARIOS = ("bad_rows", "corrections", "demo", "late_manifest", "two_rounds_field", "two_rounds_lab")
SEEDS = (1, 2, 3, 4, 5)
# What a day comes to: the hash tells that something differs, the counts what.
SAID = ("state_hash", "outcomes", "holds", "worklist", "callback", "rows", "messages")


def write_days(folder: Path) -> dict[str, Path]:
    """The days' files, by a name each."""
    days = {}
    for seed in SEEDS:
        asked = [word for name in SCENARIOS for word in ("--only", name)]
        command = [sys.executable, str(SAMPLES / "generate.py"), "--out", str(folder / str(seed)), "--seed", str(seed), *asked]
        subprocess.run(command, check=True)
        days |= {f"{name} {seed}": folder / str(seed) / name for name in SCENARIOS}
    return days


def come_to(installation: Installation, day: Path, prepare: Callable[[], None]) -> dict[str, Any]:
    """Take the day's files in and decide, step by step."""

    def work(house: House) -> dict[str, Any]:
        prepare()
        for step in tomllib.loads((day / "scenario.toml").read_text(encoding="utf-8"))["step"]:
            for file in step.get("files", []):
                receive(house.home, [day / file["path"]], file["sender"], FileKind(file["kind"]) if "kind" in file else None)
            intake(house, step["as_of"])
            decide(house, step["as_of"])
        found = status(house)
        return {name: found[name] for name in SAID}

    return installation.do(work)


def main() -> None:
    from tests.faults.conftest import small_and_quick

    with tempfile.TemporaryDirectory(prefix="unpool-days-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        database = server.ensure_running(folder / "server")
        try:
            admin(database, "CREATE DATABASE template_of_days")
            template = open_ledger(database.url_for("template_of_days"))
            migrate(template.engine)
            template.close()
            found = {
                day: come_to(
                    new_installation(folder / "homes" / day.replace(" ", "_"), database, "template_of_days"), path, small_and_quick
                )
                for day, path in write_days(folder / "files").items()
            }
        finally:
            server.stop(folder / "server")
    KEPT.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
