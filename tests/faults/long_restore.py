"""O09 at size: a programme of a million people backed up, lost, and restored on an empty machine. `python -m tests.faults.long_restore`.

Prints one JSON object and keeps it in docs/long_restore.json. `open_after_s`: every byte hashed and copied, the ledger loaded, the
warehouse's state compared, the home open to others. `restore_s`: every invariant verified too, which is when the command ends.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.domain.words import FileKind
from pipeline.ledger import server
from pipeline.settings import Settings
from pipeline.stages.backup import backup
from pipeline.stages.decide import decide
from pipeline.stages.house import House, open_house
from pipeline.stages.init import init
from pipeline.stages.intake import intake
from pipeline.stages.receive import receive
from pipeline.stages.restore import restore
from pipeline.stages.status import status
from tests.bench.crowd import write_crowd
from tests.bench.figures import about
from tests.bench.ours import moment
from tests.faults.backups import nobody
from tests.homes import MASTER_KEY

FOUND = Path("docs/long_restore.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unpool-restore-") as folder:
        found = drill(Path(folder), asked.people)
    found |= {name: about()[name] for name in ("commit", "date", "machine")}
    print(json.dumps(found))
    FOUND.write_text(json.dumps(found, indent=1) + "\n")
    if found["violations"] or not found["same_state"]:
        raise SystemExit(1)


def drill(folder: Path, people: int) -> dict[str, Any]:
    """Seconds, bytes and files."""
    crowd = write_crowd(folder / "files", people, 20261125)
    now = moment(crowd.as_of)
    mirror = folder / "mirror"
    mirror.mkdir()
    first, second = (
        Settings(home=folder / name, programme="vietnam", master_key=MASTER_KEY, memory_limit="2GB", keys_mirror=mirror)
        for name in ("first", "second")
    )
    try:
        init(first)
        with open_house(first) as house:
            receive(house.home, crowd.manifests, "team-1", FileKind.MANIFEST)
            receive(house.home, crowd.results, "lab-1", FileKind.RESULTS)
            taken = seconds(lambda: fill(house, now))
            before = status(house)["state_hash"]
            backed_up, contents = timed(lambda: backup(house, folder / "copy", now, nobody))
        server.stop(first.home)
        start, began = time.monotonic(), {}
        restored, done = timed(
            lambda: restore(second, folder / "copy", now, lambda step, *_: began.setdefault(step, time.monotonic() - start))
        )
        with open_house(second) as house:
            after = status(house)
        return {
            "people": people,
            "specimens": after["specimens"],
            "intake_and_decide_s": round(taken),
            "backup_s": round(backed_up),
            "open_after_s": round(began["Verifying"]),
            "restore_s": round(restored),
            "files": len(contents.files),
            "bytes": sum(file.size for file in contents.files.values()),
            "messages": sum(contents.messages.values()),
            "violations": len(done.violations),
            "same_state": after["state_hash"] == before == contents.state_hash,
        }
    finally:
        server.stop(first.home)
        server.stop(second.home)


def fill(house: House, now: Any) -> None:
    intake(house, now)
    decide(house, now)


def seconds(work: Callable[[], object]) -> float:
    return timed(work)[0]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.monotonic()
    answer = work()
    return time.monotonic() - start, answer


if __name__ == "__main__":
    main()
