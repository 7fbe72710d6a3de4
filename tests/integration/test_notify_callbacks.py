"""Twilio's reports at our door: signed ones move a message forward once, all others change nothing."""

from __future__ import annotations

import itertools
import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import ascii_letters
from uuid import NAMESPACE_OID, UUID, uuid5

import pyarrow as pa
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from pipeline.delivery.codes import TwilioStatus, state_of
from pipeline.delivery.signature import HEADER, sign
from pipeline.domain.words import MessageState
from pipeline.errors import SettingsError
from pipeline.ledger import outbox
from pipeline.ledger.engine import Ledger
from pipeline.ledger.tables import message_event
from pipeline.settings import Settings, TwilioSettings
from pipeline.web.callbacks import create_app

ACCOUNT, SECRET = "AC" + "0" * 32, "not a secret"
URL = "https://sms.example.vn/twilio/status"
SETTINGS = Settings(Path("/nowhere"), "vietnam", twilio=TwilioSettings(ACCOUNT, SECRET, "CDC"), callback_url=URL)
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
REPORT = {"AccountSid": ACCOUNT, "MessageSid": "SM1", "To": "+84912345678"}
ENDS = {MessageState.DELIVERED, MessageState.UNDELIVERED, MessageState.FAILED}
# What has happened to a message that is being sent.
BEFORE = [MessageState.SENDING]


@dataclass
class Door:
    """The web application, and the ledger behind it."""

    client: TestClient
    ledger: Ledger

    def sending(self, n: int) -> list[str]:
        """`n` messages that are being sent; their ids."""
        ids = [str(uuid5(NAMESPACE_OID, str(number))) for number in range(n)]
        moment = pa.array([NOW] * n, pa.timestamp("us", "UTC"))
        columns = {
            "message_id": pa.array(ids),
            "specimen_id": pa.array(ids),
            "version": pa.array([1] * n, pa.int32()),
            "purpose": pa.array(["result"] * n),
            "reachable": pa.array([True] * n),
            "vault_day": pa.array([NOW.date()] * n),
            "vault_batch": pa.array([1] * n, pa.int64()),
            "priority": pa.array([5] * n, pa.int32()),
            "collected_at": moment,
            "due_at": moment,
        }
        with self.ledger.begin() as conn:
            outbox.enqueue_many(conn, lambda: [pa.RecordBatch.from_pydict(columns)], NOW)
            outbox.claim(conn, n, "test", NOW)
        return ids

    def report(self, message: str, status: str, *, sid: str = "SM1", code: str | None = None, **faults: str) -> int:
        """Post a report, signed as Twilio would unless `faults` say otherwise; the answer's status."""
        fields = {"AccountSid": faults.get("account", ACCOUNT), "MessageSid": sid, "MessageStatus": status, "To": "+84912345678"}
        fields |= {"ErrorCode": code} if code else {}
        signed_url = f"{faults.get('url', URL)}?message={faults.get('signed_message', message)}"
        signature = faults.get("signature", sign(faults.get("secret", SECRET), signed_url, fields))
        fields |= {"MessageStatus": faults.get("status_then", status)}
        return self.client.post(f"/twilio/status?message={message}", data=fields, headers={HEADER: signature}).status_code

    def message(self, message_id: str) -> outbox.Message:
        with self.ledger.begin() as conn:
            found = outbox.by_id(conn, message_id)
        assert found is not None
        return found

    def moves(self, message_id: str) -> list[MessageState]:
        """The states that it went through."""
        mine = select(message_event.c.to_state).where(message_event.c.message_id == message_id).order_by(message_event.c.event_id)
        with self.ledger.begin() as conn:
            return list(conn.execute(mine).scalars())


@pytest.fixture
def door(ledger: Ledger) -> Iterator[Door]:
    # The server's own name differs from the one in the settings, as behind a proxy.
    with TestClient(create_app(SETTINGS, ledger, lambda: NOW + timedelta(seconds=1)), base_url="http://127.0.0.1:8791") as client:
        yield Door(client, ledger)


def test_a_signed_report_saves_the_sid_and_the_state(door: Door) -> None:
    [message] = door.sending(1)
    assert door.report(message, "sent") == 204
    assert (door.message(message).state, door.message(message).sid) == (MessageState.SENT, "SM1")
    assert door.report(message, "undelivered", code="30006") == 204
    assert (door.message(message).state, door.message(message).reason) == (MessageState.UNDELIVERED, "fix_data_30006")


def test_T05_T06_every_pair_of_statuses_in_any_order_ends_at_the_same_truth(door: Door) -> None:
    """All 13 by 13. An end stays; before it only forward. Each report comes twice, and the pair once more three days later."""
    pairs = list(itertools.product(TwilioStatus, repeat=2))
    for number, (message, (first, second)) in enumerate(zip(door.sending(len(pairs)), pairs, strict=True)):
        sid = f"SM{number}"
        for status in (first, first, second, second, first, second):
            assert door.report(message, status, sid=sid) == (204 if state_of(status) else 400)
        news = [state for state in (state_of(first), state_of(second)) if state is not None]
        expected = next((state for state in news if state in ENDS), MessageState.SENT if news else MessageState.SENDING)
        assert (door.message(message).state, door.message(message).sid) == (expected, sid if news else None), (first, second)


def test_T06_in_every_order_of_all_statuses_the_first_end_stays_and_nothing_is_sent_again(door: Door) -> None:
    """Each of the 13 first and each of them second, the rest shuffled; then all of it again."""
    chance = random.Random(6)
    orders = [
        (first, second, *chance.sample(rest, len(rest)))
        for first, second in itertools.permutations(TwilioStatus, 2)
        for rest in [[status for status in TwilioStatus if status not in (first, second)]]
    ]
    for number, (message, order) in enumerate(zip(door.sending(len(orders)), orders, strict=True)):
        told = [state for state in map(state_of, order) if state is not None]
        with door.ledger.begin() as conn:
            for state in told * 2:
                outbox.advance(conn, message, state, sid=f"SM{number}", reason=state, source="test", now=NOW)
        assert door.message(message).state is next(state for state in told if state in ENDS), order
        moves = door.moves(message)
        assert moves in ([*BEFORE, door.message(message).state], [*BEFORE, MessageState.SENT, door.message(message).state]), order
    with door.ledger.begin() as conn:
        assert outbox.claim(conn, len(orders), "test", NOW + timedelta(days=3)) == []


def test_T05_a_sid_that_is_another_message_s_is_refused_and_changes_nothing(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    mine, other = door.sending(2)
    assert door.report(mine, "sent", sid="SM1") == 204
    assert door.report(other, "delivered", sid="SM1") == 409
    assert (door.message(other).state, door.message(other).sid) == (MessageState.SENDING, None)
    assert "callback_contradicts" in caplog.text
    assert door.report(other, "delivered", sid="SM2") == 204


def test_T01_a_report_heals_an_unknown_message(door: Door) -> None:
    [message] = door.sending(1)
    with door.ledger.begin() as conn:
        outbox.advance(conn, message, MessageState.UNKNOWN, reason="ReadTimeout", source="test", now=NOW)
    assert door.report(message, "queued") == 204
    assert (door.message(message).state, door.message(message).sid) == (MessageState.SENT, "SM1")


def forgeries(n: int, message: str, other: str, chance: random.Random) -> Iterator[dict[str, str]]:
    """`n` ways to report without the secret, or with it for another account, as `faults` of `Door.report`."""
    true = sign(SECRET, f"{URL}?message={message}", {**REPORT, "MessageStatus": "delivered"})
    statuses = [status for status in TwilioStatus if status != "delivered"]

    def one_letter_changed() -> str:
        at = chance.randrange(len(true) - 1)
        return true[:at] + chance.choice([letter for letter in ascii_letters if letter != true[at]]) + true[at + 1 :]

    kinds: list[Callable[[], dict[str, str]]] = [
        lambda: {"signature": ""},
        lambda: {"signature": b64encode(chance.randbytes(20)).decode()},
        lambda: {"signature": one_letter_changed()},
        lambda: {"signature": true[: chance.randrange(len(true))]},
        lambda: {"secret": chance.randbytes(16).hex()},
        lambda: {"signed_message": chance.choice([other, str(UUID(bytes=chance.randbytes(16)))])},
        lambda: {"status_then": chance.choice(statuses)},
        lambda: {"account": f"AC{chance.randbytes(16).hex()}"},
        lambda: {
            "url": chance.choice(["http://127.0.0.1:8791/twilio/status", f"https://{chance.randbytes(4).hex()}.example/twilio/status"])
        },
    ]
    for number in range(n):
        yield kinds[number % len(kinds)]()


def test_T08_of_a_thousand_forged_reports_none_changes_anything(door: Door, record_property: Callable[[str, object], None]) -> None:
    [message, other] = door.sending(2)
    known = sign(SECRET, f"{URL}?message={message}", {**REPORT, "MessageStatus": "delivered"})
    tried = 0
    for forgery in forgeries(1_000, message, other, random.Random(8)):
        assert door.report(message, "delivered", **forgery) == 403, forgery
        tried += 1
    assert door.message(message).state is door.message(other).state is MessageState.SENDING
    assert door.message(message).sid is door.message(other).sid is None
    assert door.moves(message) == BEFORE
    assert door.report(message, "delivered", signature=known) == 204, "the same report, signed, is taken"
    record_property("forgeries", tried)


def test_T08_a_replayed_report_is_known(door: Door) -> None:
    [message] = door.sending(1)
    for status in ("sent", "delivered", "sent", "sent"):
        assert door.report(message, status) == 204
    assert door.message(message).state is MessageState.DELIVERED


@pytest.mark.parametrize("message", ["", "1", "no-uuid", str(uuid5(NAMESPACE_OID, "nobody"))])
def test_a_message_that_nobody_knows_is_not_found(door: Door, message: str) -> None:
    assert door.report(message, "delivered") == 404


@pytest.mark.parametrize(("status", "sid"), [("received", "SM1"), ("eaten", "SM1"), ("", "SM1"), ("sent", "")])
def test_a_report_without_a_status_of_ours_or_a_sid_is_an_error(door: Door, status: str, sid: str) -> None:
    [message] = door.sending(1)
    assert door.report(message, status, sid=sid) == 400
    assert door.message(message).state is MessageState.SENDING


def test_a_report_of_a_second_sid_leaves_the_first(door: Door) -> None:
    [message] = door.sending(1)
    assert door.report(message, "sent", sid="SM1") == 204
    assert door.report(message, "delivered", sid="SM2") == 204
    assert (door.message(message).state, door.message(message).sid) == (MessageState.SENT, "SM1")


def test_what_is_no_report_is_refused(door: Door) -> None:
    assert door.client.post("/twilio/status?message=1", content=b"x" * 70_000).status_code == 413
    assert door.client.post("/twilio/status?message=1", content=b"\xff\xfe=1").status_code == 400
    assert door.client.get("/twilio/status").status_code == 405
    assert door.client.get("/docs").status_code == 404


def test_W14_no_log_tells_a_number(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="unpool")
    [message] = door.sending(1)
    door.report(message, "delivered")
    door.report(message, "delivered", signature="")
    assert "callback_taken" in caplog.text
    assert "callback_forged" in caplog.text
    assert "912345678" not in caplog.text


@pytest.mark.parametrize("settings", [replace(SETTINGS, twilio=None), replace(SETTINGS, callback_url=None)])
def test_without_a_secret_or_an_address_there_is_no_door(ledger: Ledger, settings: Settings) -> None:
    with pytest.raises(SettingsError):
        create_app(settings, ledger)
