"""The small town on Airflow: one installation, brought up once, whose processes a test may stop, end and start again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from rich.console import Console
from sqlalchemy import select

from pipeline.domain.words import MessageState
from pipeline.home import Home
from pipeline.launcher.environment import TUNING
from pipeline.launcher.installation import Places
from pipeline.launcher.processes import Register, Started, family, start
from pipeline.launcher.quiet import UnderWay, under_way, wait_until_quiet
from pipeline.launcher.rest import Airflow
from pipeline.launcher.services import DAGS, bring_down, bring_up, services
from pipeline.ledger.engine import Ledger, open_ledger
from pipeline.ledger.server import Server, database_url
from pipeline.ledger.tables import message
from pipeline.programme import SHIPPED
from pipeline.settings import Settings
from pipeline.stages.init import init
from tests.bench.process import environment
from tests.faults.town import DAY_2, drop
from tests.homes import MASTER_KEY, Installation, in_child

# Generous: thirty days ran for two minutes on a machine that others used too.
LIMIT_S = 540.0
POLL_S = 0.05
# A dead task and a dead scheduler are noticed within seconds, not minutes.
NOTICED_SOON = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "8",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
}
WORKERS = int(TUNING["AIRFLOW__CORE__PARALLELISM"])
# Slow enough to be met in the middle of its work.
PER_SECOND = 2
# Not those of the other tests that bring Airflow up, which may begin at the same moment.
PORTS = {"airflow": 18080, "callbacks": 18081, "twilio": 18082, "result": 18083}


class Operator(Airflow):
    """The launcher's client, with what an operator may do."""

    def tasks(self, dag_id: str, **wanted: object) -> list[dict[str, Any]]:
        """Task instances of a DAG, or of all ("~"): `id`, `dag_id`, `dag_run_id`, `state`, `try_number`, `queued_when`, ..."""
        answer = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/~/taskInstances", params={"limit": 1_000, **wanted})
        found: list[dict[str, Any]] = answer.json()["task_instances"]
        return found

    def trigger(self, dag_id: str, logical_date: str | None = None) -> None:
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": logical_date})

    def clear(self, dag_id: str, run_id: str) -> int:
        """Clear every task of a run, which Airflow then does again; how many."""
        wanted = {"dry_run": False, "only_failed": False, "dag_run_id": run_id}
        return int(self._call("POST", f"/api/v2/dags/{dag_id}/clearTaskInstances", json=wanted).json()["total_entries"])

    def backfill(self, dag_id: str, first: str, last: str) -> None:
        self._call("POST", "/api/v2/backfills", json={"dag_id": dag_id, "from_date": first, "to_date": last, "max_active_runs": 1})

    def succeeded(self, dag_id: str, run_type: str) -> int:
        answer = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns", params={"run_type": run_type, "state": "success", "limit": 1})
        return int(answer.json()["total_entries"])


@dataclass
class AirflowTown:
    """`services` are those that should be alive, `dropped` the days whose files were given."""

    installation: Installation
    airflow: Operator
    twilio_url: str
    ledger: Ledger
    services: list[Started]
    dropped: list[object] = field(default_factory=list)

    @property
    def places(self) -> Places:
        return Places(Home(self.installation.home))

    def twilio(self) -> dict[str, Any]:
        """The stand-in's counts."""
        return dict(httpx.get(f"{self.twilio_url}/_accepted", trust_env=False).json())

    def drop(self, day: dict[str, dict[str, bytes]], folder: Path) -> None:
        drop(self.installation, day, folder)
        self.dropped.append(day)

    def have(self, day: dict[str, dict[str, bytes]], folder: Path) -> None:
        """See to it that this day was, and is over."""
        if day not in self.dropped:
            self.drop(day, folder)
        self.wait_until_quiet()

    def wait_until_quiet(self) -> None:
        def look() -> UnderWay:
            return under_way(self.places.home, self.airflow, self.ledger, sorted(DAGS))

        def failed() -> list[str]:
            return [dag_id for dag_id in sorted(DAGS) if any(run["state"] == "failed" for run in self.airflow.runs(dag_id))]

        wait_until_quiet(look, failed, self.services, LIMIT_S, lambda _: None)

    def service(self, name: str) -> Started:
        return next(entry for entry in self.services if entry.name == name)

    def process(self, name: str) -> psutil.Process:
        return psutil.Process(self.service(name).pid)

    def task_processes(self, task_id: str) -> tuple[psutil.Process, list[psutil.Process]]:
        """The supervisor that a task instance has in the scheduler's family, and the processes that do its work."""
        for worker in self.process("scheduler").children():
            with suppress(psutil.Error):
                if task_id in " ".join(worker.cmdline()):
                    return worker, worker.children(recursive=True)
        raise AssertionError(f"nobody works on {task_id}")

    def workers(self) -> list[psutil.Process]:
        """Those of the scheduler, once it has them all."""
        scheduler = self.process("scheduler")
        until(lambda: len(scheduler.children()) == WORKERS, "the scheduler has its workers")
        return scheduler.children()

    @contextmanager
    def workers_standing_still(self) -> Iterator[None]:
        """What the scheduler hands out meanwhile is enqueued and is not begun, but for what a worker had taken up just before."""
        halted = [worker for worker in self.workers() if is_idle(worker)]
        for worker in halted:
            worker.suspend()
        try:
            yield
        finally:
            for worker in halted:
                with suppress(psutil.NoSuchProcess):
                    worker.resume()

    def kill_scheduler(self, *, with_workers: bool) -> Started:
        """As after a crash of it alone, or of all its family."""
        dead = self.service("scheduler")
        process = psutil.Process(dead.pid)
        process.kill()
        process.wait(LIMIT_S)
        if with_workers:
            kill(family(dead))
        return dead

    def start_scheduler_again(self, dead: Started) -> None:
        """Beside the dead one's workers, which end the tasks that they have and are ended then.

        They would never go by themselves; and each holds the dead one's connections open, and so its transaction with its locks, for
        which the new one would wait for ever. (An operator's service manager ends the whole family at once.)
        """
        places = self.places
        service = next(one for one in services(self.installation.settings, places, places.known_ports()) if one.name == dead.name)
        # Its neighbour's variables: a process that changes its title writes over its own.
        born = start(service, self.process("callbacks").environ())
        self.services = [born if entry is dead else entry for entry in self.services]
        # Both: whatever happens here, their families are found when all is brought down.
        Register(places.services).write([*self.services, dead])
        self.workers()
        until(lambda: all(map(is_idle, family(dead))), "the dead scheduler's workers have ended their tasks")
        kill(family(dead))
        Register(places.services).write(self.services)

    def claimers(self) -> set[str]:
        """The runs of notify that claimed what is delivered by now."""
        with self.ledger.begin() as conn:
            return set(conn.execute(select(message.c.claimed_by).where(message.c.state == MessageState.DELIVERED)).scalars())


@contextmanager
def airflow_town(home: Path, server: Server) -> Iterator[AirflowTown]:
    home.mkdir()
    settings = Settings(home=home, programme=str(slow_programme(home)), master_key=MASTER_KEY, memory_limit="1GB", now=DAY_2)
    made = Installation(settings, server)
    places = Places(Home(home))
    variables = environment() | NOTICED_SOON | {"UNPOOL_MASTER_KEY": MASTER_KEY, "UNPOOL_MEMORY_LIMIT": "1GB"}
    try:
        in_child(lambda: init(settings) and None)
        places.prepare()
        places.ports.write_text(json.dumps(PORTS))
        running = bring_up(settings, variables, Console(quiet=True))
        ledger = open_ledger(database_url(settings))
        try:
            with Operator(running.airflow_url, running.user, running.password) as airflow:
                yield AirflowTown(made, airflow, str(running.twilio_stand_in_url), ledger, Register(places.services).read())
        finally:
            ledger.close()
    finally:
        bring_down(home, Console(quiet=True))


def slow_programme(folder: Path) -> Path:
    text = (SHIPPED / "programmes" / "vietnam" / "programme.toml").read_text(encoding="utf-8")
    slow = text.replace("per_second = 20\n", f"per_second = {PER_SECOND}\n")
    assert slow != text
    path = folder / "programme.toml"
    path.write_text(slow, encoding="utf-8")
    return path


def kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def is_idle(worker: psutil.Process) -> bool:
    """Whether it waits for a task, or is gone."""
    try:
        return "<idle>" in " ".join(worker.cmdline())
    except psutil.NoSuchProcess:
        return True


def until(condition: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < limit, f"not within {LIMIT_S:.0f} s: {what}"
        time.sleep(POLL_S)
