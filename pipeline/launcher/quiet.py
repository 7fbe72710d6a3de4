"""Waiting until nothing is under way any more: no file, no run of a DAG, no event for one, no message without an end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.domain.words import MessageState
from pipeline.errors import ActionNeeded, TryAgain
from pipeline.home import Home
from pipeline.launcher.processes import Started, is_alive
from pipeline.launcher.rest import Airflow
from pipeline.ledger import outbox, receipts
from pipeline.ledger.engine import Ledger

POLL_S = 1.0
# An event and the run that it starts swap places between two questions: only two quiet looks in a row count.
QUIET_LOOKS = 2
UNDER_WAY = ("queued", "sending", "sent", "unknown")


@dataclass(frozen=True)
class UnderWay:
    """What is under way at one moment: files not settled, DAG ids of unfinished runs, events that wait, messages by state."""

    files: int
    runs: tuple[str, ...]
    events: int
    messages: Mapping[str, int]

    @property
    def is_nothing(self) -> bool:
        return not (self.files or self.runs or self.events or self.messages)

    def __str__(self) -> str:
        runs = [f"{dag_id} runs" if n == 1 else f"{dag_id} runs {n} times" for dag_id, n in sorted(Counter(self.runs).items())]
        messages = [f"{n} messages {state}" for state, n in self.messages.items()]
        files = [f"{self.files} files wait"] if self.files else []
        return ", ".join([*files, *runs, *messages]) or "the next run"


def under_way(home: Home, airflow: Airflow, ledger: Ledger, dag_ids: Sequence[str]) -> UnderWay:
    """One look. Raises TryAgain where Airflow does not answer."""
    dropped = sum(1 for folder in (home.inbox, home.claimed) for path in folder.rglob("*") if path.is_file())
    runs = tuple(airflow.unfinished_runs())
    events = sum(airflow.waiting_events(dag_id) for dag_id in dag_ids)
    with ledger.begin() as conn:
        unsettled = receipts.counts(conn)["files"]["waiting"]
        counts = outbox.counts(conn)
        # Those wait for people, and nobody waits for people here.
        counts[MessageState.QUEUED] = counts.get(MessageState.QUEUED, 0) - outbox.taken_back(conn)
    messages = {str(state): n for state, n in counts.items() if n and str(state) in UNDER_WAY}
    return UnderWay(dropped + unsettled, runs, events, messages)


def wait_until_quiet(
    look: Callable[[], UnderWay],
    failed: Callable[[], Sequence[str]],
    services: Sequence[Started],
    limit_s: float,
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Look until nothing is under way; `tell` hears each time what is. Raises ActionNeeded at the limit, or when it cannot end well.

    `failed` names DAGs with a failed run: their work will not get done by waiting.
    """
    limit = time.monotonic() + limit_s
    quiet, last = 0, "Airflow's answer"
    while quiet < QUIET_LOOKS:
        for entry in services:
            if not is_alive(entry):
                raise ActionNeeded(f"{entry.name} ended by itself; {entry.log} says why.", service=entry.name)
        try:
            if broken := failed():
                raise ActionNeeded(f"A run failed: {', '.join(broken)}. Its task's log in Airflow says why.")
            now = look()
        except TryAgain:
            quiet = 0
        else:
            quiet = quiet + 1 if now.is_nothing else 0
            last = str(now)
        if time.monotonic() > limit:
            raise ActionNeeded(f"Not done within {limit_s:.0f} seconds; it still waited for: {last}.")
        tell(last)
        sleep(POLL_S)
