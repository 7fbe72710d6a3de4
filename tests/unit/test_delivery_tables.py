"""Twilio's codes, statuses and signature; the link; what a lookup proves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.delivery.behaviours import OK, behaviour, of_number
from pipeline.delivery.codes import RefusalKind, TwilioStatus, kind_of, reason_of, state_of, stops_the_line
from pipeline.delivery.link import links
from pipeline.delivery.reconcile import Absent, Present, Undecided, presence
from pipeline.delivery.signature import is_signed, sign
from pipeline.delivery.sms import Found
from pipeline.domain.words import MessageState

SPEC = Path(__file__).parents[3] / "shared/data/specs/twilio/twilio_api_v2010.messages-subset.json"
CODES = {
    RefusalKind.FIX_DATA: (21211, 21614, 30005, 30006),
    RefusalKind.OPTED_OUT: (21610,),
    RefusalKind.CONFIGURATION: (20003, 21408, 21606, 21612, 30029, 30030),
    RefusalKind.BACK_OFF: (20429, 21611, 30001, 30003, 30036),
    RefusalKind.CONTENT: (30004, 30007),
    RefusalKind.UNKNOWN: (30008, 99999),
}


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in CODES.items() for code in codes])
def test_T04_every_documented_code_has_its_class(kind: RefusalKind, code: int) -> None:
    assert kind_of(code) is kind


def test_every_class_is_met() -> None:
    assert set(CODES) == set(RefusalKind)


@pytest.mark.parametrize(
    ("http_status", "code", "stops"),
    [
        (401, 20003, True),
        (401, 401, True),
        (400, 21606, True),
        (404, 20404, True),
        (400, 21408, False),
        (400, 21211, False),
        (400, 21612, False),
    ],
)
def test_T04_only_what_every_message_would_meet_stops_the_line(http_status: int, code: int, stops: bool) -> None:
    assert stops_the_line(http_status, code) is stops


def test_every_status_of_twilio_has_a_state_or_is_an_incoming_one() -> None:
    incoming = {status for status in TwilioStatus if state_of(status) is None}
    assert incoming == {TwilioStatus.RECEIVING, TwilioStatus.RECEIVED}
    assert state_of("seen_by_aliens") is None
    assert state_of("delivered") is MessageState.DELIVERED
    assert {state_of(word) for word in ("queued", "accepted", "sending", "sent")} == {MessageState.SENT}


@pytest.mark.real_data
@pytest.mark.skipif(not SPEC.exists(), reason="shared/data/specs/twilio is not here")
def test_the_statuses_are_those_of_the_specification() -> None:
    enum = json.loads(SPEC.read_text())["components"]["schemas"]["message_enum_status"]["enum"]
    assert set(enum) == set(TwilioStatus)


def test_a_reason_is_class_and_code() -> None:
    assert reason_of(30006) == "fix_data_30006"
    assert reason_of(None, default="delivered") == "delivered"


def test_T08_the_signature_is_the_one_that_twilio_documents() -> None:
    # The worked example of Twilio's security page.
    url = "https://example.com/myapp.php?foo=1&bar=2"
    fields = {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675310", "Digits": "1234", "From": "+14158675310", "To": "+18005551212"}
    assert sign("12345", url, fields) == "L/OH5YylLD5NRKLltdqwSvS0BnU="
    assert is_signed("12345", url, fields, "L/OH5YylLD5NRKLltdqwSvS0BnU=")
    assert not is_signed("12346", url, fields, "L/OH5YylLD5NRKLltdqwSvS0BnU=")
    assert not is_signed("12345", url, fields | {"Digits": "1235"}, "L/OH5YylLD5NRKLltdqwSvS0BnU=")


def test_a_link_is_the_base_and_the_token_in_its_path() -> None:
    assert links("https://kq.example/r", str.upper)("abc") == "https://kq.example/r/ABC"


def _found(body: str, sid: str = "SM1") -> Found:
    return Found(sid, "sent", body, datetime(2026, 11, 20, tzinfo=UTC), None)


@pytest.mark.parametrize(
    ("found", "taken", "expected"),
    [
        ([], (), Absent()),
        ([_found("X: ready l#1")], (), Present(_found("X: ready l#1"))),
        ([_found("X: old words l#1")], (), Present(_found("X: old words l#1"))),
        ([_found("X: ready l#2")], (), Absent()),
        ([_found("X: ready l#1")], ("SM1",), Absent()),
        ([_found("X: own test l#1", "SM1"), _found("X: ready l#1", "SM2")], (), Present(_found("X: ready l#1", "SM2"))),
        ([_found("")], (), Undecided()),
        ([_found("")], ("SM1",), Absent()),
        ([_found(""), _found("X: ready l#1", "SM2")], (), Present(_found("X: ready l#1", "SM2"))),
    ],
)
def test_T01_a_message_is_known_by_its_text_or_link_and_never_taken_for_another(
    found: list[Found], taken: tuple[str, ...], expected: object
) -> None:
    assert presence(found, body="X: ready l#1", link="l#1", taken=taken) == expected


@pytest.mark.parametrize("word", ["429 ", "ok!", "600:21211", "400:2121", "500", "500_during", "deliver:abc", ""])
def test_an_unknown_behaviour_is_an_error(word: str) -> None:
    with pytest.raises(ValueError, match="no such behaviour"):
        behaviour(word)


def test_a_number_can_ask_for_an_error() -> None:
    assert of_number("+84900021610").code == 21610
    assert of_number("+84900020429").http_status == 429
    assert of_number("+84900030003") == behaviour("deliver:30003")
    assert of_number("+84912345678") == OK
