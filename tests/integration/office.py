"""An office that sends: a ledger, a vault of made-up people, and Twilio's stand-in over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import httpx
import pyarrow as pa
import pytest

from pipeline.delivery.kept import Store
from pipeline.delivery.link import links
from pipeline.delivery.sms import Sms
from pipeline.domain.messages import is_gsm7, parts
from pipeline.domain.names import fold_key
from pipeline.domain.words import MessageState
from pipeline.ledger import outbox
from pipeline.ledger.engine import Ledger
from pipeline.programme import Programme
from pipeline.settings import Settings, TwilioSettings
from pipeline.stages.notify import NotifySummary, notify
from pipeline.vault.tokens import token

ACCOUNT, SECRET = "AC" + "0" * 32, "not a secret"
# What a result is called by those who write one; no body may hold it.
TELLING = ("am tinh", "duong tinh", "positive", "negative", "detected", "nguyen")
MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def key(*parts: object) -> str:
    """The same id for the same parts."""
    return str(uuid5(NAMESPACE_OID, repr(parts)))


def messages(*rows: dict[str, object]) -> pa.RecordBatch:
    """Rows for `enqueue_many`. They need `specimen_id` and `version`; the rest is filled in."""
    usual: dict[str, object] = {"purpose": "result", "reachable": True, "vault_day": NOW.date(), "vault_batch": 1, "priority": 5}
    usual |= {"collected_at": NOW, "due_at": NOW}
    filled = [usual | {"message_id": key(row["specimen_id"], row["version"], row.get("purpose", "result"))} | row for row in rows]
    moment, text = pa.timestamp("us", "UTC"), pa.string()
    types = {"vault_day": pa.date32(), "vault_batch": pa.int64(), "collected_at": moment, "due_at": moment, "priority": pa.int32()}
    types |= {"message_id": text, "specimen_id": text, "purpose": text, "version": pa.int32(), "reachable": pa.bool_()}
    return pa.RecordBatch.from_pylist(filled, schema=pa.schema(types))


def assert_tells_nothing(bodies: Iterable[str]) -> None:
    """T12, for every body that a test sent: one part, in GSM-7, no word of a result and no name."""
    for body in bodies:
        assert parts(body) == 1
        assert is_gsm7(body)
        assert not [word for word in TELLING if word.replace(" ", "_") in fold_key(body)]


@dataclass
class Office:
    """A programme with its ledger and the stand-in behind it. `at` is the office's clock; `store` None where the stand-in is far."""

    ledger: Ledger
    store: Store | None
    address: str
    programme: Programme
    callback_url: str | None = None
    threads: int = 8
    at: datetime = NOW
    phones: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        account = TwilioSettings(ACCOUNT, SECRET, "CDC", api_base_url=self.address)
        return Settings(Path("/nowhere"), "vietnam", twilio=account, callback_url=self.callback_url, send_threads=self.threads)

    def enqueue(self, n: int, **row: object) -> list[str]:
        """`n` people with a phone each; their specimen ids."""
        first = len(self.phones)
        specimens = [key("specimen", first + number) for number in range(n)]
        self.phones |= {specimen: f"09{10_000_000 + first + number}" for number, specimen in enumerate(specimens)}
        self.put(*({"specimen_id": specimen, "version": 1} | row for specimen in specimens))
        return specimens

    def put(self, *rows: dict[str, object]) -> None:
        with self.ledger.begin() as conn:
            outbox.enqueue_many(conn, lambda: [messages(*rows)], self.at)

    def script(self, *words: str, **more: object) -> None:
        httpx.post(f"{self.address}/_script", json={"behaviours": list(words), **more}).raise_for_status()

    def run(self, **changes: Any) -> NotifySummary:
        given: dict[str, Any] = {
            "settings": self.settings,
            "programme": self.programme,
            "ledger": self.ledger,
            "phones_of": self.phones_of,
            "link_of": links("https://kq.unpool.example/r", partial(token, b"k" * 32)),
            "sms": Sms(self.settings.twilio, timeout_s=2.0) if self.settings.twilio else None,
            "now": self.at,
        }
        return notify(**given | changes)

    def run_out(self, limit: int = 40) -> None:
        """Run every minute until nothing waits and nothing is unknown."""
        for _ in range(limit):
            self.run(sleep=lambda _: None)
            if not {MessageState.QUEUED, MessageState.SENDING, MessageState.UNKNOWN} & self.states().keys():
                return
            self.at += MINUTE
        pytest.fail(f"still waiting: {self.states()}")

    def phones_of(self, places: list[tuple[date, int, str]]) -> Mapping[str, str]:
        return {specimen: self.phones[specimen] for _, _, specimen in places if specimen in self.phones}

    def states(self) -> dict[MessageState, int]:
        with self.ledger.begin() as conn:
            return outbox.counts(conn)

    def message(self, specimen: str, version: int = 1, purpose: str = "result") -> outbox.Message:
        with self.ledger.begin() as conn:
            found = outbox.by_id(conn, key(specimen, version, purpose))
        assert found is not None
        return found

    def counts(self) -> dict[str, Any]:
        return dict(httpx.get(f"{self.address}/_accepted").json())


class Slept:
    """A clock that only sleeping moves; for one thread."""

    now = 0.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def until(condition: Callable[[], bool], what: str, limit_s: float = 20.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"not within {limit_s} s: {what}"
        threading.Event().wait(0.02)
