"""Where Airflow lives in a home: its folder, its ports and its secrets, the same at every start."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pipeline
from pipeline.errors import ActionNeeded
from pipeline.home import Home

USER = "admin"
PREFERRED_PORTS = {"airflow": 8080, "callbacks": 8081, "twilio": 8082, "result": 8083, "desk": 8084}
DAGS_FOLDER = Path(pipeline.__file__).parents[1] / "dags"

# Tasks are forked from the scheduler: what it has imported, they have (a result is with Twilio after 3 s, not after 7).
PRELOAD = '''"""Written by unpool's launcher at every start."""

import sys

if "scheduler" in sys.argv:
    from pipeline.launcher.preload import preload

    preload()
'''


@dataclass(frozen=True)
class Secrets:
    """The login's password, and the keys that Airflow's processes share. Kept: connections are encrypted with one of them."""

    password: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    fernet_key: str = field(repr=False)
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class Ports:
    """Ports on 127.0.0.1."""

    airflow: int
    callbacks: int
    twilio: int
    result: int
    desk: int


@dataclass(frozen=True)
class Places:
    """Airflow's files in `home`."""

    home: Home

    @property
    def airflow(self) -> Path:
        return self.home.root / "airflow"

    @property
    def logs(self) -> Path:
        return self.airflow / "logs"

    @property
    def passwords(self) -> Path:
        return self.home.keys / "airflow_passwords.json"

    @property
    def secrets(self) -> Path:
        return self.home.keys / "airflow_secrets.json"

    @property
    def ports(self) -> Path:
        return self.home.run / "ports.json"

    @property
    def services(self) -> Path:
        return self.home.run / "services.json"

    @property
    def lock(self) -> Path:
        return self.home.run / "launcher.lock"

    def log_of(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    def prepare(self) -> Secrets:
        """Make the folders and files that Airflow finds at its start. Returns the secrets, made at the first start."""
        if not DAGS_FOLDER.is_dir():
            raise ActionNeeded(f"There are no DAGs in {DAGS_FOLDER}: run unpool from its source folder.")
        self.home.make()
        for folder in (self.airflow, self.logs, self.airflow / "config"):
            folder.mkdir(mode=0o700, exist_ok=True)
        (self.airflow / "config" / "airflow_local_settings.py").write_text(PRELOAD)
        kept = self._secrets()
        # Written beforehand: otherwise Airflow makes a password up and prints it into its log.
        _write_private(self.passwords, json.dumps({USER: kept.password}))
        return kept

    def _secrets(self) -> Secrets:
        if self.secrets.exists():
            return Secrets(**json.loads(self.secrets.read_text()))
        made = Secrets(
            password=secrets.token_urlsafe(12),
            jwt_secret=secrets.token_urlsafe(32),
            fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            secret_key=secrets.token_urlsafe(32),
        )
        _write_private(self.secrets, json.dumps(asdict(made)))
        return made

    def choose_ports(self) -> Ports:
        """The ports of the last start, or the usual ones, where they are free; else any. Remembers them: addresses should last."""
        wanted = {**PREFERRED_PORTS, **(json.loads(self.ports.read_text()) if self.ports.exists() else {})}
        chosen: dict[str, int] = {}
        for name in PREFERRED_PORTS:
            chosen[name] = _free_port(wanted[name], set(chosen.values()))
        self.ports.write_text(json.dumps(chosen))
        return Ports(**chosen)

    def known_ports(self) -> Ports | None:
        """The ports that the last start chose; None where an older unpool chose them, which did not have all of today's services."""
        known = json.loads(self.ports.read_text())
        return Ports(**known) if set(known) == set(PREFERRED_PORTS) else None


def _free_port(wanted: int, taken: set[int]) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            # As the servers do: a port in TIME_WAIT from the last run is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            if (found := int(probe.getsockname()[1])) not in taken:
                return found
    raise ActionNeeded("No port on 127.0.0.1 is free.")


def _write_private(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.rename(path)
