"""W10: what is declared of the routes for programs is what they answer, whatever comes. Judged by schemathesis, which makes it up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from pydantic import BaseModel
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from pipeline.delivery.signature import HEADER, sign
from pipeline.ledger.engine import Ledger
from pipeline.web.base.api import Api, document
from pipeline.web.callbacks import create_app
from pipeline.web.desk.access import Door
from pipeline.web.desk.app import api_of
from pipeline.web.desk.phone import LARGEST_TUBE
from tests.integration.test_notify_callbacks import ACCOUNT, NOW, SECRET, SETTINGS, URL
from tests.integration.test_notify_callbacks import Door as Twilio
from tests.web.desk import OF_ROLE, Town
from tests.web.test_phone_server import TUBE, changed, with_person

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
# Of each operation, valid and invalid; all of them take some ten seconds.
EXAMPLES = 20
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)

Scope = MutableMapping[str, Any]
# Headers to send instead, of a query and a body, both of which it may change.
Sender = Callable[[Scope, bytes], tuple[dict[str, str], bytes]]


@dataclass
class Sent:
    """An application behind what a true sender adds, and the statuses that it answered."""

    app: ASGIApp
    sender: Sender
    statuses: set[int] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers, body = self.sender(scope, body)
        instead = {name.lower().encode(): value.encode() for name, value in headers.items()} | {b"content-length": str(len(body)).encode()}
        scope["headers"] = [one for one in scope["headers"] if one[0] not in instead] + list(instead.items())
        left = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Any:
            return left.pop() if left else await receive()

        async def noting(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.statuses.add(message["status"])
            await send(message)

        await self.app(scope, again, noting)


def judged(app: Sent, told: dict[str, Any], method: str, path: str) -> None:
    """Make up requests for one operation and compare the answers with what is declared."""
    load_all_checks()
    schema = schemathesis.openapi.from_dict(told)
    schema.app = app
    # What takes nothing can be given nothing wrong.
    takes = told["paths"][path][method.lower()].keys() & {"requestBody", "parameters"}
    for mode in MODES if takes else MODES[:1]:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=schema[path][method].as_strategy(generation_mode=mode))
        def once(case: Case) -> None:
            case.validate_response(case.call(), checks=CHECKS)

        once()


def of_a_person(session: str, *, keyed: bool) -> Sender:
    """A browser of somebody who is signed in; a phone names the body's digest, now and then another."""

    def send(scope: Scope, body: bytes) -> tuple[dict[str, str], bytes]:
        digest = hashlib.sha256(body).hexdigest()
        key = {"Idempotency-Key": digest} if keyed and digest[0] < "d" else {}
        return {"Cookie": f"desk={session}", **key}, body

    return send


# Route → what must have come back, or what was made up did not get far.
REACHED = {
    "GET /phone/me": {200},
    "POST /phone/tubes": {400},
    "POST /phone/check": {400},
    "GET /phone/texts.json": {200},
    "POST /files": {200, 400},
}


def for_programs(town: Town) -> Iterator[Door]:
    return (door for door in town.app.doors.all if door.api)


def test_W10_the_desk_answers_programs_as_it_declares(town: Town) -> None:
    told, tried = api_of(town.app.doors), set()
    for door in for_programs(town):
        session = town.client(OF_ROLE[min(door.roles)] if door.roles else "lan").cookies["desk"]
        app = Sent(town.app, of_a_person(session, keyed=bool(door.api and door.api.headers)))
        judged(app, told, door.method, door.path)
        name = f"{door.method} {door.path}"
        assert app.statuses >= REACHED[name], (name, app.statuses)
        tried.add(name)
    assert tried == REACHED.keys()


@pytest.mark.parametrize(
    ("tube", "status"),
    [(TUBE, 200), (with_person(birth_date="2031"), 422), (changed(tube_code="x" * LARGEST_TUBE), 413)],
    ids=["true", "would come back", "too large"],
)
def test_W10_what_is_hardly_ever_made_up_is_answered_as_declared(town: Town, tube: dict[str, Any], status: int) -> None:
    session = town.client("lan").cookies["desk"]
    body = json.dumps(tube).encode()
    headers = {"Cookie": f"desk={session}", "Idempotency-Key": hashlib.sha256(body).hexdigest()}
    app = Sent(town.app, lambda *_: (headers, body))
    schema = schemathesis.openapi.from_dict(api_of(town.app.doors))
    schema.app = app
    load_all_checks()
    for path in ("/phone/check", "/phone/tubes"):
        case = schema[path]["POST"].Case(body=tube, headers={"Idempotency-Key": "-"}, media_type="application/json")
        case.validate_response(case.call(), checks=CHECKS)
    assert app.statuses == {status}


def test_W10_every_answer_in_json_is_declared(town: Town) -> None:
    """A route that answers a program in JSON without saying so would be missed above."""
    told = api_of(town.app.doors)["paths"]
    found = set()
    for door in town.app.doors.all:
        if "{" in door.path or door.path == "/sign-out":
            continue
        client = town.client(OF_ROLE[min(door.roles)] if door.roles else "lan")
        answer = client.request(door.method, door.path, headers={"Accept": "application/json"}, files={"file": ("a.csv", b"x")})
        if answer.headers.get("content-type", "").startswith("application/json"):
            found.add(door.path)
            assert door.method.lower() in told[door.path], door
    assert found == told.keys()


def by_twilio(messages: list[str]) -> Sender:
    """Twilio signs what it sends, of our account and mostly of a message of ours; now and then somebody else sends."""

    def send(scope: Scope, body: bytes) -> tuple[dict[str, str], bytes]:
        chance = hashlib.sha256(body + scope["query_string"]).digest()[0]
        if chance < 32:
            return {}, body
        fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        fields["AccountSid"] = ACCOUNT
        if chance > 64:
            fields["MessageStatus"] = ("delivered", "sent", "nonsense")[chance % 3]
        if chance > 96:
            scope["query_string"] = urlencode({"message": messages[chance % len(messages)]}).encode()
        signature = sign(SECRET, f"{URL}?{scope['query_string'].decode('latin-1')}", fields)
        return {HEADER: signature, "Content-Type": "application/x-www-form-urlencoded"}, urlencode(fields).encode()

    return send


def test_W10_the_callbacks_answer_as_they_declare(ledger: Ledger) -> None:
    made = create_app(SETTINGS, ledger, lambda: NOW)
    app = Sent(made, by_twilio(Twilio(TestClient(made), ledger).sending(3)))
    judged(app, made.openapi(), "POST", "/twilio/status")
    # What else it answers with hangs on what the tool thinks of.
    assert app.statuses >= {204, 403}


class Shape(BaseModel):
    n: int


@pytest.mark.parametrize(
    ("status", "body"), [(500, {"n": 1}), (418, {"n": 1}), (200, {"n": "one"}), (200, None)], ids=["error", "status", "schema", "page"]
)
def test_W10_an_answer_that_is_not_as_declared_is_found(status: int, body: Any) -> None:
    async def wrong(request: Request) -> JSONResponse:
        return JSONResponse(body, status) if body else JSONResponse({"n": 1}, status, media_type="text/plain")

    told = document("wrong", [("GET", "/", Api({200: Shape, 500: Shape}))])
    with pytest.raises(FailureGroup):
        judged(Sent(Starlette(routes=[Route("/", wrong)]), lambda scope, body: ({}, body)), told, "GET", "/")
