"""The few questions that the launcher asks Airflow's REST API. A CLI call would cost 2 to 3 s each."""

from __future__ import annotations

from typing import Any, Self

import httpx

from pipeline.errors import TryAgain

UNFINISHED = ("queued", "running")


class Airflow:
    """Airflow's API at `address`. Close it, or use it as a context manager."""

    def __init__(self, address: str, user: str, password: str) -> None:
        # No proxy settings from the environment: the address is on this machine.
        self._http = httpx.Client(base_url=address, timeout=30, trust_env=False)
        self._login = {"username": user, "password": password}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def is_healthy(self) -> bool:
        """Whether every component answers. The first call also warms the API that tasks talk to."""
        try:
            execution = self._http.get("/execution/health")
            health = self._http.get("/api/v2/monitor/health")
        except httpx.TransportError:
            return False
        if not (execution.is_success and health.is_success):
            return False
        parts = health.json()
        return all(parts[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "triggerer", "dag_processor"))

    def ensure_pool(self, name: str, slots: int, description: str) -> None:
        pool = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        if self._call("POST", "/api/v2/pools", json=pool, may=(409,)).status_code == httpx.codes.CONFLICT:
            # The body that changes a pool calls its name "pool".
            pool["pool"] = pool.pop("name")
            self._call("PATCH", f"/api/v2/pools/{name}", json=pool)

    def dag_ids(self) -> set[str]:
        return {dag["dag_id"] for dag in self._call("GET", "/api/v2/dags").json()["dags"]}

    def import_errors(self) -> list[str]:
        """Names of the DAG files that Airflow cannot import."""
        return [error["filename"] for error in self._call("GET", "/api/v2/importErrors").json()["import_errors"]]

    def unfinished_runs(self) -> list[str]:
        """Ids of the DAGs that have a run queued or running, one for each such run."""
        answer = self._call("GET", "/api/v2/dags/~/dagRuns", params={"state": UNFINISHED, "limit": 100})
        return [run["dag_id"] for run in answer.json()["dag_runs"]]

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The last hundred runs of a DAG, newest first: `dag_run_id`, `state`, `start_date`, `end_date`, ..."""
        answer = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns", params={"order_by": "-run_after", "limit": 100})
        runs: list[dict[str, Any]] = answer.json()["dag_runs"]
        return runs

    def events(self, asset_uri: str) -> int:
        """How often an asset was told of something new."""
        answer = self._call("GET", "/api/v2/assets/events", params={"limit": 100})
        return sum(event["uri"] == asset_uri for event in answer.json()["asset_events"])

    def waiting_events(self, dag_id: str) -> int:
        """How many asset events wait for a run of this DAG."""
        answer = self._call("GET", f"/api/v2/dags/{dag_id}/assets/queuedEvents", may=(404,))
        return 0 if answer.status_code == httpx.codes.NOT_FOUND else int(answer.json()["total_entries"])

    def _call(self, method: str, path: str, *, may: tuple[int, ...] = (), **options: Any) -> httpx.Response:
        """Raises TryAgain where Airflow does not answer, or answers with an error that is not one of `may`."""
        try:
            if "Authorization" not in self._http.headers:
                token = self._http.post("/auth/token", json=self._login).raise_for_status().json()["access_token"]
                self._http.headers["Authorization"] = f"Bearer {token}"
            answer = self._http.request(method, path, **options)
            if answer.status_code not in may:
                answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise TryAgain(f"Airflow answered {error.response.status_code} to {method} {path}.") from error
        except httpx.TransportError as error:
            raise TryAgain(f"Airflow does not answer to {method} {path}.") from error
        return answer
