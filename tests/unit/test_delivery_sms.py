"""The adapter against the stand-in, over real HTTP on 127.0.0.1."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from pipeline.delivery.codes import RefusalKind
from pipeline.delivery.kept import Kept
from pipeline.delivery.sms import Accepted, Answer, BackOff, LookupFailed, Refused, Sms, Unknown
from pipeline.delivery.stand_in import create_app, in_thread
from pipeline.settings import TwilioSettings

ACCOUNT, SECRET = "AC" + "0" * 32, "not a secret"
TO, BODY = "+84912345678", "CDC: ready https://kq.example/r#00ff"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(ACCOUNT, SECRET, lambda: NOW, timeout_s=2.0)


@pytest.fixture(scope="module")
def address(app: FastAPI) -> Iterator[str]:
    with in_thread(app) as url:
        yield url


@pytest.fixture(autouse=True)
def _empty(app: FastAPI) -> None:
    app.state.store.messages.clear()
    app.state.store.script.clear()


def account(address: str, *, sender: str = "CDC", auth_token: str = SECRET) -> TwilioSettings:
    return TwilioSettings(ACCOUNT, auth_token, sender, api_base_url=address)


def send_after(address: str, *words: str) -> Answer:
    httpx.post(f"{address}/_script", json={"behaviours": list(words)}).raise_for_status()
    return Sms(account(address), timeout_s=0.5).send(TO, BODY)


def kept(address: str) -> int:
    return int(httpx.get(f"{address}/_accepted").json()["accepted"])


def test_an_accepted_message_has_a_sid(address: str) -> None:
    answer = send_after(address)
    assert isinstance(answer, Accepted)
    assert (answer.sid[:2], answer.status) == ("SM", "queued")


def test_a_messaging_service_is_told_from_a_sender(address: str, app: FastAPI) -> None:
    answer = Sms(account(address, sender="MG" + "a" * 32)).send(TO, BODY, status_callback=None, validity_s=60)
    assert isinstance(answer, Accepted)
    message = app.state.store.messages[answer.sid]
    assert (message.sender, message.service) == (None, "MG" + "a" * 32)


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("400:21211", Refused(RefusalKind.FIX_DATA, 21211)),
        ("400:21614", Refused(RefusalKind.FIX_DATA, 21614)),
        ("400:21610", Refused(RefusalKind.OPTED_OUT, 21610)),
        ("400:21408", Refused(RefusalKind.CONFIGURATION, 21408)),
        ("400:21606", Refused(RefusalKind.CONFIGURATION, 21606, stops_the_line=True)),
        ("401", Refused(RefusalKind.CONFIGURATION, 20003, stops_the_line=True)),
        ("400:30007", Refused(RefusalKind.CONTENT, 30007)),
        ("400:29999", Refused(RefusalKind.UNKNOWN, 29999)),
        ("400:21611", BackOff(None)),
        ("429", BackOff(None)),
        ("429_retry_after", BackOff(1.0)),
    ],
)
def test_T04_a_4xx_is_a_no(address: str, word: str, answer: Answer) -> None:
    assert send_after(address, word) == answer
    assert kept(address) == 0


@pytest.mark.parametrize(
    ("word", "reason", "taken"),
    [
        ("500_before", "http_500", 0),
        ("500_after", "http_500", 1),
        ("502_after", "http_502", 1),
        ("503_before", "http_503", 0),
        ("408:20408", "http_408", 0),
        ("timeout_after", "ReadTimeout", 1),
        ("reset_after", "ChunkedEncodingError", 1),
        ("empty_after", "answer_without_sid", 1),
        ("bad_json_after", "answer_not_json", 1),
    ],
)
def test_T01_T02_what_is_not_surely_a_no_is_unknown_and_asked_once(address: str, word: str, reason: str, taken: int) -> None:
    before = httpx.get(f"{address}/_accepted").json()["requests"]
    answer = send_after(address, word)
    assert isinstance(answer, Unknown)
    assert answer.reason == reason
    assert kept(address) == taken
    assert httpx.get(f"{address}/_accepted").json()["requests"] == before + 1


def test_T14_a_server_that_is_not_there_took_nothing() -> None:
    assert Sms(account("http://127.0.0.1:9"), timeout_s=0.5).send(TO, BODY) == BackOff(None)


def test_wrong_credentials_stop_the_line(address: str) -> None:
    answer = Sms(account(address, auth_token="other")).send(TO, BODY)
    assert answer == Refused(RefusalKind.CONFIGURATION, 20003, stops_the_line=True)


@pytest.mark.parametrize(
    ("to", "body", "code"), [("0912345678", BODY, 21211), ("+8491234567x", BODY, 21211), (TO, "", 21602), (TO, "x" * 1_601, 21617)]
)
def test_the_stand_in_is_as_strict_as_twilio(address: str, to: str, body: str, code: int) -> None:
    answer = Sms(account(address)).send(to, body)
    assert isinstance(answer, Refused)
    assert answer.code == code


def test_T01_a_lost_answer_is_found_again_even_while_twilio_has_not_sent_it(address: str, app: FastAPI) -> None:
    app.state.store.statuses = ()
    assert isinstance(send_after(address, "timeout_after"), Unknown)
    app.state.store.statuses = ("queued", "sent", "delivered")
    [found] = Sms(account(address)).find(TO, LONG_AGO)
    assert (found.body, found.status, found.created_at) == (BODY, "queued", NOW)
    assert Sms(account(address)).find(TO, NOW + timedelta(seconds=1)) == []
    assert Sms(account(address)).find("+84912345679", LONG_AGO) == []


def test_T01_the_list_is_read_to_its_last_page(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.delivery.sms.PAGE", 2)
    sms = Sms(account(address))
    sids = {answer.sid for answer in (sms.send(TO, BODY) for _ in range(5)) if isinstance(answer, Accepted)}
    assert {found.sid for found in sms.find(TO, LONG_AGO)} == sids
    assert len(sids) == 5


def test_T07_one_message_is_fetched_by_its_sid(address: str) -> None:
    answer = send_after(address)
    assert isinstance(answer, Accepted)
    found = Sms(account(address)).fetch(answer.sid)
    assert found is not None
    assert found.sid == answer.sid
    assert Sms(account(address)).fetch("SM" + "f" * 32) is None


def test_W14_a_failed_lookup_tells_no_number() -> None:
    sms = Sms(account("http://127.0.0.1:9"), timeout_s=0.5)
    with pytest.raises(LookupFailed) as caught:
        sms.find(TO, LONG_AGO)
    assert TO[1:] not in str(caught.value) + str(caught.value.fields)
    with pytest.raises(LookupFailed):
        sms.fetch("SM" + "f" * 32)


def test_W14_no_log_tells_a_number(address: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    sms = Sms(account(address))
    sms.send(TO, BODY)
    sms.find(TO, LONG_AGO)
    assert TO[1:] not in caplog.text


def test_what_was_taken_is_kept_in_a_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("kept") / "accepted.jsonl"
    with in_thread(create_app(ACCOUNT, SECRET, lambda: NOW, keep_in=file)) as address:
        Sms(account(address)).send(TO, BODY)
    assert file.read_text().count(BODY) == 1


def test_O10_all_since_a_moment_though_twilio_sorts_by_the_time_of_sending(
    address: str, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is a page of messages created and sent before: here two. What queues has no time of sending."""
    monkeypatch.setattr("pipeline.delivery.sms.PAGE", 2)
    before, after = LONG_AGO - timedelta(hours=1), LONG_AGO + timedelta(hours=1)
    listed: list[tuple[str, datetime, datetime | None]] = [
        ("queues", after, None),
        ("new", after, after),
        ("queued for long", before, after),
        ("older", before, before),
        ("in disorder", LONG_AGO, after),
        ("older too", before, before),
        ("oldest", before, before),
        ("beyond the end", after, after),
    ]
    for name, created_at, sent_at in reversed(listed):
        app.state.store.messages[name] = Kept(name, TO, "CDC", None, BODY, created_at, "sent", None, sent_at=sent_at)
    assert [one.sid for one in Sms(account(address)).since(LONG_AGO)] == ["queues", "new", "in disorder"]


def test_O10_a_list_that_breaks_off_is_no_list(address: str) -> None:
    with pytest.raises(LookupFailed):
        list(Sms(account(address, auth_token="wrong")).since(LONG_AGO))
