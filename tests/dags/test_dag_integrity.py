"""Every DAG file is wired as docs/architecture.md says, is documented for operators, and touches nothing when it is imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DAGS = ROOT / "dags"

# What each DAG waits for (cron, asset), what its task tells, whether it writes the warehouse.
WIRING = {
    "intake": ("*/5 * * * *", "unpool://inbox", "unpool://facts", True),
    "decide": ("2-59/5 * * * *", "unpool://facts", "unpool://messages", True),
    "desk": ("4-59/5 * * * *", "unpool://messages", None, True),
    "notify": ("* * * * *", "unpool://messages", None, False),
    "watch": ("*/10 * * * *", None, None, True),
}

# Imports the DAG files while an audit hook notes every file opened for anything but importing it, every connection, every process.
IMPORT_UNDER_WATCH = """
import os, sys, sysconfig
root, files = sys.argv[1], sys.argv[2:]
sys.path[:0] = [root, root + "/dags"]
# Airflow imports its parts when they are first named, and one of them runs a process at that: not the DAG files' doing.
from airflow.sdk import Asset, AssetOrTimeSchedule, AssetWatcher, Connection, CronTriggerTimetable, dag, task
import airflow.triggers.base, airflow.sdk.exceptions
library = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
watching, seen = True, []
def hook(name, arguments):
    if not watching:
        return
    if name == "open":
        path, mode = str(arguments[0]), arguments[1]
        is_code = path.startswith(library + (root + "/dags", root + "/pipeline")) and path.endswith((".py", ".pyc", ".so"))
        if not is_code or (mode and set(mode) & set("wax+")):
            seen.append(f"{name} {path}")
    elif name in ("socket.connect", "subprocess.Popen", "os.system", "os.mkdir", "os.remove", "os.rename", "os.listdir", "os.scandir",
                  "sqlite3.connect"):
        if name not in ("os.listdir", "os.scandir") or not str(arguments[0]).startswith(library + (root,)):
            seen.append(f"{name} {arguments[0]}")
sys.dont_write_bytecode = True
sys.addaudithook(hook)
import importlib.util
for file in files:
    spec = importlib.util.spec_from_file_location("watched_" + os.path.basename(file)[:-3], file)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
watching = False
heavy = sorted({"duckdb", "pyarrow", "pandas", "great_expectations", "twilio", "pipeline"} & set(sys.modules))
print("\\n".join(seen + [f"imports {name}" for name in heavy]))
"""


def touched_at_import(*files: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_UNDER_WATCH, str(ROOT), *map(str, files)], capture_output=True, text=True, check=True, timeout=120
    )
    return [line for line in done.stdout.splitlines() if line]


def dag_files() -> list[Path]:
    return sorted(DAGS.glob("*.py"))


def test_all_dags_are_there_and_import_without_errors(dagbag):
    assert dagbag.import_errors == {}
    assert set(dagbag.dags) == set(WIRING) == {file.stem for file in dag_files()}


def test_no_dag_file_reads_or_writes_at_import():
    assert touched_at_import(*dag_files()) == []


@pytest.mark.parametrize(
    "line",
    [
        "open('/etc/hostname').read()",
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import sqlite3; sqlite3.connect(':memory:')",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.listdir('/')",
        "import pipeline.settings",
    ],
)
def test_the_import_watch_sees_what_it_should(tmp_path, line):
    bad = tmp_path / "bad.py"
    bad.write_text(f"try:\n    {line}\nexcept OSError:\n    pass\n")
    assert touched_at_import(bad)


@pytest.mark.parametrize("dag_id", WIRING)
def test_schedule_and_assets(dagbag, dag_id):
    cron, waits_for, tells, writes_warehouse = WIRING[dag_id]
    dag = dagbag.dags[dag_id]
    timetable = dag.timetable
    if waits_for is None:
        assert timetable.expression == cron
    else:
        assert timetable.timetable.expression == cron
        assert [asset.uri.rstrip("/") for asset in timetable.asset_condition.objects] == [waits_for]
    (task,) = dag.tasks
    assert [asset.uri.rstrip("/") for asset in task.outlets] == ([tells] if tells else [])
    assert (task.pool == "warehouse_writer") == writes_warehouse
    assert dag.max_active_runs == 1
    assert dag.catchup is False


@pytest.mark.parametrize("dag_id", WIRING)
def test_owner_tags_retries_and_limit(dagbag, dag_id):
    dag = dagbag.dags[dag_id]
    assert "unpool" in dag.tags and len(dag.tags) > 1
    for task in dag.tasks:
        assert task.owner not in ("", "airflow")
        assert task.retries == 3
        assert task.retry_delay >= timedelta(seconds=10)
        assert task.execution_timeout


@pytest.mark.parametrize("dag_id", WIRING)
def test_the_docstring_is_the_operators_page(dagbag, dag_id):
    page = dagbag.dags[dag_id].doc_md
    assert page == ast.get_docstring(ast.parse((DAGS / f"{dag_id}.py").read_text()), clean=False)
    assert f"# {dag_id}:" in page
    assert "## If it fails" in page and page.count("\n- ") >= 4
    assert "## Tóm tắt" in page


def test_the_inbox_asset_is_watched(dagbag):
    from unpool_airflow.inbox_trigger import InboxTrigger

    (asset,) = dagbag.dags["intake"].timetable.asset_condition.objects
    (watcher,) = asset.watchers
    assert isinstance(watcher.trigger, InboxTrigger)


def test_the_launcher_makes_the_pool_and_waits_for_the_dags_that_exist():
    from pipeline.launcher import services
    from unpool_airflow.assets import WAREHOUSE_WRITER

    assert services.POOL == WAREHOUSE_WRITER
    assert set(WIRING) == services.DAGS


def test_dag_files_only_wire():
    for file in dag_files():
        assert len(file.read_text().splitlines()) <= 120, file.name
