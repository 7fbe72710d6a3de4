"""`make mutants`: every small wrong change, judged by the tests; who survives is listed. A whole herd's figures go into docs/mutants.json.

`--again` judges those that survived there, and the mutants of files that were changed since. Who was killed before stays killed: a
test that fails for a reason still does.

A mutant is killed when a test fails, when the process dies or when the tests take far longer than without it. One that the engine
cannot even read is none. Survivors that change nothing anybody could see stand, with the reason, in `survivors.toml`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.figures import about
from tests.faults.mutants.herds import HERDS, ROOT, Herd, excuses
from tests.faults.mutants.nursery import Nursery

FOUND = ROOT / "docs" / "mutants.json"


@dataclass
class Toll:
    """What became of some mutants of one herd. survivors: name → why it may, '' where nobody has said."""

    killed: int = 0
    unreadable: list[str] = field(default_factory=list)
    survivors: dict[str, str] = field(default_factory=dict)

    @property
    def mutants(self) -> int:
        return self.killed + len(self.survivors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--herd", choices=[herd.name for herd in HERDS], action="append")
    parser.add_argument("--sample", type=int, help="so many of each herd, drawn at random; docs/mutants.json stays as it is")
    parser.add_argument("--again", action="store_true", help="who survived the last time, and what is new")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--only", default="", help="mutants whose name holds this text; docs/mutants.json stays as it is")
    parser.add_argument("--quick", action="store_true", help="the quick tests alone; docs/mutants.json stays as it is")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    for herd in HERDS:
        if asked.herd is not None and herd.name not in asked.herd:
            continue
        names = list(herd.mutants) if asked.sample is None else herd.sample(asked.sample, asked.seed)
        names = [name for name in names if asked.only in name]
        if asked.again:
            toll = judged_again(herd, json.loads(FOUND.read_text())[herd.name], asked.workers, told)
        else:
            toll = judged(herd, names, asked.workers, is_quick=asked.quick, tell=told)
        print(f"{herd.name}: {toll.killed} of {toll.mutants} killed, {len(toll.unreadable)} unreadable", flush=True)
        if len(names) == len(herd.mutants) and not asked.quick:
            write(FOUND, herd, toll)


def told(name: str, found: dict[str, Any]) -> None:
    print(f"{found['wall_s']:5.1f} s {found['fate']}: {name}   {found['by']}", flush=True)


def judged(
    herd: Herd, names: Sequence[str], workers: int, *, is_quick: bool = False, tell: Callable[[str, dict[str, Any]], None] = lambda *_: None
) -> Toll:
    """Judge mutants by name, each worker in a nursery of its own. Raises Unsound where the tree itself does not pass."""
    toll, known = Toll(), excuses()
    with ExitStack() as stack, ThreadPoolExecutor(workers) as pool:
        free: queue.SimpleQueue[Nursery] = queue.SimpleQueue()
        stages = [herd.quick] if is_quick else [herd.quick, herd.thorough]
        for nursery in pool.map(lambda _: Nursery(ROOT, stages, is_python=herd.is_python), range(workers)):
            free.put(stack.enter_context(nursery))
        for name, found in zip(names, pool.map(lambda name: _fate(free, herd, name), names), strict=True):
            tell(name, found)
            match found["fate"]:
                case "killed":
                    toll.killed += 1
                case "survived":
                    toll.survivors[name] = known.get(name, "")
                case "unreadable":
                    toll.unreadable.append(name)
                case other:
                    raise ValueError(other)
    return toll


def judged_thriftily(herd: Herd, names: Sequence[str]) -> Toll:
    """By the quick tests, and by the thorough ones only those survivors that nobody has looked at."""
    toll = judged(herd, names, workers=1, is_quick=True)
    if fresh := list(new_survivors(toll)):
        again = judged(herd, fresh, workers=1)
        toll.killed += again.killed
        toll.survivors = {name: why for name, why in toll.survivors.items() if why} | again.survivors
    return toll


def judged_again(herd: Herd, before: Mapping[str, Any], workers: int, tell: Callable[[str, dict[str, Any]], None]) -> Toll:
    """The whole herd's toll, of what docs/mutants.json says and of those that are judged now."""
    files = digests(herd)
    some = [name for name, one in herd.mutants.items() if name in before["survivors"] or files[one.file] != before["files"].get(one.file)]
    toll = judged(herd, some, workers, tell=tell)
    unreadable = [name for name in before["unreadable"] if name in herd.mutants and name not in some]
    toll.unreadable += unreadable
    toll.killed = len(herd.mutants) - len(toll.survivors) - len(toll.unreadable)
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
        "unjudged": len(herd.mutants) - toll.mutants - len(toll.unreadable),
        "commit": known["commit"], "date": known["date"], "survivors": toll.survivors, "unreadable": toll.unreadable,
        "files": digests(herd),
    }  # fmt: skip
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")


def new_survivors(toll: Toll) -> Iterator[str]:
    """Those that nobody has looked at."""
    return (name for name, why in toll.survivors.items() if not why)


if __name__ == "__main__":
    main()
