"""A drain of 600,000 messages at the ledger: does claiming stay quick, and how large do the tables grow?

As `notify` does it, but without HTTP: claims of some seconds' sending, then every message to `sent` by the answer, later to `delivered`
by the callback. In `notify` each answer has a transaction of its own; here a hundred share one (1.2 million would take half an hour),
and leave the same rows, dead and alive. Prints one JSON object as its last line: `python -m tests.bench.drain`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
from sqlalchemy import text

from pipeline.domain.words import MessageState
from pipeline.ledger import outbox, server
from pipeline.ledger.engine import Ledger, migrate, open_ledger
from pipeline.ledger.outbox import Message

MESSAGES = 600_000
BATCH_ROWS = 50_000
# As `notify` claims at 100 a second.
CLAIM = 500
# Answers of one transaction here; and how many claims later the callbacks come.
TOGETHER = 100
CALLBACK_AFTER = 10
# Share of the claims whose median stands for the start and for the end.
EDGE = 0.05
DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
ADVANCE = (
    """
    INSERT INTO message_event (message_id, at, from_state, to_state, source, detail, sid)
    SELECT message_id, :now, state, CAST(:state AS TEXT), 'bench', CAST(:state AS TEXT), 'SM' || replace(CAST(message_id AS TEXT), '-', '')
    FROM message WHERE message_id = ANY(CAST(:ids AS UUID[]))
    """,
    """
    UPDATE message SET state = CAST(:state AS TEXT), reason = CAST(:state AS TEXT), sid = 'SM' || replace(CAST(message_id AS TEXT), '-', ''), updated_at = :now
    WHERE message_id = ANY(CAST(:ids AS UUID[]))
    """,
)


@dataclass
class Drained:
    """Seconds of each claim, in order, and of the whole."""

    claims: list[float] = field(default_factory=list)
    seconds: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unpool-bench-") as folder:
        try:
            ledger = open_ledger(server.ensure_running(Path(folder)).url_for("unpool"))
            migrate(ledger.engine)
            start = time.perf_counter()
            enqueue(ledger, asked.messages)
            enqueued_s = time.perf_counter() - start
            waiting = size_of(ledger)
            drained = drain(ledger)
            print(json.dumps(figures(ledger, asked.messages, enqueued_s, waiting, drained)))
            ledger.close()
        finally:
            server.stop(Path(folder))


def figures(ledger: Ledger, messages: int, enqueued_s: float, waiting: int, drained: Drained) -> dict[str, float]:
    edge = max(1, int(len(drained.claims) * EDGE))
    middle = len(drained.claims) // 2
    first, last = median(drained.claims[:edge]), median(drained.claims[-edge:])
    figures = {
        "drain_messages": messages,
        "drain_claim_growth": last / first,
        "drain_claim_first_ms": first * 1e3,
        "drain_claim_middle_ms": median(drained.claims[middle : middle + edge]) * 1e3,
        "drain_claim_last_ms": last * 1e3,
        "drain_claim_max_ms": max(drained.claims) * 1e3,
        "drain_seconds": drained.seconds,
        "drain_enqueue_s": enqueued_s,
        "drain_bytes_per_message_waiting": waiting / messages,
        "drain_bytes_per_message": size_of(ledger) / messages,
        "drain_dead_rows_per_message": dead_rows(ledger) / messages,
    }
    return {name: round(value, 3) for name, value in figures.items()}


def enqueue(ledger: Ledger, messages: int) -> None:
    """Messages of people in the order of their ids, as a decision brings them: one in a hundred most urgent, nine in the next class."""
    with ledger.begin() as conn:
        outbox.enqueue_many(conn, lambda: batches(messages), NOW)


def batches(messages: int) -> Iterator[pa.RecordBatch]:
    random = np.random.default_rng(20261120)
    ids = np.sort(random.integers(0, 2**63, messages, dtype=np.int64))
    for start in range(0, messages, BATCH_ROWS):
        some = ids[start : start + BATCH_ROWS]
        n = len(some)
        specimens = [str(uuid.UUID(int=int(number) << 65)) for number in some]
        moments = pa.array([NOW] * n, pa.timestamp("us", "UTC"))
        yield pa.RecordBatch.from_pydict(
            {
                # As decide makes them: the first half is the specimen's own.
                "message_id": [one[:18] + "-8000-000000000001" for one in specimens],
                "specimen_id": specimens,
                "version": pa.array(np.ones(n), pa.int32()),
                "purpose": ["result"] * n,
                "priority": pa.array(np.array([1] + [2] * 9 + [3] * 90)[random.integers(0, 100, n)], pa.int32()),
                "vault_day": pa.array([DAY] * n, pa.date32()),
                # 50 intake batches, whose people a decision brings mixed.
                "vault_batch": pa.array(random.integers(1, 51, n), pa.int64()),
                "collected_at": moments,
                "due_at": moments,
                "reachable": [True] * n,
            }
        )


def drain(ledger: Ledger) -> Drained:
    """Claim until nothing is left; tell of every message that it is sent, and some claims later that it is delivered."""
    done = Drained()
    start = time.perf_counter()
    unconfirmed: deque[list[Message]] = deque()
    while messages := claim(ledger, done):
        advance(ledger, messages, MessageState.SENT)
        unconfirmed.append(messages)
        if len(unconfirmed) > CALLBACK_AFTER:
            advance(ledger, unconfirmed.popleft(), MessageState.DELIVERED)
    for messages in unconfirmed:
        advance(ledger, messages, MessageState.DELIVERED)
    done.seconds = time.perf_counter() - start
    return done


def claim(ledger: Ledger, done: Drained) -> list[Message]:
    start = time.perf_counter()
    with ledger.begin() as conn:
        messages = outbox.claim(conn, CLAIM, "bench", NOW)
    if len(messages) == CLAIM:
        done.claims.append(time.perf_counter() - start)
    return messages


def advance(ledger: Ledger, messages: Sequence[Message], to: MessageState) -> None:
    """What `outbox.advance` leaves behind: the event, and another version of the message's row; for many messages at once."""
    for start in range(0, len(messages), TOGETHER):
        given = {"ids": [message.message_id for message in messages[start : start + TOGETHER]], "state": to.value, "now": NOW}
        with ledger.begin() as conn:
            for statement in ADVANCE:
                conn.execute(text(statement), given)


def size_of(ledger: Ledger) -> int:
    """Bytes of the tables of messages and their events, with their indexes."""
    with ledger.begin() as conn:
        return int(conn.execute(text("SELECT pg_total_relation_size('message') + pg_total_relation_size('message_event')")).scalar_one())


def dead_rows(ledger: Ledger) -> int:
    with ledger.begin() as conn:
        return int(conn.execute(text("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'message'")).scalar_one())


if __name__ == "__main__":
    main()
