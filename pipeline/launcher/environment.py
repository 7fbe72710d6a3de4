"""What the processes of Airflow, and the web processes beside it, find in their environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pipeline.launcher.installation import DAGS_FOLDER, USER, Places, Ports, Secrets
from pipeline.settings import Settings

# Measured on two cores; the environment may say otherwise.
TUNING = {
    "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    "AIRFLOW__CORE__PARALLELISM": "8",
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "10",
    # The default holds a slot up to 5 s after its task ended.
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
}

# The stand-in takes any account. This one is made up: if it ever reached Twilio, Twilio would refuse it.
STAND_IN_ACCOUNT_SID = "AC" + "0" * 32
STAND_IN_SENDER = "UNPOOL"


def environment(
    settings: Settings, places: Places, ports: Ports, secrets: Secrets, airflow_database: str, started: datetime, environ: Mapping[str, str]
) -> dict[str, str]:
    """`environ` with our settings for every process: Airflow's own, ours, and a Twilio account on this machine where none is set."""
    return {
        **TUNING,
        **environ,
        **_database(airflow_database, environ),
        **_airflow(places, ports, secrets),
        **_unpool(settings, environ, started),
        "UNPOOL_AIRFLOW_URL": environ.get("UNPOOL_AIRFLOW_URL") or f"http://127.0.0.1:{ports.airflow}",
        "UNPOOL_DESK_URL": environ.get("UNPOOL_DESK_URL") or f"http://127.0.0.1:{ports.desk}",
        **(_stand_in(ports, secrets, environ) if settings.twilio is None else {}),
    }


def _database(embedded: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The embedded server, unless the environment names another for Airflow."""
    if environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"):
        return {}
    # One driver for both: psycopg 3 speaks synchronously and asynchronously. Left alone, Airflow would ask for asyncpg.
    return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": embedded, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": embedded}


def _airflow(places: Places, ports: Ports, secrets: Secrets) -> dict[str, str]:
    address = f"http://127.0.0.1:{ports.airflow}"
    return {
        "AIRFLOW_HOME": str(places.airflow),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS_FOLDER),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__FERNET_KEY": secrets.fernet_key,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(places.passwords),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(ports.airflow),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__SECRET_KEY": secrets.secret_key,
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.jwt_secret,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(places.logs),
        "GX_ANALYTICS_ENABLED": "false",
    }


def _unpool(settings: Settings, environ: Mapping[str, str], started: datetime) -> dict[str, str]:
    """The DAG folder is importable, since the triggerer imports the inbox trigger by name; no proxy stands between local processes."""
    paths = [str(DAGS_FOLDER), str(DAGS_FOLDER.parent), environ.get("PYTHONPATH", "")]
    direct = ["127.0.0.1", "localhost", environ.get("NO_PROXY", "")]
    programme = Path(settings.programme)
    return {
        "UNPOOL_HOME": str(settings.home),
        "UNPOOL_PROGRAMME": str(programme.absolute()) if programme.exists() else settings.programme,
        # As seen from here: Airflow's processes stand elsewhere.
        "UNPOOL_KEYS_MIRROR": str(settings.keys_mirror or ""),
        "UNPOOL_NOW": settings.now.isoformat() if settings.now else "",
        # From here on, a clock that was set by hand runs: dags/unpool_airflow/stage_task.py.
        "UNPOOL_NOW_SINCE": started.isoformat(),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "NO_PROXY": ",".join(filter(None, direct)),
        "no_proxy": ",".join(filter(None, direct)),
    }


def _stand_in(ports: Ports, secrets: Secrets, environ: Mapping[str, str]) -> dict[str, str]:
    """Nobody gets these messages: unless told otherwise, their links lead to the page on this machine."""
    return {
        "UNPOOL_RESULT_URL": environ.get("UNPOOL_RESULT_URL") or f"http://127.0.0.1:{ports.result}/r",
        "TWILIO_ACCOUNT_SID": STAND_IN_ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": secrets.secret_key,
        "TWILIO_FROM": STAND_IN_SENDER,
        "UNPOOL_TWILIO_URL": f"http://127.0.0.1:{ports.twilio}",
        "UNPOOL_CALLBACK_URL": f"http://127.0.0.1:{ports.callbacks}/twilio/status",
    }
