"""What one more manifest of 260 people costs: in an empty warehouse, and in one that holds a national day. In turns, in one process.

Its tube codes lie inside the range of those that are there: no engine can know by a range that they are new. Prints one JSON object as
its last line: `python -m tests.bench.growth --home HOME`, with the home that `make bench-day` left.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from pipeline.domain.tube_codes import with_check
from pipeline.domain.words import FileKind
from pipeline.launcher.preload import preload
from pipeline.ledger import server
from pipeline.settings import Settings
from pipeline.stages.decide import decide
from pipeline.stages.house import House, open_house
from pipeline.stages.init import init
from pipeline.stages.intake import intake
from pipeline.stages.receive import receive
from pipeline.stages.status import status
from tests.bench.crowd import POOL
from tests.bench.ours import MEMORY_LIMIT, moment

ROWS = 260
WARM_UPS = 2
HEADINGS = "tube_code,collected_at,full_name,birth_date,sex,phone,citizen_id,pool_size,pooling_mode,specimen_code"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--home", type=Path, required=True, help="an installation that holds a day of `make bench-day`")
    parser.add_argument("--turns", type=int, default=9)
    asked = parser.parse_args()
    preload()
    with tempfile.TemporaryDirectory(prefix="unpool-bench-") as folder:
        empty = Settings(home=Path(folder) / "home", programme="vietnam", memory_limit=MEMORY_LIMIT)
        full = replace(empty, home=asked.home.absolute())
        init(empty)
        try:
            with open_house(empty) as small, open_house(full) as large:
                tubes = sum(status(large)["tubes"].values())
                print(json.dumps(in_turns(small, large, Path(folder), asked.turns, first=tubes // 2) | {"growth_tubes": tubes}))
        finally:
            server.stop(empty.home)
            server.stop(full.home)


def in_turns(small: House, large: House, folder: Path, turns: int, first: int) -> dict[str, float]:
    """Medians; the first few are not counted."""
    spent: dict[str, list[float]] = {"empty": [], "full": []}
    for turn in range(WARM_UPS + turns):
        for name, house in (("empty", small), ("full", large)):
            taken = one_more(house, folder, first + turn * ROWS)
            if turn >= WARM_UPS:
                spent[name].append(taken)
    empty, full = median(spent["empty"]), median(spent["full"])
    return {"one_more_file_ratio": full / empty, "one_more_file_empty_s": empty, "one_more_file_full_s": full}


def one_more(house: House, folder: Path, first: int) -> float:
    """Seconds of intake and decide for a manifest of 260 new people in 26 new tubes, from number `first` on."""
    collected = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")).replace(tzinfo=None) - timedelta(hours=1)
    # A digit more than the day's codes have.
    lines = [
        f"{with_check(f'UP{first + row // POOL:08d}7')},{collected:%Y-%m-%d %H:%M},Nguyễn Thị Lan,1980-06-15,F,0520{(first + row) % 10**6:06d},,{POOL},field,"
        for row in range(ROWS)
    ]
    file = folder / f"more_{first}.csv"
    file.write_text("\n".join([HEADINGS, *lines]) + "\n")
    receive(house.home, [file], "team-1", FileKind.MANIFEST)
    now = moment(collected + timedelta(hours=1))
    start = time.perf_counter()
    taken, decided = intake(house, now), decide(house, now)
    spent = time.perf_counter() - start
    if (taken.rows_accepted, decided.tubes) != (ROWS, ROWS // POOL):
        raise RuntimeError(f"260 people in 26 tubes were to be taken in: {taken}, {decided}")
    return spent


if __name__ == "__main__":
    main()
