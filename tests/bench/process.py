"""One measurement in a process of its own, with a folder of its own: nothing is warm, and its memory is its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.memory import watched

LOGS = Path("build/bench")


@dataclass(frozen=True)
class Measured:
    """What the process printed last, and the peak memory of it and all that it started."""

    figures: dict[str, Any]
    peak_gib: float


def environment() -> dict[str, str]:
    """This process's, without anybody's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "UNPOOL_", "TWILIO_"))}


def measured(module: str, *arguments: object) -> Measured:
    """Run `python -m tests.bench.<module>`. Raises RuntimeError, naming its log, if it fails."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{module}.log"
    with tempfile.TemporaryDirectory(prefix="unpool-bench-") as folder:
        # In place of {out}: a path below the folder, which does not exist.
        words = [str(argument).replace("{out}", f"{folder}/out") for argument in arguments]
        command = [sys.executable, "-m", f"tests.bench.{module}", *words]
        variables: Mapping[str, str] = environment() | {"TMPDIR": folder}
        with (
            log.open("w") as errors,
            subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
            watched(process.pid, Path(folder)) as memory,
        ):
            printed, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{module} ended with {process.returncode}: {log}")
    return Measured(json.loads(printed.strip().splitlines()[-1]), memory.gib)
