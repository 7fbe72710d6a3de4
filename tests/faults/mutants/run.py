"""`make mutants`: every small wrong change, judged by the tests; who survives is listed. A herd's figures go into docs/mutants.json.

They are written after each mutant, with the names of those that are not judged yet. `--again` judges these, those that survived
without a reason, and the mutants of files that were changed since. Who was killed before stays killed: a test that fails for a
reason still does.

A mutant is killed when a test fails, when the process dies or when the tests take far longer than without it. One that the engine
cannot even read is none. Survivors that change nothing anybody could see stand, with the reason, in `survivors.toml`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import queue
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.figures import about
from tests.faults.mutants.herds import HERDS, ROOT, Herd, excuses
from tests.faults.mutants.nursery import Nursery

FOUND = ROOT / "docs" / "mutants.json"
# So many of a herd's quick tests notice most, within seconds.
FIRST = 10


@dataclass
class Toll:
    """What became of some mutants of one herd. survivors: name → why it may, '' where nobody has said. unjudged: who waits."""

    killed: int = 0
    unreadable: list[str] = field(default_factory=list)
    survivors: dict[str, str] = field(default_factory=dict)
    unjudged: list[str] = field(default_factory=list)

    @property
    def mutants(self) -> int:
        return self.killed + len(self.survivors)

    def add(self, name: str, fate: str, known: Mapping[str, str]) -> None:
        self.unjudged.remove(name)
        match fate:
            case "killed":
                self.killed += 1
            case "survived":
                self.survivors[name] = known.get(name, "")
            case "unreadable":
                self.unreadable.append(name)
            case other:
                raise ValueError(other)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--herd", choices=[herd.name for herd in HERDS], action="append")
    parser.add_argument("--sample", type=int, help="so many of each herd, drawn at random; docs/mutants.json stays as it is")
    parser.add_argument("--again", action="store_true", help="who was not judged, survived unexplained, or is new")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--only", default="", help="mutants whose name holds this text; docs/mutants.json stays as it is")
    parser.add_argument("--quick", action="store_true", help="the quick tests alone; docs/mutants.json stays as it is")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    # An end from outside unwinds too: no nursery and no server is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    known = excuses()
    for herd in HERDS:
        if asked.herd is not None and herd.name not in asked.herd:
            continue
        names = list(herd.mutants) if asked.sample is None else herd.sample(asked.sample, asked.seed)
        names = [name for name in names if asked.only in name]
        is_whole = len(names) == len(herd.mutants) and not asked.quick
        toll = remembered(herd, json.loads(FOUND.read_text())[herd.name], known) if asked.again else Toll()
        toll.unjudged = [name for name in names if name in toll.unjudged] if asked.again else names
        for name, found in fates(herd, list(toll.unjudged), asked.workers, [herd.quick] if asked.quick else []):
            toll.add(name, found["fate"], known)
            print(f"{found['wall_s']:5.1f} s {found['fate']}: {name}   {found['by']}", flush=True)
            if is_whole:
                write(FOUND, herd, toll)
        print(f"{herd.name}: {toll.killed} of {toll.mutants} killed, {len(toll.unreadable)} unreadable", flush=True)
        if is_whole:
            write(FOUND, herd, toll)


def fates(herd: Herd, names: Sequence[str], workers: int, stages: Sequence[Sequence[str]] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Judge mutants by name, each worker in a nursery of its own, by all of the herd's tests or those of `stages`.

    Raises Unsound where the tree itself does not pass.
    """
    if not names:
        return
    with ExitStack() as stack, ThreadPoolExecutor(workers) as pool:
        free: queue.SimpleQueue[Nursery] = queue.SimpleQueue()
        for nursery in pool.map(lambda _: Nursery(ROOT, stages or [herd.quick, herd.thorough], is_python=herd.is_python), range(workers)):
            free.put(stack.enter_context(nursery))
        asked = {pool.submit(_fate, free, herd, name): name for name in names}
        try:
            # As they come: one that takes minutes to die keeps nobody's answer back.
            for answer in as_completed(asked):
                yield asked[answer], answer.result()
        finally:
            for answer in asked:
                answer.cancel()


def judged(herd: Herd, names: Sequence[str], workers: int, stages: Sequence[Sequence[str]] = ()) -> Toll:
    toll, known = Toll(unjudged=list(names)), excuses()
    for name, found in fates(herd, names, workers, stages):
        toll.add(name, found["fate"], known)
    return toll


def judged_thriftily(herd: Herd, names: Sequence[str]) -> Toll:
    """By the first tests, and by all of them only those survivors that nobody has looked at."""
    toll = judged(herd, names, 1, [herd.quick[:FIRST]])
    if fresh := list(new_survivors(toll)):
        again = judged(herd, fresh, 1)
        toll.killed += again.killed
        toll.survivors = {name: why for name, why in toll.survivors.items() if why} | again.survivors
    return toll


def remembered(herd: Herd, before: Mapping[str, Any], known: Mapping[str, str]) -> Toll:
    """What docs/mutants.json still says of a herd. Unjudged is also who survived without a reason, and whose file is another one now."""
    files = digests(herd)
    waiting = {*before["unjudged"], *before["survivors"].keys() - known.keys()}
    toll = Toll()
    for name, one in herd.mutants.items():
        if name in waiting or files[one.file] != before["files"].get(one.file):
            toll.unjudged.append(name)
        elif name in before["survivors"]:
            toll.survivors[name] = known[name]
        elif name in before["unreadable"]:
            toll.unreadable.append(name)
        else:
            toll.killed += 1
    return toll


def digests(herd: Herd) -> dict[str, str]:
    """File → digest of its text: what was judged."""
    return {one.file: hashlib.sha256((ROOT / one.file).read_bytes()).hexdigest()[:12] for one in herd.mutants.values()}


def _fate(free: queue.SimpleQueue[Nursery], herd: Herd, name: str) -> dict[str, Any]:
    mutant = herd.mutants[name]
    nursery = free.get()
    try:
        return nursery.fate(mutant.file, mutant.text, herd.likely(mutant))
    finally:
        free.put(nursery)


def write(path: Path, herd: Herd, toll: Toll) -> None:
    """Into the herd's place; the others keep theirs, each with the commit and the date of its own run."""
    found = json.loads(path.read_text()) if path.exists() else {}
    known = about()
    found[herd.name] = {
        "mutants": toll.mutants, "mutants_killed": toll.killed,
        "commit": known["commit"], "date": known["date"], "survivors": toll.survivors, "unreadable": toll.unreadable,
        "unjudged": toll.unjudged, "files": digests(herd),
    }  # fmt: skip
    whole = path.with_suffix(".part")
    whole.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    whole.replace(path)


def new_survivors(toll: Toll) -> Iterator[str]:
    """Those that nobody has looked at."""
    return (name for name, why in toll.survivors.items() if not why)


if __name__ == "__main__":
    main()
