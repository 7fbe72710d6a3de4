"""The embedded server: found or started by whoever comes first, private, and still there when that process is gone."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from pipeline.errors import KeyMissing
from pipeline.ledger import server
from pipeline.settings import Settings


def _new_home() -> Iterator[Path]:
    """Not below pytest's own folder: each pytest run shuts that to all other accounts, and root's server is one."""
    with tempfile.TemporaryDirectory(prefix="unpool-pg-") as folder:
        yield Path(folder) / "home"
        server.stop(Path(folder) / "home")


# Making a cluster takes seconds: most tests share one, and each brings it into the state it needs.
home = pytest.fixture(_new_home, scope="module", name="home")
fresh_home = pytest.fixture(_new_home, name="fresh_home")


def _database_names(running: server.Server) -> set[str]:
    with psycopg.connect(_plain(running.url_for("postgres"))) as conn:
        return {row[0] for row in conn.execute("SELECT datname FROM pg_database")}


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def test_outlives_the_process_that_started_it_and_keeps_its_port(home: Path) -> None:
    server.stop(home)
    code = "import sys; from pathlib import Path; from pipeline.ledger import server; server.ensure_running(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(home)], check=True, timeout=60)
    assert server.is_running(home)
    first = server.ensure_running(home)
    assert {"unpool", "airflow"} <= _database_names(first)
    server.stop(home)
    assert not server.is_running(home)
    assert server.ensure_running(home) == first


def test_many_may_start_it_at_once(fresh_home: Path) -> None:
    home = fresh_home
    found: list[server.Server] = []
    threads = [threading.Thread(target=lambda: found.append(server.ensure_running(home))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len(set(found)) == 1
    data = str((home / "postgres" / "data").resolve())
    mothers = [p for p in psutil.process_iter(["cwd", "cmdline"]) if p.info["cwd"] == data and "-D" in (p.info["cmdline"] or [])]
    assert len(mothers) == 1


def test_C14_comes_back_after_a_kill_though_the_old_process_id_is_taken(home: Path, postgres: server.Server) -> None:
    running = server.ensure_running(home)
    pid_file = home / "postgres" / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    mother = psutil.Process(int(lines[0]))
    family = [mother, *mother.children()]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=20)
    # After a container's restart that number is often another program's, here of the same account.
    with psycopg.connect(_plain(postgres.url_for("postgres"))) as conn:
        stranger = psutil.Process(conn.info.backend_pid).ppid()
    pid_file.write_text("\n".join([str(stranger), *lines[1:]]) + "\n")
    assert "unpool" in _database_names(server.ensure_running(home))
    assert server.ensure_running(home).password == running.password


def test_only_who_knows_the_password_gets_in(home: Path) -> None:
    running = server.ensure_running(home)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(_plain(server.Server(running.port, "guess").url_for("unpool"))).close()
    assert (home / "keys" / "postgres.password").stat().st_mode & 0o777 == 0o600
    assert running.password not in repr(running)


def test_a_foreign_server_on_the_noted_port_is_not_ours(home: Path, postgres: server.Server) -> None:
    mine = server.ensure_running(home)
    server.stop(home)
    (home / "run" / "postgres.json").write_text(json.dumps({"port": postgres.port}))
    assert not server.is_running(home)
    again = server.ensure_running(home)
    assert again.port != postgres.port and again.password == mine.password


def test_a_lost_password_is_said_and_not_replaced(home: Path) -> None:
    server.ensure_running(home)
    server.stop(home)
    aside = (home / "keys" / "postgres.password").rename(home / "keys" / "aside")
    with pytest.raises(KeyMissing, match="backup"):
        server.ensure_running(home)
    aside.rename(home / "keys" / "postgres.password")


def test_a_half_made_cluster_is_made_anew(fresh_home: Path) -> None:
    home = fresh_home
    (home / "postgres" / "data.unfinished").mkdir(parents=True)
    (home / "postgres" / "data.unfinished" / "PG_VERSION").write_text("18\n")
    assert "unpool" in _database_names(server.ensure_running(home))


def test_stopping_what_never_ran_does_nothing(tmp_path: Path) -> None:
    server.stop(tmp_path / "none")
    assert not server.is_running(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_database_url_prefers_the_one_that_is_set(tmp_path: Path) -> None:
    for given in ("postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"):
        settings = Settings(home=tmp_path / "none", programme="vietnam", database_url=given)
        assert server.database_url(settings) == "postgresql+psycopg://u:p@h/d"
    assert not (tmp_path / "none").exists()
