"""A national day on this machine: 26 million people, 100,000 manifests of 260, through `unpool run`. `make bench-day`.

The files are hard links in the inbox before it starts: a backlog such as a morning after an outage. The home stays where it is, since
`make bench` measures there what one more file costs. Messages stay queued: without Twilio's account nothing is sent.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from pipeline.home import Home
from pipeline.intake import inbox
from pipeline.ledger import server
from pipeline.settings import Settings
from pipeline.stages.house import open_house
from pipeline.stages.init import init
from pipeline.stages.status import status
from tests.bench import figures
from tests.bench.crowd import Crowd, open_crowd, write_crowd
from tests.bench.memory import GIB, watched
from tests.bench.ours import MEMORY_LIMIT
from tests.bench.process import environment

PEOPLE = 26_000_000
ROWS = 260
TEAMS, LABS = 500, 40
# Before now: a day's results are back, nothing is overdue yet.
AGO = timedelta(hours=20)
EVERY_S = 5.0
KEPT = Path("build/day")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--folder", type=Path, default=KEPT, help="where files and home are made, and left")
    asked = parser.parse_args()
    folder = asked.folder.absolute()
    console = Console()
    crowd = prepared(console, folder, asked.people)
    settings = Settings(home=folder / "home", programme="vietnam", memory_limit=MEMORY_LIMIT)
    fill_inbox(console, settings, crowd)
    line, peak_gib = run(console, settings, folder)
    try:
        with open_house(settings) as house:
            found = status(house)
    finally:
        server.stop(settings.home)
    measured = {
        "day_people": crowd.people,
        "day_files": len(crowd.manifests) + len(crowd.results),
        "day_file_bytes": crowd.bytes,
        "day_seconds": line[-1]["s"],
        "day_peak_gib": peak_gib,
        "day_memory_limit": MEMORY_LIMIT,
        "day_kept_bytes": {name: size(path) for name, path in stores(Home(settings.home)).items()},
        "day_counts": {
            key: found[key] for key in ("files", "rows", "tubes", "outcomes", "worklist", "callback", "holds", "messages", "inbox")
        },
        "day_line": line,
    }
    figures.write(measured | figures.about("day_"))
    console.print_json(json.dumps({name: value for name, value in measured.items() if name != "day_line"}))


def prepared(console: Console, folder: Path, people: int) -> Crowd:
    """The day's files, written anew unless they lie there from today."""
    files = folder / "files"
    now = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).replace(tzinfo=None, microsecond=0)
    if (files / "crowd.json").exists():
        crowd = open_crowd(files)
        if crowd.people == people and now - crowd.as_of < timedelta(0):
            return crowd
        shutil.rmtree(files)
    with console.status(f"Writing the files of {people:,} people ..."):
        return write_crowd(files, people, 20261109, manifest_rows=ROWS, result_rows=ROWS, collected=now - AGO)


def fill_inbox(console: Console, settings: Settings, crowd: Crowd) -> None:
    """A new home whose inbox holds the day's files, by many senders. Hard links: senders copied them, we do not count that."""
    server.stop(settings.home)
    shutil.rmtree(settings.home, ignore_errors=True)
    init(settings)
    with console.status("Filling the inbox ..."):
        for files, sender, senders in ((crowd.manifests, "team", TEAMS), (crowd.results, "lab", LABS)):
            for number in range(senders):
                (Home(settings.home).inbox / f"{sender}-{number:03d}").mkdir()
            for number, file in enumerate(files):
                file.chmod(0o444)
                os.link(file, Home(settings.home).inbox / f"{sender}-{number % senders:03d}" / file.name)


def run(console: Console, settings: Settings, folder: Path) -> tuple[Sequence[dict[str, Any]], float]:
    """`unpool run` as anybody would start it. Every few seconds: files still in the inbox and memory in GiB; and the peak."""
    variables = environment() | {"UNPOOL_HOME": str(settings.home), "UNPOOL_MEMORY_LIMIT": MEMORY_LIMIT}
    line: list[dict[str, Any]] = []
    start = time.perf_counter()
    with (
        (folder / "run.log").open("w") as log,
        subprocess.Popen([sys.executable, "-m", "pipeline", "run"], env=variables, stdout=log, stderr=log) as process,
        watched(process.pid, folder) as memory,
        console.status("Running ...") as shown,
    ):
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(EVERY_S)
            seconds = time.perf_counter() - start
            waiting = inbox.backlog(Home(settings.home).inbox).files
            line.append({"s": round(seconds, 1), "inbox": waiting, "gib": round(memory.last / GIB, 3)})
            shown.update(f"{seconds:,.0f} s, {waiting:,} files in the inbox, {memory.last / GIB:.1f} GiB")
            if process.returncode is not None:
                break
    if process.returncode:
        raise RuntimeError(f"unpool run ended with {process.returncode}: {folder / 'run.log'}")
    return line, memory.gib


def stores(home: Home) -> dict[str, Path]:
    return {"archive": home.archive, "vault": home.vault, "warehouse": home.warehouse, "ledger": home.root / "postgres"}


def size(path: Path) -> int:
    """Bytes on disk."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_blocks * 512 for file in files)


if __name__ == "__main__":
    main()
