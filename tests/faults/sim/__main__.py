"""`make simulate EPISODES=n SEED=s JOBS=j`: n episodes from seed s on, j at a time. A finding prints its seed; the sums go to a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.faults.sim.episode import tried
from tests.faults.sim.judge import Verdict

FOUND = Path("build/simulation.json")


@contextmanager
def verdicts(seeds: range, jobs: int) -> Iterator[Iterable[Verdict]]:
    if jobs == 1:
        yield map(tried, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield pool.map(tried, seeds)


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--episodes", type=int, default=200)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--jobs", type=int, default=1)
    asked = ask.parse_args()
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    sums: Counter[str] = Counter(lost=0, doubled=0, wrong=0)
    with Progress(*columns, console=console) as progress, verdicts(range(asked.seed, asked.seed + asked.episodes), asked.jobs) as found:
        task = progress.add_task("Episodes", total=asked.episodes)
        for verdict in found:
            sums += verdict.met
            sums.update(lost=len(verdict.lost), doubled=len(verdict.doubled), wrong=len(verdict.wrong))
            if not verdict.is_good:
                console.print(str(verdict), markup=False, highlight=False, soft_wrap=True)
            progress.advance(task)
    told = {"seed": asked.seed, "lost": sums["lost"], "doubled": sums["doubled"], "wrong": sums["wrong"], **dict(sorted(sums.items()))}
    FOUND.parent.mkdir(exist_ok=True)
    FOUND.write_text(json.dumps(told, indent=1) + "\n")
    console.print(", ".join(f"{name} {number}" for name, number in told.items()), highlight=False)
    return 1 if told["lost"] or told["doubled"] or told["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
