"""`docs/benchmarks.json`: what was measured last, flat, with the machine, the versions, the commit and the day of each measurement."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

DOCS = Path("docs")
FILE = DOCS / "benchmarks.json"
PACKAGES = ("duckdb", "pyarrow", "great-expectations", "apache-airflow", "psycopg", "twilio", "pandas", "polars")


def read() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


def write(new: dict[str, Any]) -> dict[str, Any]:
    """Put `new` over what is there. Returns all."""
    known = read() | {name: rounded(value) for name, value in new.items()}
    FILE.write_text(json.dumps(dict(sorted(known.items())), ensure_ascii=False, indent=1) + "\n")
    return known


def about(prefix: str = "") -> dict[str, Any]:
    """Where and with what something was measured, now."""
    return {
        f"{prefix}machine": machine(),
        f"{prefix}versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        f"{prefix}commit": _git("rev-parse", "--short=12", "HEAD")
        + ("+" if _git("status", "--porcelain", "--", "pipeline", "sql") else ""),
        f"{prefix}date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def machine() -> str:
    """Cores, model and memory, as this machine tells them."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{len(os.sched_getaffinity(0))} cores, {model}, {memory:.0f} GiB, {platform.system()} {platform.release().partition('-')[0]}"


def rounded(value: Any) -> Any:
    """Four digits are more than a measurement has."""
    match value:
        case float():
            return float(f"{value:.4g}")
        case dict():
            return {name: rounded(one) for name, one in value.items()}
        case _:
            return value


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout.strip()
