"""Bring up and bring down: PostgreSQL, Airflow's components, our web processes, and Twilio's stand-in where no account is set."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console

from pipeline.errors import ActionNeeded
from pipeline.home import Home
from pipeline.launcher.environment import environment
from pipeline.launcher.installation import USER, Places, Ports, Secrets
from pipeline.launcher.processes import Register, Service, Started, is_alive, start, stop, wait_until
from pipeline.launcher.rest import Airflow
from pipeline.ledger import server
from pipeline.log import event
from pipeline.settings import Settings

HEALTH_LIMIT_S = 180.0
DAGS = frozenset({"intake", "decide", "desk", "notify", "watch"})
POOL = "warehouse_writer"


@dataclass(frozen=True)
class Running:
    """What `up` started, and where to find it."""

    airflow_url: str
    result_page_url: str
    desk_url: str
    user: str
    password: str = field(repr=False)
    twilio_stand_in_url: str | None
    logs: str

    def airflow(self) -> Airflow:
        return Airflow(self.airflow_url, self.user, self.password)


def bring_up(settings: Settings, environ: Mapping[str, str], out: Console) -> Running:
    """Start everything for `settings.home` and return; the services stay. Where all of it runs already, only say where.

    `environ` is what the processes inherit. Raises ActionNeeded, naming the log to read, when something does not start; what was
    started by then is stopped again.
    """
    places = Places(Home(settings.home))
    secrets = places.prepare()
    register = Register(places.services)
    with _only_one(places):
        # Where an older unpool started them, one is missing: all are started anew.
        if (known := register.read()) and all(map(is_alive, known)) and (ports := places.known_ports()):
            return _running(settings, places, ports, secrets)
        stop(known)
        ports = places.choose_ports()
        try:
            return _start_all(settings, places, ports, secrets, environ, out)
        except BaseException:
            stop(register.read())
            register.write([])
            raise


def bring_down(home: Path, out: Console) -> None:
    """Stop what `bring_up` started for this home, PostgreSQL last. Nothing happens where nothing runs."""
    places = Places(Home(home))
    if not places.home.run.exists():
        return
    register = Register(places.services)
    with _only_one(places):
        with out.status("Stopping Airflow"):
            stop(register.read())
            register.write([])
        with out.status("Stopping PostgreSQL"):
            server.stop(home)
    event("services_stopped")


def _start_all(settings: Settings, places: Places, ports: Ports, secrets: Secrets, environ: Mapping[str, str], out: Console) -> Running:
    with out.status("Starting PostgreSQL"):
        database = server.ensure_running(settings.home).url_for("airflow")
    env = environment(settings, places, ports, secrets, database, datetime.now(UTC), environ)
    with out.status("Preparing Airflow's database"):
        _migrate(places, env)
    register, started = Register(places.services), list[Started]()
    for service in services(settings, places, ports):
        started.append(start(service, env))
        register.write(started)
    running = _running(settings, places, ports, secrets)
    with out.status("Waiting for Airflow"), running.airflow() as airflow:
        wait_until(airflow.is_healthy, "Airflow's components are healthy", HEALTH_LIMIT_S, started)
        airflow.ensure_pool(POOL, 1, "One slot: DuckDB takes one writing process.")
        wait_until(lambda: _dags_known(airflow), "Airflow knows the DAGs", HEALTH_LIMIT_S, started)
    with out.status("Waiting for the web processes"):
        for port in (ports.callbacks, ports.result, ports.desk, ports.twilio)[: 4 if settings.twilio is None else 3]:
            wait_until(lambda port=port: _accepts(port), f"port {port} answers", HEALTH_LIMIT_S, started)  # type: ignore[misc]
    event("services_started", port=ports.airflow, services=len(started))
    return running


def services(settings: Settings, places: Places, ports: Ports) -> Sequence[Service]:
    """All programs of an installation, in the order in which they start."""

    def service(name: str, module: str, *arguments: str) -> Service:
        return Service(name, (sys.executable, "-m", module, *arguments), places.log_of(name))

    found = [
        service("api-server", "airflow", "api-server"),
        # Without --skip-serve-logs these two listen on all interfaces.
        service("scheduler", "airflow", "scheduler", "--skip-serve-logs"),
        service("dag-processor", "airflow", "dag-processor"),
        service("triggerer", "airflow", "triggerer", "--skip-serve-logs"),
        service("callbacks", "pipeline", "callbacks", "--port", str(ports.callbacks)),
        service("result-page", "pipeline", "result-page", "--port", str(ports.result)),
        service("desk", "pipeline", "desk", "--port", str(ports.desk)),
    ]
    if settings.twilio is None:
        found.append(service("twilio-stand-in", "pipeline", "twilio-stand-in", "--port", str(ports.twilio)))
    return found


def _migrate(places: Places, env: Mapping[str, str]) -> None:
    log = places.log_of("db-migrate")
    command = (sys.executable, "-m", "airflow", "db", "migrate")
    with log.open("ab") as file:
        done = subprocess.run(command, env=dict(env), stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False)
    if done.returncode:
        raise ActionNeeded(f"Airflow's database could not be prepared; {log} says why.")


def _dags_known(airflow: Airflow) -> bool:
    if broken := airflow.import_errors():
        raise ActionNeeded(f"Airflow cannot import {', '.join(sorted(broken))}: see the DAG's page in its UI.")
    return airflow.dag_ids() >= DAGS


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _running(settings: Settings, places: Places, ports: Ports, secrets: Secrets) -> Running:
    stand_in = None if settings.twilio else f"http://127.0.0.1:{ports.twilio}"
    airflow, result, desk = (f"http://127.0.0.1:{port}" for port in (ports.airflow, ports.result, ports.desk))
    return Running(airflow, result, desk, USER, secrets.password, stand_in, str(places.logs))


@contextmanager
def _only_one(places: Places) -> Iterator[None]:
    """Two launchers on one home would start everything twice."""
    try:
        with FileLock(places.lock, timeout=0):
            yield
    except Timeout:
        raise ActionNeeded(f"Another unpool is starting or stopping the services of {places.home.root}.") from None
