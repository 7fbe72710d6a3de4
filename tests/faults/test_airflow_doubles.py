"""C04, C05, C07, C09: what Airflow does twice by itself, or an operator by a click, is done once.

One Airflow for all tests of this file. Each looks at what was there before it, so that any of them also runs alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from pipeline.launcher.services import DAGS
from pipeline.ledger.server import Server
from tests.faults.airflow_town import AirflowTown, airflow_town, until
from tests.faults.conftest import Scenes
from tests.faults.longer import is_long
from tests.faults.town import CALMS, DAY_2, FIRST_DAY, SECOND_DAY, THIRD_DAY, THIRD_DAY_PEOPLE, drop, singles

pytestmark = [pytest.mark.slow, pytest.mark.lengthy, pytest.mark.timeout(900)]
# Messages of the first two days.
FIRST, SECOND = 8, 7
# In the long form: how often the scheduler dies, and the people of each further day.
DEATHS, FURTHER = 50, 4
DAYS = 30
# Of each DAG's schedule at least one tick.
WINDOW = timedelta(minutes=5)
Tell = Callable[[str, object], None]


@pytest.fixture(scope="module")
def town(warm: None, embedded: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowTown]:
    with airflow_town(tmp_path_factory.mktemp("airflow") / "home", embedded) as made:
        made.have(FIRST_DAY, tmp_path_factory.mktemp("desk"))
        assert made.twilio()["accepted"] == FIRST
        yield made


def test_C05_the_scheduler_killed_between_enqueue_and_start(
    town: AirflowTown, scenes: Scenes, tmp_path: Path, record_property: Tell
) -> None:
    """As often as something is enqueued on a day's way; every second time its workers die with it, and what they were handed.

    In the long form the days go on until it has died often enough.
    """
    met: dict[tuple[str, str], str] = {}
    undisturbed = scenes()
    messages, kills = FIRST + SECOND, 0

    def enqueued() -> dict[tuple[str, str], str]:
        tasks = town.airflow.tasks("~", state=["queued", "running"])
        return {(task["dag_id"], task["queued_when"]): task["state"] for task in tasks if (task["dag_id"], task["queued_when"]) not in met}

    def is_over() -> bool:
        return bool(town.twilio()["accepted"] == messages)

    def killed_until_over() -> int:
        deaths = 0
        while not is_over():
            with town.workers_standing_still():
                until(lambda: bool(enqueued()) or is_over(), "a task is enqueued")
                if is_over():
                    break
                new = enqueued()
                dead = town.kill_scheduler(with_workers=deaths % 2 == 1 and set(new.values()) == {"queued"})
            town.start_scheduler_again(dead)
            met.update(new)
            deaths += 1
        return deaths

    town.drop(SECOND_DAY, tmp_path)
    kills = killed_until_over()
    for number in count(1):
        if not is_long() or kills >= DEATHS:
            break
        day = singles(f"more_{number}", 1_000 + FURTHER * number, FURTHER)
        for made in (town.installation, undisturbed.installation):
            drop(made, day, tmp_path / f"more_{number}")
        messages += FURTHER
        kills += killed_until_over()
    town.wait_until_quiet()
    assert {dag_id for dag_id, _ in met} >= {"intake", "decide", "notify"}
    found, expected = town.installation.figures(), undisturbed.run(*CALMS)
    assert (found.violations, found.state_hash, found.messages) == ([], expected.state_hash, expected.messages)
    assert (town.twilio()["accepted"], town.twilio()["doubled"]) == (messages, 0)
    record_property("scheduler_kills", kills)


def test_C04_a_task_declared_dead_goes_on_beside_its_retry(
    town: AirflowTown, scenes: Scenes, tmp_path: Path, record_property: Tell
) -> None:
    """In the middle of sending it and its supervisor stand still until Airflow has given the task to another; then both go on."""
    undisturbed = scenes()
    drop(undisturbed.installation, THIRD_DAY, tmp_path / "undisturbed")
    expected = undisturbed.run(DAY_2)
    town.have(SECOND_DAY, tmp_path / "second")
    before, claimers = int(town.twilio()["accepted"]), town.claimers()

    town.drop(THIRD_DAY, tmp_path / "third")
    until(lambda: town.twilio()["accepted"] >= before + 2, "the first messages are out")
    [dead] = town.airflow.tasks("notify", state="running")
    supervisor, workers = town.task_processes(dead["id"])
    for process in (*workers, supervisor):
        process.suspend()
    try:
        until(
            lambda: any(
                task["dag_run_id"] == dead["dag_run_id"] and task["try_number"] == 2 and task["state"] == "running"
                for task in town.airflow.tasks("notify")
            ),
            "its second try runs",
        )
        for process in workers:
            process.resume()
        until(lambda: town.twilio()["accepted"] >= before + THIRD_DAY_PEOPLE, "all messages are out")
    finally:
        supervisor.resume()
    town.wait_until_quiet()
    found = town.installation.figures()
    assert (found.violations, found.state_hash) == ([], expected.state_hash)
    assert (town.twilio()["accepted"], town.twilio()["doubled"]) == (before + THIRD_DAY_PEOPLE, 0)
    assert len(town.claimers() - claimers) >= 2, "both have sent"
    record_property("overlaps", 1)


def test_C07_every_task_of_every_finished_run_cleared(town: AirflowTown, record_property: Tell) -> None:
    # It comes every ten minutes only, and may not have been yet.
    town.airflow.trigger("watch")
    town.wait_until_quiet()
    before, told = town.installation.figures(), town.twilio()
    done = {dag_id: town.airflow.runs(dag_id) for dag_id in sorted(DAGS)}
    assert all(done.values())

    cleared = sum(town.airflow.clear(dag_id, run["dag_run_id"]) for dag_id, runs in done.items() for run in runs)
    town.wait_until_quiet()
    again = [task for dag_id in done for task in town.airflow.tasks(dag_id) if task["try_number"] >= 2]
    assert cleared == sum(map(len, done.values()))
    assert len(again) >= cleared
    assert town.installation.figures() == before
    assert town.twilio() == told
    record_property("tasks_cleared", cleared)


def test_C09_thirty_past_days_run_again_change_nothing(town: AirflowTown, record_property: Tell) -> None:
    """A backfill of each DAG on the first of the days. Then on each of them one DAG in turn, in the long form every DAG, runs again.

    (A whole backfill would be 43,200 runs of notify.)
    """
    before, told = town.installation.figures(), town.twilio()
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    # The DAG of the desk only reads, and reads all: one run of it is as good as thirty.
    filled = {dag_id: town.airflow.succeeded(dag_id, "manual") for dag_id in sorted(DAGS) if dag_id != "desk"}
    for dag_id in filled:
        town.airflow.backfill(dag_id, first.isoformat(), (first + WINDOW).isoformat())
    again = [(dag_id, day) for day in range(DAYS) for place, dag_id in enumerate(filled) if is_long() or place == day % len(filled)]
    for dag_id, day in again:
        town.airflow.trigger(dag_id, (first + timedelta(days=day, hours=1)).isoformat())
    town.wait_until_quiet()
    for dag_id, earlier in filled.items():
        assert town.airflow.succeeded(dag_id, "manual") == earlier + sum(one == dag_id for one, _ in again) > earlier
        assert town.airflow.succeeded(dag_id, "backfill") >= 1
    assert town.installation.figures() == before
    assert town.twilio() == told
    record_property("past_days_run_again", DAYS)
