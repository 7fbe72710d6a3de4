"""How fast `notify` sends against a Twilio that answers after 100 ms: over the rate asked for, and over a plain loop of Twilio's client.

The stand-in is a process of its own. The ledger is the embedded PostgreSQL, the vault real: what a run of `notify` does, all of it.
Prints one JSON object as its last line: `python -m tests.bench.sending`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from sqlalchemy import func, select
from twilio.rest import Client

from pipeline.delivery.stand_in import ANYBODY, serve
from pipeline.domain.words import MessageState
from pipeline.ledger import outbox, server
from pipeline.ledger.engine import Ledger
from pipeline.ledger.tables import message_event
from pipeline.settings import Settings, TwilioSettings
from pipeline.stages.house import House, open_house
from pipeline.stages.init import init
from pipeline.stages.notify_due import notify_due
from pipeline.vault.identity import COLUMNS, write_batch

DELAY_S = 0.1
ASKED_PER_S = 100.0
# Far more than two cores send.
UNBOUNDED_PER_S = 1_000.0
VAULT_BATCH = 1
START_LIMIT_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=3_000, help="sent at the rate asked for")
    parser.add_argument("--most", type=int, default=4_000, help="sent as fast as can be")
    parser.add_argument("--loop", type=int, default=150, help="sent one after the other by Twilio's client")
    asked = parser.parse_args()
    with stand_in(DELAY_S) as account:
        loop_per_s = loop(account, asked.loop)
        send_per_s = send(account, asked.messages, ASKED_PER_S)
        ceiling_per_s = send(account, asked.most, UNBOUNDED_PER_S)
    figures = {
        "send_rate_ratio": send_per_s / ASKED_PER_S,
        "send_over_loop": send_per_s / loop_per_s,
        "send_asked_per_s": ASKED_PER_S,
        "send_per_s": send_per_s,
        "send_ceiling_per_s": ceiling_per_s,
        "loop_per_s": loop_per_s,
        "send_messages": asked.messages,
    }
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


def loop(account: TwilioSettings, messages: int) -> float:
    """Messages per second of `messages.create`, one after the other, as a first script would."""
    client = Client(account.account_sid, account.auth_token)
    client.api.base_url = account.api_base_url
    start = time.perf_counter()
    for number in range(messages):
        client.messages.create(to=f"+8490{number:07d}", from_=account.sender, body=f"Your test result is ready, {number}")
    return messages / (time.perf_counter() - start)


def send(account: TwilioSettings, messages: int, per_second: float) -> float:
    """Messages per second of one run of `notify` in a new installation: from its first claim to the last answer written down."""
    with tempfile.TemporaryDirectory(prefix="unpool-bench-") as folder:
        settings = Settings(home=Path(folder), programme="vietnam", twilio=account, send_threads=64)
        try:
            init(settings)
            with open_house(settings) as house:
                now = datetime.now(UTC)
                enqueue(house, messages, now)
                sending = replace(house.programme.sending, per_second=per_second, quiet_from=None, quiet_to=None)
                summary = notify_due(replace(house, programme=replace(house.programme, sending=sending)), now)
                # A connection may break on the best of days: that answer is lost, and a later run asks for it.
                if summary.sent + summary.unknown != messages:
                    raise RuntimeError(f"{messages} messages were to be sent: {summary}")
                return (summary.sent - 1) / sending_time(house.ledger).total_seconds()
        finally:
            server.stop(settings.home)


def enqueue(house: House, messages: int, now: datetime) -> None:
    """People in the vault, and a message for each in the queue, of three urgencies."""
    specimens = [str(uuid.UUID(int=number << 64)) for number in range(messages)]
    people = {column: [""] * messages for column in COLUMNS} | {
        "specimen_id": specimens,
        "phone": [f"09{number:08d}" for number in range(messages)],
    }
    write_batch(house.keys, VAULT_BATCH, now.date(), pa.table(people))
    with house.ledger.begin() as conn:
        outbox.enqueue_many(conn, lambda: [due_messages(specimens, now)], now)


def due_messages(specimens: list[str], now: datetime) -> pa.RecordBatch:
    """A message for each specimen, in the shape that `enqueue_many` takes: every hundredth of the most urgent, nine of the next."""
    n = len(specimens)
    return pa.RecordBatch.from_pydict(
        {
            "message_id": [str(uuid.uuid5(uuid.NAMESPACE_OID, specimen)) for specimen in specimens],
            "specimen_id": specimens,
            "version": pa.array([1] * n, pa.int32()),
            "purpose": ["result"] * n,
            "priority": pa.array([1 if number % 100 == 0 else 2 if number % 100 < 10 else 3 for number in range(n)], pa.int32()),
            "vault_day": pa.array([now.date()] * n, pa.date32()),
            "vault_batch": pa.array([VAULT_BATCH] * n, pa.int64()),
            "collected_at": pa.array([now] * n, pa.timestamp("us", "UTC")),
            "due_at": pa.array([now] * n, pa.timestamp("us", "UTC")),
            "reachable": [True] * n,
        }
    )


def sending_time(ledger: Ledger) -> timedelta:
    """From the first message claimed to the last one accepted, as the ledger wrote it down."""
    with ledger.begin() as conn:
        claimed = conn.execute(select(func.min(message_event.c.at)).where(message_event.c.to_state == MessageState.SENDING)).scalar_one()
        sent = conn.execute(select(func.max(message_event.c.at)).where(message_event.c.to_state == MessageState.SENT)).scalar_one()
    taken: timedelta = sent - claimed
    return taken


@contextmanager
def stand_in(delay_s: float) -> Iterator[TwilioSettings]:
    """A stand-in in a process of its own; yields the account to send with."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = multiprocessing.get_context("spawn").Process(
        target=serve, args=(None,), kwargs={"port": port, "delay_s": delay_s}, daemon=True
    )
    process.start()
    try:
        limit = time.monotonic() + START_LIMIT_S
        while not _accepts(port):
            if not process.is_alive() or time.monotonic() > limit:
                raise RuntimeError("the stand-in does not start")
            time.sleep(0.05)
        yield replace(ANYBODY, api_base_url=f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.join()


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    main()
