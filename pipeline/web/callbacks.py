"""Where Twilio reports what became of a message: one address, a signature check, one step forward in the outbox.

A report heals a lost answer by itself: it names our message in its (signed) query and brings Twilio's SID. Repeated, late and
out-of-order reports change nothing (`outbox.advance` only moves forward). No access log: reports hold numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from pipeline.delivery.codes import reason_of, state_of
from pipeline.delivery.signature import HEADER, is_signed
from pipeline.domain.words import MessageState
from pipeline.errors import Broken, LedgerUnavailable, SettingsError
from pipeline.ledger import outbox
from pipeline.ledger.engine import Ledger
from pipeline.log import event, warning
from pipeline.settings import Settings

SOURCE: Final = "callback"


class Refusal(BaseModel):
    """Why a report was not taken, in the words of its status."""

    detail: str


# A report is some hundred bytes.
LARGEST_REPORT: Final = 64 * 1024
REFUSALS: Final[tuple[int | str, ...]] = (400, 403, 404, 409, 413, 503)
# As Twilio documents it; the query is ours.
REPORT: Final = {
    "parameters": [
        {"name": "message", "in": "query", "required": True, "schema": {"type": "string", "format": "uuid"}},
        {"name": HEADER, "in": "header", "required": True, "schema": {"type": "string"}},
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {name: {"type": "string"} for name in ("AccountSid", "MessageSid", "MessageStatus", "ErrorCode")},
                    "required": ["AccountSid", "MessageSid", "MessageStatus"],
                }
            }
        },
    },
}


def create_app(settings: Settings, ledger: Ledger, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> FastAPI:
    """The web application. Raises SettingsError without Twilio's credentials or UNPOOL_CALLBACK_URL: no signature could be checked.

    Answers 204 to a report that was taken or was known already; 403 unsigned, 404 no such message, 400 no such status, 409 what contradicts
    the ledger, 413, 503.
    """
    if settings.twilio is None or settings.callback_url is None:
        raise SettingsError("Callbacks need TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM and UNPOOL_CALLBACK_URL.")
    account, callback_url = settings.twilio, settings.callback_url
    app = FastAPI(title="unpool callbacks", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/twilio/status", status_code=204, responses={status: {"model": Refusal} for status in REFUSALS}, openapi_extra=REPORT)
    async def status(request: Request) -> Response:
        fields = await _fields(request)
        url = f"{callback_url}?{request.url.query}"
        signed = is_signed(account.auth_token, url, fields, request.headers.get(HEADER, ""))
        if not signed or fields.get("AccountSid") != account.account_sid:
            warning("callback_forged")
            raise HTTPException(403)
        message_id = _message_id(request.query_params.get("message", ""))
        state = state_of(fields.get("MessageStatus", ""))
        if state is None or not fields.get("MessageSid"):
            raise HTTPException(400)
        try:
            await run_in_threadpool(_take, ledger, message_id, state, fields, clock())
        except LedgerUnavailable:
            raise HTTPException(503) from None
        except Broken:
            # A SID is one message's: a report of it under another is nothing that the ledger can believe, and somebody should look.
            warning("callback_contradicts", message=message_id)
            raise HTTPException(409) from None
        return Response(status_code=204)

    return app


def serve(settings: Settings, ledger: Ledger, port: int) -> None:
    """Serve on 127.0.0.1 until the process is ended; a proxy in front of it holds the certificate."""
    app = create_app(settings, ledger, lambda: settings.clock(datetime.now(UTC)))
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")


async def _fields(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_REPORT:
            raise HTTPException(413)
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=200))
    except ValueError:
        raise HTTPException(400) from None


def _message_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise HTTPException(404) from None


def _take(ledger: Ledger, message_id: str, state: MessageState, fields: dict[str, str], now: datetime) -> None:
    code = fields.get("ErrorCode", "")
    reason = reason_of(int(code) if code.isascii() and code.isdigit() else None, default=fields["MessageStatus"])
    with ledger.begin() as conn:
        if outbox.by_id(conn, message_id) is None:
            raise HTTPException(404)
        changed = outbox.advance(conn, message_id, state, sid=fields["MessageSid"], reason=reason, source=SOURCE, now=now)
    event("callback_taken", message=message_id, state=state, changed=changed)
