"""Many messages through a Twilio that misbehaves, until nothing waits. The stand-in's own record of what it took is the judge."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fastapi import FastAPI

from pipeline.delivery.sms import Sms
from pipeline.delivery.stand_in import in_thread
from pipeline.domain.words import MessageState
from pipeline.ledger import invariants
from pipeline.ledger.engine import open_ledger
from pipeline.ledger.server import Server
from pipeline.ledger.tables import message
from pipeline.programme import load_programme
from pipeline.stages.lists import unreached
from pipeline.stages.lookup import SILENCE, SILENT_FOR_EVER
from pipeline.stages.notify import NotifySummary
from pipeline.web import callbacks
from tests.faults.far_twilio import FarTwilio, far_twilio
from tests.homes import admin, new_database
from tests.integration.office import MINUTE, Office, assert_tells_nothing, until

# Of 10,000 requests, how many meet what. Three of ten are faulted. A time-out holds a thread for a second, so there are few of them;
# what is lost in every other way after it was taken is looked up just the same.
SHARES = {
    "429": 200, "429_retry_after": 150, "400:21611": 30, "400:30001": 20,
    "500_before": 250, "502_before": 50, "503_before": 100, "500_after": 250, "502_after": 50, "503_after": 100,
    "reset_after": 250, "empty_after": 150, "bad_json_after": 150, "timeout_after": 5,
    "400:21211": 100, "400:21614": 70, "400:21610": 70, "400:21408": 40, "400:21612": 40, "400:30007": 40, "400:29999": 31,
    "401": 2, "404:20404": 1, "400:21606": 1,
    "deliver:30003": 250, "deliver:30005": 200, "deliver:30006": 200, "deliver:30007": 100, "deliver:30008": 100,
}  # fmt: skip
OF = 10_000
TIMEOUT_S = 1.0
THREADS = 4
# With more, a claim would hold more messages than thirty seconds with a jam in every twentieth can send.
PER_SECOND = 100.0
RUNS = 200
UNDER_WAY = {MessageState.QUEUED, MessageState.SENDING, MessageState.UNKNOWN}
ENDS = {MessageState.DELIVERED, MessageState.UNDELIVERED, MessageState.FAILED}
TAKEN = {MessageState.SENT, MessageState.DELIVERED, MessageState.UNDELIVERED}


@dataclass(frozen=True)
class Told:
    """What became of `sends` messages: counts, and the sentences of `unpool verify` that do not hold for a ledger of messages alone."""

    sends: int
    faulted: int
    doubled: int
    lost: int
    without_owner: int
    late: int
    states: dict[MessageState, int]
    violations: list[str]


@contextmanager
def scene(server: Server, template: str, folder: Path) -> Iterator[tuple[Office, FarTwilio]]:
    """An office, a Twilio in a process of its own, and one clock for both."""
    name = new_database(server, template)
    # No crash of the server is meant here: not every commit needs to wait for the disk.
    admin(server, f"ALTER DATABASE {name} SET synchronous_commit TO off")
    with far_twilio(folder) as far:
        ledger = open_ledger(server.url_for(name))
        try:
            programme = load_programme("vietnam")
            sending = replace(programme.sending, per_second=PER_SECOND, quiet_from=None, quiet_to=None)
            yield Office(ledger, None, far.address, replace(programme, sending=sending), threads=THREADS), far
        finally:
            ledger.close()
            admin(server, f"DROP DATABASE {name} WITH (FORCE)")


def send_many(n: int, seed: int, office: Office, far: FarTwilio) -> Told:
    """Tell `n` people: the first of them with callbacks, the rest without any, for whom the stand-in only answers when it is asked."""
    heard = n // 40
    words = _fates(2 * n, seed)
    office.script(*words)
    app = FastAPI()
    with in_thread(app) as address:
        office.callback_url = f"{address}/twilio/status"
        app.mount("/", callbacks.create_app(office.settings, office.ledger, far.clock.moment))
        office.enqueue(heard)
        _run_until_nothing_waits(office, far)
        until(lambda: set(office.states()) <= ENDS, "every callback came", limit_s=60)
    office.script(reports=False)
    office.enqueue(n - heard)
    _run_until_nothing_waits(office, far)
    met = words[: office.counts()["requests"]]
    late = _read_and_give_up(office, far)
    return _told(n, sum(word != "ok" for word in met), late, office, far)


def _fates(n: int, seed: int) -> list[str]:
    assert sum(SHARES.values()) == 3 * OF // 10
    return random.Random(seed).choices([*SHARES, "ok"], [*SHARES.values(), OF - sum(SHARES.values())], k=n)


def _run(office: Office, far: FarTwilio) -> NotifySummary:
    office.at = far.clock.moment()
    sms = Sms(office.settings.twilio, timeout_s=TIMEOUT_S)
    return office.run(sms=sms, clock=far.clock.read, sleep=far.clock.sleep)


def _run_until_nothing_waits(office: Office, far: FarTwilio) -> None:
    for _ in range(RUNS):
        _run(office, far)
        if not UNDER_WAY & office.states().keys():
            return
        far.clock.sleep(MINUTE.total_seconds())
    raise AssertionError(f"still waiting: {office.states()}")


def _read_and_give_up(office: Office, far: FarTwilio) -> int:
    """Two runs after the hour of silence, which read statuses; then one when nobody can expect a word any more. How many were read."""
    far.clock.sleep(SILENCE.total_seconds())
    read = 0
    for _ in range(2):
        far.clock.sleep(MINUTE.total_seconds())
        read += _run(office, far).read_late
    far.clock.sleep(SILENT_FOR_EVER.total_seconds())
    # The last question, to some of them.
    _run(office, far)
    return read


def _told(n: int, faulted: int, late: int, office: Office, far: FarTwilio) -> Told:
    with office.ledger.begin() as conn:
        rows = conn.execute(message.select()).mappings().all()
        violations = [sentence for sentence in invariants.violations(conn) if "I2" not in sentence]
    taken = far.taken()
    assert_tells_nothing(one["body"] for one in taken)
    alike = Counter((one["to"], one["body"]) for one in taken)
    sids = {one["sid"] for one in taken}
    # Told, says the ledger, and Twilio has nothing of it; or Twilio has one that the ledger does not know.
    lost = [row for row in rows if row["state"] in TAKEN and row["sid"] not in sids]
    strange = sids - {row["sid"] for row in rows}
    owned = {one.message_id for one in unreached(office.ledger, far.clock.moment())}
    ownerless = [row for row in rows if row["state"] is not MessageState.DELIVERED and row["message_id"] not in owned]
    return Told(
        sends=len(rows),
        faulted=faulted,
        doubled=len(taken) - len(alike),
        lost=len(lost) + len(strange) + abs(n - len(rows)),
        without_owner=len(ownerless),
        late=late,
        states=office.states(),
        violations=violations,
    )
