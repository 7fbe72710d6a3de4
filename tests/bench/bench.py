"""`make bench`: what unpool costs, in ratios to what was measured in the same run, into docs/benchmarks.json, .md and the plots.

Seconds drift with the machine, ratios hold: each turn measures ours and what it is compared with one after the other, each in a
process of its own, and the median of the turns' ratios counts. Nothing here asserts a time. The sections can be run alone:
`python -m tests.bench.bench --only sending`, and so can sizes: `--only sizes --size 1m`; 26 million only so.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from tests.bench import day, figures, report
from tests.bench.crowd import Crowd, write_crowd
from tests.bench.process import Measured, measured

SEED = 20261109
# Name, people, turns.
SIZES = {"10k": (10_000, 3), "100k": (100_000, 3), "1m": (1_000_000, 3), "10m": (10_000_000, 2), "26m": (26_000_000, 1)}
USUAL = ("10k", "100k", "1m", "10m")
PEERS_AT = "1m"
PEERS = ("pandas_gx", "polars", "sqlite")
PEER_MODULES = {"pandas_gx": "peers.pandas_gx", "polars": "peers.polars_peer", "sqlite": "peers.sqlite_peer"}
# What the peers do too, without reading and writing.
CORE = ("rules", "decide_facts")
SMALL_FILES, SMALL_ROWS, SMALL_TURNS = 2_000, 260, 3

Figures = dict[str, Any]
# The sizes that were asked for, in. Only `sizes` looks at them.
Section = Callable[[Console, Sequence[str]], Figures]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=SECTIONS, action="append", help="may be given several times")
    parser.add_argument("--size", choices=SIZES, action="append", help="of the section `sizes`; may be given several times")
    asked = parser.parse_args()
    console = Console()
    for name in asked.only or SECTIONS:
        found = SECTIONS[name](console, asked.size or USUAL)
        # After each section: a long run that is broken off has told what it knew.
        # Of one section alone, the others' figures keep their commit and machine.
        figures.write(found | figures.about(f"{name}_") | ({} if asked.only else figures.about()))
        console.print_json(data=figures.rounded(found))
    report.write()


def sizes(console: Console, asked: Sequence[str]) -> Figures:
    """Intake + decide + enqueue over the floor, and over the peers at one size."""
    found: Figures = {}
    for name in asked:
        people, turns = SIZES[name]
        with crowd_of(console, people) as (folder, crowd):
            floors: list[Measured] = []
            ours: list[Measured] = []
            peers: dict[str, list[Measured]] = {peer: [] for peer in PEERS if name == PEERS_AT}
            for turn in range(turns):
                with console.status(f"{people:,} people, turn {turn + 1} of {turns}"):
                    floors.append(measured("floor", "--crowd", folder))
                    ours.append(measured("ours", "--crowd", folder))
                    for peer, done in peers.items():
                        done.append(measured(PEER_MODULES[peer], "--crowd", folder, "--out", "{out}"))
        found |= of_size(name, crowd, floors, ours)
        for peer, done in peers.items():
            found |= of_peer(f"{peer}_", f"_{name}", ours, done)
    known = figures.read() | found
    return found | {"floor_ratio_growth": known["floor_ratio_10m"] / known["floor_ratio_1m"]}


def of_size(name: str, crowd: Crowd, floors: list[Measured], ours: list[Measured]) -> Figures:
    floor_s = [one.figures["floor_s"] for one in floors]
    whole_s = list(map(whole, ours))
    return {
        f"floor_ratio_{name}": median(ours_s / one_s for ours_s, one_s in zip(whole_s, floor_s, strict=True)),
        f"floor_s_{name}": median(floor_s),
        f"ours_s_{name}": median(whole_s),
        f"intake_s_{name}": median(one.figures["intake_s"] for one in ours),
        f"decide_s_{name}": median(one.figures["decide_s"] for one in ours),
        f"s_per_million_{name}": median(whole_s) / crowd.people * 1e6,
        f"peak_gib_{name}": max(one.peak_gib for one in ours),
        f"parts_{name}": {part: median(one.figures["parts"].get(part, 0.0) for one in ours) for part in ours[0].figures["parts"]},
        f"people_{name}": crowd.people,
        f"files_{name}": len(crowd.manifests) + len(crowd.results),
        f"bytes_{name}": crowd.bytes,
        f"turns_{name}": len(ours),
    }


def of_peer(peer: str, size: str, ours: list[Measured], peers: list[Measured]) -> Figures:
    pairs = list(zip(ours, peers, strict=True))
    return {
        f"{peer}ratio{size}": median(other.figures["seconds"] / whole(one) for one, other in pairs),
        f"{peer}core_ratio{size}": median(other.figures["core_s"] / core(one) for one, other in pairs),
        f"{peer}s{size}": median(other.figures["seconds"] for other in peers),
        f"{peer}core_s{size}": median(other.figures["core_s"] for other in peers),
        f"{peer}peak_gib{size}": max(other.peak_gib for other in peers),
        f"{peer}steps{size}": {step: median(other.figures["steps"][step] for other in peers) for step in peers[0].figures["steps"]},
        f"ours_core_s{size}": median(map(core, ours)),
    }


def small_files(console: Console, _: Sequence[str]) -> Figures:
    """Intake alone of many small manifests over that of one file with the same rows; result files alike in both."""
    people = SMALL_FILES * SMALL_ROWS
    with crowd_of(console, people, SMALL_ROWS) as (many, _), crowd_of(console, people, people) as (one, _):
        turns = []
        for turn in range(SMALL_TURNS):
            with console.status(f"{SMALL_FILES:,} files of {SMALL_ROWS}, and one, turn {turn + 1} of {SMALL_TURNS}"):
                turns.append([measured("ours", "--crowd", folder).figures["intake_s"] for folder in (many, one)])
    return {
        "small_files_ratio": median(many_s / one_s for many_s, one_s in turns),
        "small_files_many_s": median(many_s for many_s, _ in turns),
        "small_files_one_s": median(one_s for _, one_s in turns),
    }


def growth(console: Console, _: Sequence[str]) -> Figures:
    """One more file into the warehouse that `make bench-day` left."""
    home = day.KEPT / "home"
    if not home.exists():
        console.print("No home of `make bench-day` here: what one more file costs is not measured.")
        return {}
    with console.status("One more file of 260"):
        return measured("growth", "--home", home.absolute()).figures


def alone(module: str, *arguments: object) -> Section:
    """A section that measures in turns by itself."""

    def section(console: Console, _: Sequence[str]) -> Figures:
        with console.status(module):
            return measured(module, *arguments).figures

    return section


SECTIONS: dict[str, Section] = {
    "sizes": sizes,
    "small_files": small_files,
    "growth": growth,
    "files": alone("files"),
    "sending": alone("sending"),
    "drain": alone("drain"),
    "latency": alone("latency"),
    "page": alone("page"),
    "uploads": alone("uploads"),
}


@contextmanager
def crowd_of(console: Console, people: int, manifest_rows: int = 1_000) -> Iterator[tuple[Path, Crowd]]:
    with tempfile.TemporaryDirectory(prefix="unpool-bench-") as folder:
        with console.status(f"Writing the files of {people:,} people"):
            crowd = write_crowd(Path(folder), people, SEED, manifest_rows=manifest_rows)
        yield Path(folder), crowd


def whole(one: Measured) -> float:
    return float(one.figures["intake_s"] + one.figures["decide_s"])


def core(one: Measured) -> float:
    return float(sum(one.figures["parts"][part] for part in CORE))


if __name__ == "__main__":
    main()
