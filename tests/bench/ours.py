"""The product, once: a crowd's files through intake and decide into a new installation, in a process of its own.

Copying into the inbox is not counted: senders do that. Nor are imports and the first small programme of a process. Prints one JSON
object as its last line: `python -m tests.bench.ours --crowd FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.domain.words import FileKind
from pipeline.launcher.preload import preload
from pipeline.ledger import outbox, server
from pipeline.settings import Settings
from pipeline.stages import decide_batch, intake, intake_batch
from pipeline.stages.decide import decide
from pipeline.stages.house import House, open_house
from pipeline.stages.init import init
from pipeline.stages.receive import receive
from pipeline.stages.status import status
from tests.bench.crowd import Crowd, open_crowd, write_crowd

MEMORY_LIMIT = "2GB"
WARM_UP = 1_000
# Where the time goes: the functions that a batch's time is spent in. The cards are written beside the messages.
PARTS: tuple[tuple[str, Any, str], ...] = (
    ("archive", intake, "take_in"),
    ("read", intake_batch, "open_files"),
    ("rules", intake_batch, "run_checks"),
    ("second_judge", intake_batch, "_judge"),
    ("vault", intake_batch, "write_batch"),
    ("rejects", intake_batch, "return_rejects"),
    ("decide_facts", decide_batch, "decide_facts"),
    ("messages", outbox, "enqueue_many"),
    ("cards", decide_batch, "_publish_cards"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--crowd", type=Path, required=True, help="a folder that tests.bench.crowd wrote")
    asked = parser.parse_args()
    preload()
    with tempfile.TemporaryDirectory(prefix="unpool-bench-") as folder:
        through(Path(folder) / "warm-up", write_crowd(Path(folder) / "files", WARM_UP, 1))
        print(json.dumps(through(Path(folder) / "home", open_crowd(asked.crowd))))


def through(home: Path, crowd: Crowd) -> dict[str, Any]:
    """Seconds of intake and of decide (messages and cards in the ledger included), of their parts, and what stands there then."""
    settings = Settings(home=home, programme="vietnam", memory_limit=MEMORY_LIMIT)
    now = moment(crowd.as_of)
    try:
        init(settings)
        with open_house(settings) as house:
            receive(house.home, crowd.manifests, "team-1", FileKind.MANIFEST)
            receive(house.home, crowd.results, "lab-1", FileKind.RESULTS)
            parts = watch_parts()
            figures = {"intake_s": seconds(lambda: intake.intake(house, now)), "decide_s": seconds(lambda: decide(house, now))}
            return figures | {"parts": dict(parts), "counts": counts(house)}
    finally:
        server.stop(home)


def counts(house: House) -> dict[str, Any]:
    figures = status(house)
    return {key: figures[key] for key in ("files", "rows", "tubes", "outcomes", "worklist", "callback", "holds", "messages")}


def moment(local: datetime) -> datetime:
    return local.replace(tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")).astimezone(UTC)


def seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def watch_parts() -> dict[str, float]:
    """Seconds in each of PARTS from now on; the dictionary fills as they are called."""
    spent: dict[str, float] = defaultdict(float)
    lock = Lock()

    def timed(part: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return original(*args, **kwargs)
            finally:
                with lock:
                    spent[part] += time.perf_counter() - start

        return step

    for part, module, name in PARTS:
        original = getattr(module, name)
        original = getattr(original, "unwatched", original)
        step = timed(part, original)
        step.unwatched = original  # type: ignore[attr-defined]
        setattr(module, name, step)
    return spent


if __name__ == "__main__":
    main()
