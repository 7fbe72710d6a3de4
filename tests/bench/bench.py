"""How many times the floor intake + decide + enqueue cost: `make bench`, or `python -m tests.bench.bench --people 1000000`.

The floor is DuckDB alone reading the same files as text into a database file, in the same run on the same machine. Seconds drift
with the machine, ratios hold. Nothing here asserts a time.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import duckdb
from rich.console import Console
from rich.table import Table

from pipeline.domain.words import FileKind
from pipeline.ledger import server
from pipeline.settings import Settings
from pipeline.stages.decide import decide
from pipeline.stages.house import open_house
from pipeline.stages.init import init
from pipeline.stages.intake import intake
from pipeline.stages.receive import receive
from pipeline.stages.status import status
from tests.bench.crowd import AS_OF, Crowd, write_crowd

SIZES = (10_000, 1_000_000)
NOW = AS_OF.replace(tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")).astimezone(UTC)
WARM_UP = 1_000


@dataclass(frozen=True)
class Turn:
    """Seconds of one turn; decide includes enqueuing messages and cards in the ledger."""

    floor: float
    intake: float
    decide: float
    figures: dict[str, object]

    @property
    def ratio(self) -> float:
        return (self.intake + self.decide) / self.floor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--people", type=int, action="append", help="may be given several times; 10,000 and 1,000,000 by default")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seed", type=int, default=20261109)
    asked = parser.parse_args()
    console = Console()
    console.print("Warming up: imports, and one small programme ...")
    with tempfile.TemporaryDirectory(prefix="unpool-bench-") as folder:
        imports = _seconds(lambda: measure(Path(folder) / "turn", write_crowd(Path(folder) / "files", WARM_UP, asked.seed)))
    console.print(f"First run in this process, Great Expectations' imports included: {imports:.1f} s")
    for people in asked.people or SIZES:
        report(console, people, run(people, asked.turns, asked.seed))


def run(people: int, turns: int, seed: int) -> tuple[Crowd, list[Turn]]:
    """The same files `turns` times, each time into a new installation."""
    with tempfile.TemporaryDirectory(prefix="unpool-bench-") as folder:
        crowd = write_crowd(Path(folder) / "files", people, seed)
        return crowd, [measure(Path(folder) / f"turn-{number}", crowd) for number in range(turns)]


def measure(folder: Path, crowd: Crowd) -> Turn:
    """One turn: the floor, then the product in a home of its own. Copying into the inbox is not counted: senders do that."""
    home = folder / "home"
    settings = Settings(home=home, programme="vietnam")
    try:
        init(settings)
        with open_house(settings) as house:
            receive(house.home, crowd.manifests, "team-1", FileKind.MANIFEST)
            receive(house.home, crowd.results, "lab-1", FileKind.RESULTS)
            floor_s = _seconds(lambda: floor(folder / "floor.duckdb", crowd))
            intake_s = _seconds(lambda: intake(house, NOW))
            decide_s = _seconds(lambda: decide(house, NOW))
            return Turn(floor_s, intake_s, decide_s, status(house))
    finally:
        server.stop(home)
        shutil.rmtree(folder, ignore_errors=True)


def floor(database: Path, crowd: Crowd) -> None:
    """What no product can be faster than: the rows as text, from the same files, in a database file."""
    with duckdb.connect(str(database)) as connection:
        for table, files in (("manifest", crowd.manifests), ("results", crowd.results)):
            connection.execute(
                f"CREATE TABLE {table} AS SELECT * FROM read_csv($files, all_varchar = true, header = true, delim = ',', filename = true)",
                {"files": [str(file) for file in files]},
            )


def report(console: Console, people: int, done: tuple[Crowd, Sequence[Turn]]) -> None:
    crowd, turns = done
    table = Table(
        title=f"{people:,} people, {len(crowd.manifests) + len(crowd.results):,} files, {crowd.bytes / 1e6:,.0f} MB, {len(turns)} turns"
    )
    for heading in ("", "median s", "times the floor", "µs a person"):
        table.add_column(heading, justify="left" if not heading else "right")
    floor_s = median(turn.floor for turn in turns)
    steps: dict[str, Callable[[Turn], float]] = {
        "floor": lambda turn: turn.floor,
        "intake": lambda turn: turn.intake,
        "decide + enqueue": lambda turn: turn.decide,
        "intake + decide + enqueue": lambda turn: turn.intake + turn.decide,
    }
    for name, of in steps.items():
        seconds = median(of(turn) for turn in turns)
        table.add_row(name, f"{seconds:.2f}", f"{seconds / floor_s:.1f}", f"{seconds / people * 1e6:.1f}")
    console.print(table)
    figures = turns[-1].figures
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(
        f"Median of the turns' own ratios: [bold]{median(turn.ratio for turn in turns):.1f}[/bold]. Peak memory so far: {peak:,.0f} MB."
    )
    console.print({key: figures[key] for key in ("files", "rows", "tubes", "outcomes", "worklist", "callback", "holds", "messages")})


def _seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
