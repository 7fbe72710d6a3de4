"""Twilio's reports to the product's own callback application, signed as Twilio does, or forged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI

from pipeline.delivery.signature import HEADER, sign
from pipeline.settings import TwilioSettings
from tests.faults.sim.twilio import Report


def deliver(app: FastAPI, account: TwilioSettings, report: Report) -> int:
    """Post one report; the answer's status."""
    message = report.message
    assert message.callback is not None
    fields = {"AccountSid": account.account_sid, "MessageSid": message.sid, "MessageStatus": report.status}
    if report.code:
        fields["ErrorCode"] = str(report.code)
    if report.forged == "account":
        fields["AccountSid"] = "AC" + "f" * 32
    url = message.callback
    signature = sign("another secret" if report.forged == "signature" else account.auth_token, url, fields)
    if report.forged == "query":
        # A report for one message, replayed for another one.
        url = url[:-1] + ("0" if url[-1] != "0" else "1")
    headers = [] if report.forged == "unsigned" else [(HEADER.lower().encode(), signature.encode())]
    return post(app, url.partition("?")[2], urlencode(fields).encode(), headers)


def post(app: FastAPI, query: str, body: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    """One request straight into the application: no socket, no thread."""
    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(part: Any) -> None:
        answers.append(part)

    path = "/twilio/status"
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "https", "path": path,
        "raw_path": path.encode(), "root_path": "", "query_string": query.encode(), "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 443),
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    return int(answers[0]["status"])


async def at_once(work: Callable[..., Any], *args: Any) -> Any:
    """Stands for starlette's run_in_threadpool: the simulator has one thread."""
    return work(*args)
