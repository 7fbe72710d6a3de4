"""Write the sample scenarios: `python data_samples/generate.py [--out DIR] [--only NAME] [--today YYYY-MM-DD] [--seed N]`.

Everything is invented from a seed, and written byte for byte the same each time. `--today` moves all days, so that a demo's files are
of these days. The counts in each scenario.toml come from the generator's own books (maker/book.py) and the tests' reference model;
the product is never run here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Set
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "tests" / "property"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from maker.scenarios import SCENARIOS, Day  # noqa: E402  the path is set above

TODAY = date(2026, 11, 12)
SEED = 895231008


def write(out: Path, only: Set[str] | None = None, today: date = TODAY, seed: int = SEED) -> None:
    """Write each scenario into a folder of its name under `out`; its last moment is on `today`."""
    for name, make in SCENARIOS.items():
        if only is None or name in only:
            make(Day(today), seed).write(out)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the synthetic sample scenarios.")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--only", action="append", choices=sorted(SCENARIOS))
    parser.add_argument("--today", type=date.fromisoformat, default=TODAY)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    write(asked.out, set(asked.only) if asked.only else None, asked.today, asked.seed)


if __name__ == "__main__":
    main()
