"""How long a result takes on Airflow: from its file's drop to its message at Twilio, over an empty DAG's trigger-to-success there.

One installation, started as `make up` starts it. The tubes are known; each small result file makes one message due. Single drops
find the chain intake, decide, notify at rest; then many files come at once. The stand-in for Twilio lives in this process, which has
nothing else to do. Prints one JSON object as its last line: `python -m tests.bench.latency`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from pipeline.delivery.kept import Store
from pipeline.delivery.stand_in import ANYBODY, create_app, in_thread
from pipeline.domain.tube_codes import with_check
from pipeline.domain.words import FileKind
from pipeline.home import Home
from pipeline.launcher.installation import Places
from pipeline.launcher.rest import Airflow
from pipeline.launcher.services import bring_down, bring_up
from pipeline.ledger import receipts
from pipeline.settings import Settings
from pipeline.stages.house import open_house
from pipeline.stages.init import init
from pipeline.stages.receive import receive

LIMIT_S = 120.0
POLL_S = 0.01
PER_SECOND = 100
WARM_UPS = 2
CHAIN = ("intake", "decide", "notify")
PROGRAMME = Path("pipeline/shipped/programmes/vietnam/programme.toml")
EMPTY_DAG = """from airflow.sdk import dag, task


@dag(dag_id="empty", schedule=None)
def empty():
    @task
    def nothing():
        pass

    nothing()


empty()
"""
BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"
STEPS = ("to_intake_s", "intake_s", "to_decide_s", "decide_s", "to_notify_s", "notify_s")


class AskedAirflow(Airflow):
    """The launcher's client with two more questions."""

    def empty_run(self) -> float:
        """Seconds from asking for a run of the empty DAG to its success, by the run's own end."""
        start = time.time()
        run = self._call("POST", "/api/v2/dags/empty/dagRuns", json={"logical_date": None}).json()
        until(lambda: self._run(run["dag_run_id"])["state"] == "success", "the empty run ends", poll_s=0.05)
        return datetime.fromisoformat(self._run(run["dag_run_id"])["end_date"]).timestamp() - start

    def first_task(self, dag_id: str, since: float) -> tuple[float, float]:
        """Start and end (seconds since 1970) of the DAG's first task that did something after `since`."""
        wanted = {"start_date_gte": datetime.fromtimestamp(since, UTC).isoformat(), "state": "success", "order_by": "start_date"}
        task = self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/~/taskInstances", params=wanted).json()["task_instances"][0]
        return datetime.fromisoformat(task["start_date"]).timestamp(), datetime.fromisoformat(task["end_date"]).timestamp()

    def _run(self, run_id: str) -> dict[str, Any]:
        run: dict[str, Any] = self._call("GET", f"/api/v2/dags/empty/dagRuns/{run_id}").json()
        return run


@dataclass(frozen=True)
class Site:
    """What runs, and the numbers of the people whose result is still to come."""

    home: Home
    airflow: AskedAirflow
    store: Store
    phones: list[str]

    def rest(self) -> None:
        """Wait until nothing is under way."""
        until(lambda: not self.airflow.unfinished_runs() and not any(map(self.airflow.waiting_events, CHAIN)), "all is at rest", poll_s=0.2)

    def drop(self, files: int) -> dict[str, float]:
        """Drop the next `files` results, one a file; the moment of each drop by the number to be told."""
        dropped = {}
        for _ in range(files):
            phone = self.phones.pop()
            tested = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")) - timedelta(minutes=5)
            file = self.home.tmp / f"result_{phone}.csv"
            file.write_text(f"tube_code,result,tested_at\n{tube_of(phone)},Not detected,{tested:%Y-%m-%d %H:%M}\n")
            dropped[f"+84{phone[1:]}"] = time.time()
            receive(self.home, [file], "lab", FileKind.RESULTS)
        return dropped

    def accepted(self, dropped: dict[str, float]) -> dict[str, float]:
        """Wait until all were told; the moment at which Twilio had each message."""
        until(lambda: {message.to for message in list(self.store.messages.values())} >= dropped.keys(), "all messages are accepted")
        return {message.to: message.created_at.timestamp() for message in self.store.messages.values() if message.to in dropped}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--singles", type=int, default=20)
    parser.add_argument("--burst", type=int, default=50, help="files dropped at once")
    parser.add_argument("--bursts", type=int, default=3)
    asked = parser.parse_args()
    with site(WARM_UPS + asked.singles + asked.burst * asked.bursts) as running:
        for _ in range(WARM_UPS):
            running.airflow.empty_run()
            single(running)
        empty, singles = [], []
        # In turn: both meet the same machine.
        for _ in range(asked.singles):
            running.rest()
            empty.append(running.airflow.empty_run())
            singles.append(single(running))
        bursts = [burst(running, asked.burst) for _ in range(asked.bursts)]
    print(json.dumps({name: round(value, 3) for name, value in figures(empty, singles, bursts).items()}))


def figures(empty: Sequence[float], singles: Sequence[dict[str, float]], bursts: Sequence[list[float]]) -> dict[str, float]:
    """`burst50`: of all files that came together. Steps of a single drop are medians: their sum is not quite the whole's."""
    empty_s, single_s = median(empty), median(one["single_s"] for one in singles)
    burst_s = median(seconds for one in bursts for seconds in one)
    return {
        "latency_ratio_single_p50": single_s / empty_s,
        "latency_ratio_burst50_p50": burst_s / empty_s,
        "empty_dag_p50_s": empty_s,
        "single_p50_s": single_s,
        "single_max_s": max(one["single_s"] for one in singles),
        "burst50_p50_s": burst_s,
        "burst50_last_s": median(max(one) for one in bursts),
        **{f"single_{step}": median(one[step] for one in singles) for step in STEPS},
    }


def single(running: Site) -> dict[str, float]:
    """One file into a house at rest: seconds from drop to message, whole and by its steps."""
    running.rest()
    [(phone, dropped)] = running.drop(1).items()
    accepted = running.accepted({phone: dropped})[phone]
    running.rest()
    (intake, intake_end), (decide, decide_end), (notify, _) = (running.airflow.first_task(dag_id, dropped) for dag_id in CHAIN)
    moments = (dropped, intake, intake_end, decide, decide_end, notify, accepted)
    return {"single_s": accepted - dropped} | {step: end - start for step, (start, end) in zip(STEPS, pairwise(moments), strict=True)}


def burst(running: Site, files: int) -> list[float]:
    """Seconds from drop to message of each of `files` that come at once."""
    running.rest()
    dropped = running.drop(files)
    accepted = running.accepted(dropped)
    return [accepted[phone] - dropped[phone] for phone in dropped]


@contextmanager
def site(tubes: int) -> Iterator[Site]:
    """An installation with Airflow at work, and `tubes` of one person each on a manifest that was taken in."""
    with tempfile.TemporaryDirectory(prefix="unpool-bench-") as name:
        folder, home = Path(name), Path(name) / "home"
        app = create_app(ANYBODY.account_sid, ANYBODY.auth_token)
        with in_thread(app) as twilio:
            settings = Settings(home=home, programme=str(programme(folder)), twilio=replace(ANYBODY, api_base_url=twilio))
            try:
                init(settings)
                running = bring_up(settings, environment(settings, folder), Console(quiet=True))
                with AskedAirflow(running.airflow_url, running.user, running.password) as airflow:
                    until(lambda: "empty" in airflow.dag_ids(), "the empty DAG is known", poll_s=0.2)
                    phones = [f"09{number:08d}" for number in range(tubes)]
                    take_in_manifest(settings, folder, phones)
                    yield Site(Home(home), airflow, app.state.store, phones)
            finally:
                bring_down(home, Console(quiet=True))


def programme(folder: Path) -> Path:
    """Viet Nam's, with a rate that is not what is measured."""
    copy = folder / "programme"
    shutil.copytree(PROGRAMME.parent, copy)
    text = PROGRAMME.read_text().replace("per_second = 20", f"per_second = {PER_SECOND}")
    (copy / PROGRAMME.name).write_text(text)
    return copy


def environment(settings: Settings, folder: Path) -> dict[str, str]:
    """This process's, with a second folder of DAGs and our account. Callbacks come as in any installation."""
    dags = folder / "dags"
    dags.mkdir()
    (dags / "empty.py").write_text(EMPTY_DAG)
    bundles = [
        {"name": "dags-folder", "classpath": BUNDLE, "kwargs": {}},
        {"name": "bench", "classpath": BUNDLE, "kwargs": {"path": str(dags)}},
    ]
    places = Places(Home(settings.home))
    places.home.make()
    account = settings.twilio or ANYBODY
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "UNPOOL_", "TWILIO_"))}
    return inherited | {
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
        "TWILIO_ACCOUNT_SID": account.account_sid,
        "TWILIO_AUTH_TOKEN": account.auth_token,
        "TWILIO_FROM": account.sender,
        "UNPOOL_TWILIO_URL": account.api_base_url or "",
        "UNPOOL_CALLBACK_URL": f"http://127.0.0.1:{places.choose_ports().callbacks}/twilio/status",
    }


def take_in_manifest(settings: Settings, folder: Path, phones: Sequence[str]) -> None:
    collected = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh")) - timedelta(hours=3)
    lines = ["tube_code,collected_at,full_name,birth_date,phone,pool_size"]
    lines += [f"{tube_of(phone)},{collected:%Y-%m-%d %H:%M},Nguyễn Văn An,1980-06-15,{phone},1" for phone in phones]
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(lines) + "\n")
    receive(Home(settings.home), [manifest], "team", FileKind.MANIFEST)

    def is_settled() -> bool:
        with open_house(settings) as house, house.ledger.begin() as conn:
            return bool(receipts.counts(conn)["files"]["accepted"])

    until(is_settled, "the manifest is taken in", poll_s=0.5)


def tube_of(phone: str) -> str:
    return with_check(f"UP{phone[2:]}")


def until(condition: Callable[[], bool], what: str, poll_s: float = POLL_S) -> None:
    """Wait for `condition`. Raises TimeoutError."""
    limit = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError(f"not within {LIMIT_S:.0f} seconds: {what}")
        time.sleep(poll_s)


if __name__ == "__main__":
    main()
