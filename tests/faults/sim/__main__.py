"""`make simulate EPISODES=n SEED=s JOBS=j`: n episodes from seed s on, j at a time. A finding prints its seed; the sums go to a file.

With `--record` a run that is larger than the largest yet and found nothing goes into docs/simulated.json; `make reliability` tells of it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.bench.figures import about
from tests.faults.sim.episode import tried
from tests.faults.sim.judge import Verdict

FOUND = Path("build/simulation.json")
# The largest run that found nothing: its episodes, first seed, commit, date and sums.
LARGEST = Path("docs/simulated.json")
FINDINGS = ("lost", "doubled", "wrong")


@contextmanager
def verdicts(seeds: range, jobs: int) -> Iterator[Iterable[Verdict]]:
    if jobs == 1:
        yield map(tried, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield pool.map(tried, seeds)


def record(run: Mapping[str, Any], path: Path) -> bool:
    """Write `run` down, unless one with as many episodes stands there; whether it did."""
    if path.exists() and json.loads(path.read_text())["episodes"] >= run["episodes"]:
        return False
    path.write_text(json.dumps(run, indent=1) + "\n")
    return True


def main(given: Sequence[str] | None = None) -> int:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--episodes", type=int, default=200)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--jobs", type=int, default=1)
    ask.add_argument("--record", action="store_true")
    asked = ask.parse_args(given)
    # The commit that is played, not the one that stands when the last episode is over.
    known = about()
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    sums: Counter[str] = Counter()
    is_good = True
    with Progress(*columns, console=console) as progress, verdicts(range(asked.seed, asked.seed + asked.episodes), asked.jobs) as found:
        task = progress.add_task("Episodes", total=asked.episodes)
        for verdict in found:
            sums += verdict.met
            sums.update(lost=len(verdict.lost), doubled=len(verdict.doubled), wrong=len(verdict.wrong))
            is_good &= verdict.is_good
            if not verdict.is_good:
                console.print(str(verdict), markup=False, highlight=False, soft_wrap=True)
            progress.advance(task)
    # An episode that broke has no figures; it was played all the same.
    told = {"seed": asked.seed, "episodes": asked.episodes} | {name: sums.pop(name, 0) for name in FINDINGS}
    figures = {name: number for name, number in sorted(sums.items()) if name != "episodes"}
    FOUND.parent.mkdir(exist_ok=True)
    FOUND.write_text(json.dumps(told | figures, indent=1) + "\n")
    console.print(", ".join(f"{name} {number}" for name, number in (told | figures).items()), highlight=False)
    if asked.record and is_good:
        run = told | {"commit": known["commit"], "date": known["date"], "sums": figures}
        console.print(f"{LARGEST} is written." if record(run, LARGEST) else f"{LARGEST} has a run as large.", highlight=False)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
