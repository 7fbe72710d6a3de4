"""P06 at length: `python -m tests.faults.bindings --bindings 10000000 --jobs 2`: random worlds, person by person against the reference.

Each chunk is thousands of worlds beside each other in a warehouse of its own (tests/property/beside.py), from a seed of its own, whose
facts come in two batches. What it found goes into docs/long_bindings.json, and with `make reliability` onto the page.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from pathlib import Path
from random import Random

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.bench.figures import about
from tests.facts import store
from tests.property.beside import Beside, ruled
from tests.property.worlds import any_world

FOUND = Path("docs/long_bindings.json")
WORLDS = 4_000
# When the two batches are decided, hours after the first day: in between some are overdue, then some are lost.
HOURS = ((31.5, 75.5), (51.5, 300.5), (201.5, 490.5))


def compared(seed: int) -> tuple[int, list[str]]:
    """One chunk: how many specimens were compared, and a sentence for each world that differs."""
    chance = Random(seed)
    with store() as given:
        beside = Beside(given, [any_world(chance, 2) for _ in range(WORLDS)])
        differences = [f"seed {seed}: {sentence}" for sentence in beside.play(chance.choice(HOURS))]
    # No world is asked again.
    ruled.cache_clear()
    return beside.bindings, differences


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--bindings", type=int, default=10_000_000)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--jobs", type=int, default=1)
    asked = ask.parse_args()
    # The commit that is tried, not the one that stands when all are compared.
    known = {name: about()[name] for name in ("commit", "date")}
    start, console = time.monotonic(), Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done, wrong = 0, 0
    with Progress(*columns, console=console) as progress, ProcessPoolExecutor(asked.jobs) as pool:
        task = progress.add_task("Bindings", total=asked.bindings)
        seeds = count(asked.seed)
        while done < asked.bindings:
            for bindings, differences in pool.map(compared, [next(seeds) for _ in range(8 * asked.jobs)]):
                done += bindings
                wrong += len(differences)
                for sentence in differences:
                    console.print(sentence, markup=False, highlight=False, soft_wrap=True)
                progress.update(task, completed=min(done, asked.bindings))
    found = {"bindings": done, "wrong": wrong, "seed": asked.seed, "seconds": round(time.monotonic() - start)} | known
    console.print(json.dumps(found), highlight=False)
    FOUND.write_text(json.dumps(found, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
