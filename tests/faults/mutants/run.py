"""`make mutants`: each mutant in a copy of the tree, judged by the tests that are quick and about it; survivors are listed.

A mutant is killed when a test fails, or when they take far longer than without it. One that the engine or Python cannot even read is
none. Survivors that change nothing anybody could see stand, with the reason, in `survivors.toml`. Writes build/mutants.json, which
`python -m tests.faults.report` takes up.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from tests.faults.mutants import python, sql
from tests.faults.mutants.sql import Mutant

ROOT = Path(__file__).parents[3]
FOUND = ROOT / "build" / "mutants.json"
LIMIT_S = 240
_FOLDERS = ("pipeline", "sql", "tests", "data_samples", "expectations", "dags")
_UNREADABLE = re.compile(r"ParserException|BinderException|CatalogException|SyntaxError|Parser Error|Binder Error")


@dataclass(frozen=True)
class Herd:
    """Files whose mutants the same tests judge, the likeliest to notice first."""

    name: str
    pattern: str
    tests: Sequence[str]


HERDS = (
    Herd("decide", "sql/decide/*.sql", ("tests/sql/test_decide_cases.py", "tests/sql/test_published.py", "tests/property/test_decide_model.py", "tests/property/test_decide_incremental.py")),
    Herd("domain", "pipeline/domain/*.py", ("tests/unit", "tests/property/test_domain_properties.py", "tests/sql/test_checks_manifest.py")),
    Herd("outbox", "pipeline/ledger/outbox.py", ("tests/unit/test_ledger_sqlite.py", "tests/integration/test_ledger_outbox.py", "tests/integration/test_notify.py")),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--herd", choices=[herd.name for herd in HERDS], action="append")
    parser.add_argument("--sample", type=int, help="so many of each herd, drawn at random, the same ones each time")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    console = Console()
    found = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    for herd in HERDS:
        if asked.herd is None or herd.name in asked.herd:
            found[herd.name] = judged(console, herd, asked.sample, asked.workers)
            FOUND.parent.mkdir(exist_ok=True)
            FOUND.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n")


def judged(console: Console, herd: Herd, sample: int | None, workers: int) -> dict[str, object]:
    """Judge the mutants of one herd. Returns counts and the survivors without an excuse."""
    everyone = list(all_mutants(herd))
    some = random.Random(13).sample(everyone, min(sample or len(everyone), len(everyone)))
    counts: Counter[str] = Counter()
    survivors: list[str] = []
    excuses = tomllib.loads((Path(__file__).parent / "survivors.toml").read_text(encoding="utf-8"))
    with Progress(console=console) as progress, ThreadPoolExecutor(workers) as pool:
        task = progress.add_task(herd.name, total=len(some))
        for mutant, fate in zip(some, pool.map(lambda one: fate_of(one, herd), some), strict=True):
            counts[fate] += 1
            if fate == "survived":
                counts["excused"] += mutant.name in excuses
                survivors.append(mutant.name)
                progress.console.print(f"survived: {mutant.name}", highlight=False)
            progress.advance(task)
    return {"mutants": counts["killed"] + counts["survived"], **counts, "survivors": survivors}


def all_mutants(herd: Herd) -> Iterator[Mutant]:
    for path in sorted(ROOT.glob(herd.pattern)):
        make = sql.mutants if path.suffix == ".sql" else python.mutants
        yield from make(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def fate_of(mutant: Mutant, herd: Herd) -> str:
    """`killed`, `survived` or `unreadable`."""
    with tempfile.TemporaryDirectory(prefix="unpool-mutant-") as folder:
        tree = Path(folder)
        tree.chmod(0o755)
        for name in _FOLDERS:
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", tree)
        (tree / mutant.file).write_text(mutant.text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *herd.tests]
        try:
            done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            return "killed"
    if done.returncode == 0:
        return "survived"
    return "unreadable" if _UNREADABLE.search(done.stdout) else "killed"


if __name__ == "__main__":
    main()
