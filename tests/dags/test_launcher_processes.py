"""What the launcher starts, it can stop: all of it, and nothing else."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import time

import psutil
import pytest

from pipeline.errors import ActionNeeded
from pipeline.launcher.processes import Register, Service, Started, is_alive, start, stop, wait_until

LIMIT_S = 20.0

# A parent with a child that ignores TERM, and a grandchild whose parent is gone. Prints their ids when all run.
FAMILY = """
import subprocess, sys, time
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
PARENT = "import subprocess; print(subprocess.Popen(['sleep', '600'], stdout=subprocess.DEVNULL).pid)"
stubborn = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
stubborn.stdout.readline()
lost = subprocess.run([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True).stdout.strip()
print("ready", stubborn.pid, lost, flush=True)
time.sleep(600)
"""


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition):
    limit = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.fixture
def launch(tmp_path):
    started: list[Started] = []

    def launch(code: str, name: str = "service") -> Started:
        entry = start(Service(name, (sys.executable, "-c", code), tmp_path / "logs" / f"{name}.log"), os.environ)
        started.append(entry)
        return entry

    yield launch
    stop(started, term_limit_s=0)


def test_stop_leaves_no_child_behind(launch, tmp_path):
    entry = launch(FAMILY)
    log = tmp_path / "logs" / "service.log"
    until(lambda: "ready" in log.read_text())
    family = [entry.pid, *map(int, log.read_text().split()[1:])]
    assert all(map(runs, family))
    stop([entry], term_limit_s=2)
    until(lambda: not any(map(runs, family)))


def test_stop_finds_the_children_of_a_leader_that_is_gone(launch, tmp_path):
    entry = launch(FAMILY)
    log = tmp_path / "logs" / "service.log"
    until(lambda: "ready" in log.read_text())
    orphans = [int(pid) for pid in log.read_text().split()[1:]]
    os.kill(entry.pid, signal.SIGKILL)
    os.waitpid(entry.pid, 0)
    assert all(map(runs, orphans))
    stop([entry], term_limit_s=0)
    until(lambda: not any(map(runs, orphans)))


def test_a_service_may_end_by_itself_when_asked(launch, tmp_path):
    entry = launch("import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (print('ended well', flush=True), sys.exit(0))); "
                   "print('ready', flush=True); time.sleep(600)")  # fmt: skip
    log = tmp_path / "logs" / "service.log"
    until(lambda: "ready" in log.read_text())
    stop([entry])
    assert "ended well" in log.read_text()


def test_a_process_with_the_same_id_but_another_birth_is_left_alone(launch):
    entry = launch("import time; time.sleep(600)")
    earlier = dataclasses.replace(entry, created=entry.created - 60)
    assert is_alive(entry) and not is_alive(earlier)
    stop([earlier], term_limit_s=0)
    assert is_alive(entry)


def test_what_was_noted_before_this_machine_started_is_left_alone(launch, tmp_path):
    """Ids begin anew with every start of the machine: a session with that number is somebody else's."""
    entry = launch(FAMILY)
    log = tmp_path / "logs" / "service.log"
    until(lambda: "ready" in log.read_text())
    os.kill(entry.pid, signal.SIGKILL)
    os.waitpid(entry.pid, 0)
    stop([dataclasses.replace(entry, created=psutil.boot_time() - 60)], term_limit_s=0)
    assert all(runs(int(pid)) for pid in log.read_text().split()[1:])


def test_the_register_remembers(tmp_path, launch):
    register = Register(tmp_path / "services.json")
    assert register.read() == []
    entry = launch("pass")
    register.write([entry])
    assert Register(tmp_path / "services.json").read() == [entry]


def test_waiting_ends_with_the_name_of_the_log_when_a_service_ends(launch):
    entry = launch("raise SystemExit(3)", "scheduler")
    with pytest.raises(ActionNeeded, match=r"scheduler ended while it was starting; .*scheduler\.log says why"):
        wait_until(lambda: False, "never", LIMIT_S, [entry])


def test_waiting_ends_at_its_limit():
    with pytest.raises(ActionNeeded, match="the moon: not within 0 seconds"):
        wait_until(lambda: False, "the moon", 0, [])
