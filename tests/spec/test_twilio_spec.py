"""The stand-in and our adapter against Twilio's official specification: every request and every answer of a whole conversation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from jsonschema_path import SchemaPath
from openapi_core import V30RequestValidator, V30ResponseValidator
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

from pipeline.delivery.sms import Accepted, Sms
from pipeline.delivery.stand_in import create_app, in_thread
from pipeline.settings import TwilioSettings

SPEC = Path(__file__).parents[3] / "shared/data/specs/twilio/twilio_api_v2010.messages-subset.json"
ACCOUNT, SECRET = "AC" + "0" * 32, "not a secret"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TO = "+84912345678"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not SPEC.exists(), reason="shared/data/specs/twilio is not here"),
]


@pytest.fixture(scope="module")
def spec() -> SchemaPath:
    document = json.loads(SPEC.read_text())
    listing = document["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]["get"]["responses"]["200"]
    # Twilio's client needs relative page addresses, which `format: uri` forbids: the specification contradicts its own examples.
    for field in listing["content"]["application/json"]["schema"]["properties"].values():
        if field.get("format") == "uri":
            del field["format"]
    return SchemaPath.from_dict(document)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with in_thread(create_app(ACCOUNT, SECRET, lambda: NOW)) as url:
        yield url


def faults(spec: SchemaPath, response: requests.Response) -> tuple[list[str], list[str]]:
    """What the specification says against the request and the answer. It has a server of its own: ours is put in its place."""
    prepared = response.request
    assert prepared.url is not None
    prepared.url = prepared.url.replace(prepared.url.split("/2010-04-01")[0], "https://api.twilio.com")
    asked, answered = RequestsOpenAPIRequest(prepared), RequestsOpenAPIResponse(response)
    # The validators: unmarshalling knows no `format: phone-number`.
    request_errors = V30RequestValidator(spec).iter_errors(asked)
    response_errors = V30ResponseValidator(spec).iter_errors(asked, answered)
    return [repr(error) for error in request_errors], [repr(error) for error in response_errors]


def recorded(address: str, sender: str) -> tuple[Sms, list[requests.Response]]:
    sms, answers = Sms(TwilioSettings(ACCOUNT, SECRET, sender, api_base_url=address)), []

    def keep(response: requests.Response, *_: Any, **__: Any) -> None:
        answers.append(response)

    sms._client.http_client.session.hooks["response"] = [keep]
    sms._client.http_client.request_hooks = {"response": [keep]}
    return sms, answers


@pytest.mark.parametrize("sender", ["+84900000001", "CDC", "MG" + "a" * 32])
def test_our_conversation_with_the_stand_in_keeps_to_the_specification(
    spec: SchemaPath, address: str, sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.delivery.sms.PAGE", 1)
    sms, answers = recorded(address, sender)
    body, callback = "CDC: ready https://kq.example/r#00ff", "http://127.0.0.1:9/x?message=1"
    sent = [sms.send(TO, body, status_callback=callback, validity_s=60) for _ in range(2)]
    assert all(isinstance(answer, Accepted) for answer in sent)
    assert len(sms.find(TO, NOW - timedelta(days=1))) >= 2
    assert isinstance(sent[0], Accepted)
    assert sms.fetch(sent[0].sid) is not None
    assert len(answers) >= 5
    for answer in answers:
        assert faults(spec, answer) == ([], [])


@pytest.mark.parametrize("status", ["DateSent", "DateSent<", "DateSent>", "From", "To"])
def test_every_filter_of_the_list_is_answered_by_the_specification(spec: SchemaPath, address: str, status: str) -> None:
    value = TO if status == "To" else "+84900000001" if status == "From" else "2026-11-20T00:00:00Z"
    answer = requests.get(f"{address}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", {status: value}, auth=(ACCOUNT, SECRET), timeout=5)
    assert answer.status_code == 200
    assert faults(spec, answer) == ([], [])


def test_the_specification_would_notice(spec: SchemaPath, address: str) -> None:
    """The judge judges: a missing To, a wrong account and a wrong SID are found."""
    Sms(TwilioSettings(ACCOUNT, SECRET, "CDC", api_base_url=address)).send(TO, "x")
    no_to = requests.post(f"{address}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", {"Body": "x"}, auth=(ACCOUNT, SECRET), timeout=5)
    assert faults(spec, no_to)[0]
    no_sid = requests.get(f"{address}/2010-04-01/Accounts/AC1/Messages.json", auth=("AC1", SECRET), timeout=5)
    assert faults(spec, no_sid)[0]
    wrong = requests.get(f"{address}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", auth=(ACCOUNT, SECRET), timeout=5)
    wrong._content = wrong.content.replace(b'"sid":"SM', b'"sid":"XX')
    assert b'"sid":"XX' in wrong.content
    assert faults(spec, wrong)[1]


@pytest.mark.parametrize(("form", "code"), [({"To": TO, "Body": "x"}, 21603), ({"To": TO, "From": "CDC"}, 21602)])
def test_the_stand_in_wants_a_sender_and_a_body_though_the_specification_does_not(
    spec: SchemaPath, address: str, form: dict[str, str], code: int
) -> None:
    answer = requests.post(f"{address}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", form, auth=(ACCOUNT, SECRET), timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert faults(spec, answer)[0] == []


def test_without_credentials_nothing_is_answered(address: str) -> None:
    for auth in (None, (ACCOUNT, "wrong"), ("AC" + "1" * 32, SECRET)):
        assert httpx.get(f"{address}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", auth=auth).status_code == 401
