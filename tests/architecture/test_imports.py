"""Who may import whom: import-linter's contracts of pyproject.toml hold, and each of them can fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = [one["name"] for one in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]]
# What breaks each contract: contract → (module, line).
BREACHES = {
    "Imports run down only": ("pipeline/domain/breach.py", "import pipeline.stages.house"),
    "Airflow only in dags/": ("pipeline/stages/breach_1.py", "import airflow"),
    "DuckDB only in the warehouse (quality works on a connection that it is given)": ("pipeline/stages/breach_2.py", "import duckdb"),
    "Twilio only in delivery": ("pipeline/stages/breach_3.py", "import twilio.rest"),
    "SQLAlchemy only in the ledger": ("pipeline/stages/breach_4.py", "import sqlalchemy"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    # Only `folder` decides which `pipeline` is looked at.
    program = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_contract_holds() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout
    for contract in CONTRACTS:
        assert f"{contract} KEPT" in done.stdout


def test_every_contract_can_fail(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "pipeline", tmp_path / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for module, line in BREACHES.values():
        (tmp_path / module).write_text(f"{line}\n")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert set(BREACHES) == set(CONTRACTS)
    for contract in CONTRACTS:
        assert f"{contract} BROKEN" in done.stdout


def test_a_room_that_no_layer_names_is_found(tmp_path: Path) -> None:
    """`exhaustive`: a new room has to be given its place."""
    shutil.copytree(ROOT / "pipeline", tmp_path / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "pipeline" / "attic.py").write_text("")
    assert "pipeline.attic" in lint(tmp_path).stdout


PROGRAM = """
import importlib, pkgutil, sys
heard = []
def hear(name, given):
    if name == "open":
        path, mode = str(given[0]), given[1] or "r"
        if not path.endswith((".py", ".pyc", ".so")) and ({root!r} in path or any(sign in mode for sign in "wax+")):
            heard.append(f"open {{path}}")
    elif name in ("socket.connect", "socket.bind", "subprocess.Popen", "os.system", "sqlite3.connect"):
        heard.append(name)
import pipeline
names = [found.name for found in pkgutil.walk_packages(pipeline.__path__, "pipeline.")]
names = [name for name in names if not name.endswith("__main__") and ".migrations." not in name]
# The libraries first: what they open is theirs.
for name in names: importlib.import_module(name)
for name in names: del sys.modules[name]
sys.addaudithook(hear)
for name in names: importlib.import_module(name)
assert len(names) > 80, names
assert "great_expectations" not in sys.modules and "airflow" not in sys.modules
print(*heard, sep="\\n")
"""


@pytest.mark.parametrize("breach", ["", "open(__file__.replace('.py', '.txt'), 'w')"])
def test_nothing_is_opened_and_nothing_slow_is_loaded_at_import(tmp_path: Path, breach: str) -> None:
    shutil.copytree(ROOT / "pipeline", tmp_path / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pipeline" / "domain" / "breach.py").write_text(f"{breach}\n")
    program = PROGRAM.format(root=str(tmp_path))
    done = subprocess.run([sys.executable, "-B", "-c", program], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert bool(done.stdout.strip()) is bool(breach), done.stdout
