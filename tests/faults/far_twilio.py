"""A stand-in for Twilio in a process of its own, on a clock that both sides read and that only waiting moves."""

from __future__ import annotations

import json
import multiprocessing
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import uvicorn

from pipeline.delivery.stand_in import create_app
from tests.integration.office import ACCOUNT, NOW, SECRET

_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class SharedClock:
    """Seconds since 1970 in shared memory: a pause costs nothing, and Twilio's dates agree with ours."""

    seconds: Synchronized[float]

    def read(self) -> float:
        return self.seconds.value

    def sleep(self, seconds: float) -> None:
        with self.seconds.get_lock():
            self.seconds.value += seconds

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.read(), UTC)


@dataclass(frozen=True)
class FarTwilio:
    """`kept` is the file in which it notes each message that it took: the judge of what was doubled or lost."""

    address: str
    clock: SharedClock
    kept: Path

    def taken(self) -> list[dict[str, str]]:
        """`sid`, `to` and `body` of every message that it ever took."""
        return [json.loads(line) for line in self.kept.read_text(encoding="utf-8").splitlines()] if self.kept.exists() else []


@contextmanager
def far_twilio(folder: Path) -> Iterator[FarTwilio]:
    """Serve until the block ends. Callers queue from the start: nobody has to wait for the process."""
    clock = SharedClock(_fork.Value("d", NOW.timestamp()))
    with socket.create_server(("127.0.0.1", 0), backlog=1_024) as door:
        far = FarTwilio(f"http://127.0.0.1:{door.getsockname()[1]}", clock, folder / "kept.jsonl")
        process = _fork.Process(target=_serve, args=(door, far), daemon=True)
        process.start()
    try:
        yield far
    finally:
        process.kill()
        process.join()
        process.close()


def _serve(door: socket.socket, far: FarTwilio) -> None:
    app = create_app(ACCOUNT, SECRET, far.clock.moment, keep_in=far.kept)
    uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="critical")).run(sockets=[door])
