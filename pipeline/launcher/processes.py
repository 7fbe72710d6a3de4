"""Start services in sessions of their own, remember them in a file, end them without leaving a child behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from pipeline.errors import ActionNeeded

TERM_LIMIT_S = 20.0
KILL_LIMIT_S = 10.0
POLL_S = 0.2


@dataclass(frozen=True)
class Service:
    """A program to run, and the file for what it prints."""

    name: str
    command: tuple[str, ...]
    log: Path


@dataclass(frozen=True)
class Started:
    """A running service. `created` (seconds since 1970) tells it from a later process with the same id."""

    name: str
    pid: int
    created: float
    log: str


class Register:
    """The services that were started for a home, in `run/services.json`: written after every start, so that `down` finds them all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[Started]:
        try:
            return [Started(**entry) for entry in json.loads(self.path.read_text())]
        except FileNotFoundError:
            return []

    def write(self, started: Sequence[Started]) -> None:
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps([asdict(entry) for entry in started], indent=1))
        part.rename(self.path)


def start(service: Service, environment: Mapping[str, str]) -> Started:
    """Start `service` as the leader of its own session: Ctrl-C in the terminal does not reach it, and its family can be found."""
    service.log.parent.mkdir(parents=True, exist_ok=True)
    with service.log.open("ab") as log:
        process = subprocess.Popen(
            service.command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    return Started(service.name, process.pid, psutil.Process(process.pid).create_time(), str(service.log))


def is_alive(started: Started) -> bool:
    """Whether this very process runs, and not merely a process with its id."""
    try:
        process = psutil.Process(started.pid)
        return bool(process.create_time() == started.created and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def stop(services: Iterable[Started], term_limit_s: float = TERM_LIMIT_S) -> None:
    """Ask every service to end, all at once; after the limit, end it and whatever is left of its session."""
    services = list(services)
    families = {process for entry in services for process in family(entry)}
    for entry in services:
        if is_alive(entry):
            os.kill(entry.pid, signal.SIGTERM)
    _wait_gone([entry.pid for entry in services if is_alive(entry)], term_limit_s)
    # Children that their parent made while it ended, or did not take along.
    families |= {process for entry in services for process in family(entry)}
    for process in families:
        _kill(process)
    psutil.wait_procs(families, timeout=KILL_LIMIT_S)


def family(started: Started) -> set[psutil.Process]:
    """The service, its descendants and everybody else in its session: a child whose parent died is nobody's descendant any more."""
    if started.created < psutil.boot_time():
        return set()
    found: set[psutil.Process] = set()
    try:
        leader = psutil.Process(started.pid)
        if leader.create_time() != started.created:
            return set()
        found = {leader, *leader.children(recursive=True)}
    except psutil.NoSuchProcess:
        pass  # Its session may outlive it. The kernel gives no new process the number of a session that still has members.
    return found | {process for process in psutil.process_iter() if _session(process.pid) == started.pid}


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.kill()


def _wait_gone(pids: list[int], limit_s: float) -> None:
    processes = []
    for pid in pids:
        try:
            processes.append(psutil.Process(pid))
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(processes, timeout=limit_s)


def wait_until(condition: Callable[[], bool], what: str, limit_s: float, services: Sequence[Started]) -> None:
    """Wait for `condition`. Raises ActionNeeded, naming the log, when a service ends meanwhile or the limit passes."""
    limit = time.monotonic() + limit_s
    while not condition():
        for entry in services:
            if not is_alive(entry):
                raise ActionNeeded(f"{entry.name} ended while it was starting; {entry.log} says why.", service=entry.name)
        if time.monotonic() > limit:
            raise ActionNeeded(f"{what}: not within {limit_s:.0f} seconds. The logs are in {_folders(services)}.")
        time.sleep(POLL_S)


def _folders(services: Sequence[Started]) -> str:
    return ", ".join(sorted({str(Path(entry.log).parent) for entry in services}))
