"""Airflow itself, on PostgreSQL, with our DAGs: comes up, notices a dropped file, goes away without a trace."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from pipeline.home import Home
from pipeline.launcher.installation import Places
from pipeline.launcher.processes import Register, family
from pipeline.launcher.services import DAGS, bring_down, bring_up
from pipeline.ledger import receipts
from pipeline.settings import Settings
from pipeline.stages.house import open_house
from pipeline.stages.init import init
from pipeline.stages.receive import receive

LIMIT_S = 120.0


def until(condition, what: str):
    limit = time.monotonic() + LIMIT_S
    while not (found := condition()):
        assert time.monotonic() < limit, what
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """Up once for the tests of this file."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), programme="vietnam")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "UNPOOL_", "TWILIO_"))}
    try:
        init(settings)
        running = bring_up(settings, environ, Console(quiet=True))
        with running.airflow() as airflow:
            yield settings, running, airflow
    finally:
        bring_down(settings.home, Console(quiet=True))


def drop(settings: Settings, folder: Path, name: str) -> None:
    path = folder / name
    path.write_text("this,is,no\nformat,we,know\n")
    receive(Home(settings.home), [path], "team-a", None)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_dropped_file_is_noticed_and_taken_in(installation, tmp_path):
    settings, _, airflow = installation
    # The sweep that every start makes is over: what comes now is the watcher's doing.
    until(lambda: airflow.runs("intake") and "intake" not in airflow.unfinished_runs(), "the first sweep ends")
    for number in range(20):
        drop(settings, tmp_path, f"{number}.csv")

    def settled():
        with open_house(settings) as house, house.ledger.begin() as conn:
            return receipts.counts(conn)["files"]["refused"] == 20

    until(settled, "20 files are settled")
    assert 1 <= airflow.events("unpool://inbox/") <= 3, "one event a burst; a sweep may have been quicker than its run"
    assert all(run["state"] in ("success", "running", "queued") for run in airflow.runs("intake"))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_dags_are_there_unpaused_and_a_second_up_changes_nothing(installation):
    settings, running, airflow = installation
    assert airflow.dag_ids() == DAGS and airflow.import_errors() == []
    before = Register(Places(Home(settings.home)).services).read()
    assert bring_up(settings, {}, Console(quiet=True)) == running
    assert Register(Places(Home(settings.home)).services).read() == before


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_listens_beyond_this_machine(installation):
    settings, _, _ = installation
    processes = {process for entry in Register(Places(Home(settings.home)).services).read() for process in family(entry)}
    listening = [address for process in processes for address in listens_on(process)]
    assert listening and set(listening) == {"127.0.0.1"}


def listens_on(process: psutil.Process) -> list[str]:
    try:
        return [connection.laddr.ip for connection in process.net_connections() if connection.status == "LISTEN"]
    except psutil.NoSuchProcess:
        # A task's process, which ended meanwhile.
        return []


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_password_is_in_no_log(installation):
    _, running, _ = installation
    texts = [path.read_text(errors="replace") for path in Path(running.logs).rglob("*.log")]
    assert len(texts) >= 5
    assert not any(running.password in text for text in texts)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_down_leaves_no_process(installation):
    settings, _, _ = installation
    entries = Register(Places(Home(settings.home)).services).read()
    families = {process for entry in entries for process in family(entry)}
    assert len(families) >= len(entries) >= 5
    bring_down(settings.home, Console(quiet=True))
    _, alive = psutil.wait_procs(families, timeout=LIMIT_S)
    assert alive == []
    assert not [process for process in psutil.process_iter(["cmdline"]) if str(settings.home) in " ".join(process.info["cmdline"] or [])]
