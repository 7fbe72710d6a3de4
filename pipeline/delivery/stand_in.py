"""A Twilio on this machine: for demos, tests and rehearsals. It keeps what it takes and sends nothing to anybody.

It speaks the part of Twilio's API that `Sms` uses, held to the official specification by tests/spec, and stricter in one point: an
SMS needs a body and a sender. Two addresses of its own: POST /_script sets what happens next, GET /_accepted counts.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from pipeline.delivery.behaviours import Behaviour, Fault, behaviour
from pipeline.delivery.kept import Kept, Store
from pipeline.delivery.signature import HEADER, sign
from pipeline.settings import TwilioSettings

MESSAGES: Final = "/2010-04-01/Accounts/{account_sid}/Messages"
BODY_LIMIT: Final = 1_600
TIMEOUT_S: Final = 60.0
# Callbacks under way at once: a desk's web server is no match for a national day.
REPORTERS: Final = 8
# A callback is tried so often while its receiver does not answer or fails.
REPORT_TRIES = 3


# The account of a stand-in that nobody gave one: no secret, since it guards nothing.
ANYBODY: Final = TwilioSettings(account_sid=f"AC{'0' * 32}", auth_token="stand-in", sender="unpool")  # noqa: S106


class _Torn(Response):
    """Promises a body and closes the connection before it comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b'{"sid"', "more_body": True})


class _Reporter:
    """Moves messages through their statuses in the background, and posts each status to the message's callback address."""

    def __init__(self, store: Store, auth_token: str) -> None:
        self._store = store
        self._auth_token = auth_token
        # The loop keeps only a weak reference to its tasks.
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(REPORTERS)
        self._client: httpx.AsyncClient | None = None

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as self._client:
            yield
            for task in self._tasks:
                task.cancel()

    def start(self, message: Kept) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(message, self._store.statuses, self._store.reports))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, message: Kept, statuses: tuple[str, ...], reports: bool) -> None:
        async with self._places:
            for status in statuses:
                message.move(status, self._store.clock())
                if message.callback and reports:
                    await self._post(message.callback, self._fields(message))

    def _fields(self, message: Kept) -> dict[str, str]:
        fields = {
            "AccountSid": self._store.account_sid,
            "ApiVersion": "2010-04-01",
            "MessageSid": message.sid,
            "MessageStatus": message.status,
            "SmsSid": message.sid,
            "SmsStatus": message.status,
            "To": message.to,
        }
        sender = {"From": message.sender} if message.sender else {"MessagingServiceSid": str(message.service)}
        error = {"ErrorCode": str(message.error_code)} if message.error_code else {}
        return fields | sender | error

    async def _post(self, url: str, fields: dict[str, str]) -> None:
        if self._client is None:
            raise RuntimeError("the stand-in is not served: its lifespan has not begun")
        for _ in range(REPORT_TRIES):
            try:
                answer = await self._client.post(url, data=fields, headers={HEADER: sign(self._auth_token, url, fields)})
            except httpx.HTTPError:
                continue
            if answer.status_code < 500:
                return
        # As at Twilio: a callback that nobody takes, tried so often, is lost.


def create_app(
    account_sid: str,
    auth_token: str,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    keep_in: Path | None = None,
    timeout_s: float = TIMEOUT_S,
    delay_s: float = 0.0,
) -> FastAPI:
    """The stand-in for one account. `app.state.store` is its `Store`; `keep_in` a JSON-lines file of what it took.

    `delay_s`: seconds from taking a message to saying so, as the way to Twilio and back would need.
    """
    store = Store(account_sid, clock, keep_in)
    reporter = _Reporter(store, auth_token)
    app = FastAPI(title="Twilio stand-in", docs_url=None, redoc_url=None, openapi_url=None, lifespan=reporter.lifespan)
    app.state.store = store

    def account(account_sid: str, request: Request) -> None:
        if account_sid != store.account_sid or _basic(request) != (store.account_sid, auth_token):
            raise _refused(401, 20003)

    known = [Depends(account)]

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse(error.detail, error.status_code, error.headers)

    @app.post(f"{MESSAGES}.json", dependencies=known)
    async def create(request: Request) -> Response:
        store.requests += 1
        form = {name: str(value) for name, value in (await request.form()).items()}
        fate = store.next_behaviour(form.get("To", ""))
        if not fate.keeps:
            raise _refused(fate.http_status, fate.code, fate.retry_after_s)
        _check(form)
        message = store.keep(form, fate)
        content = store.shown(message)
        reporter.start(message)
        if delay_s:
            await asyncio.sleep(delay_s)
        return await _answer(fate, content, timeout_s)

    @app.get(f"{MESSAGES}.json", dependencies=known)
    async def listing(request: Request) -> dict[str, Any]:
        return store.page(request.query_params)

    @app.get(f"{MESSAGES}/{{sid}}.json", dependencies=known)
    async def one(sid: str) -> dict[str, Any]:
        if sid not in store.messages:
            raise _refused(404, 20404)
        return store.shown(store.messages[sid])

    _add_own_addresses(app, store)
    return app


def serve(account: TwilioSettings | None, *, port: int, host: str = "127.0.0.1", keep_in: Path | None = None, delay_s: float = 0.0) -> None:
    """Serve the stand-in until the process is ended, for `account` or, without one, for `ANYBODY`. The rest as in `create_app`.

    No access log: a listing's address holds a number.
    """
    account = account or ANYBODY
    app = create_app(account.account_sid, account.auth_token, keep_in=keep_in, delay_s=delay_s)
    uvicorn.run(app, host=host, port=port, access_log=False)


@contextmanager
def in_thread(app: FastAPI) -> Iterator[str]:
    """Serve `app` from a thread of this process on a free port of 127.0.0.1, for tests; yields its address."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, access_log=False, log_level="critical", timeout_graceful_shutdown=1)
    # Here, and not in the thread: whoever forks a moment later must not copy an import that is half done.
    config.load()
    config.get_loop_factory()
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    # From here on callers queue until the thread is up: nobody has to wait for it.
    socket.listen(128)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _add_own_addresses(app: FastAPI, store: Store) -> None:
    @app.post("/_script")
    async def script(request: Request) -> dict[str, int]:
        """`{"behaviours": [word, ...], "statuses": [status, ...], "reports": bool}`: what the next messages meet, which statuses they go
        through in which order, and whether callbacks tell of them."""
        wanted = await request.json()
        try:
            store.script.extend([behaviour(word) for word in wanted.get("behaviours", [])])
        except ValueError as error:
            raise HTTPException(422, {"message": str(error)}) from None
        store.statuses = tuple(wanted.get("statuses", store.statuses))
        store.reports = bool(wanted.get("reports", store.reports))
        return {"scripted": len(store.script)}

    @app.get("/_accepted")
    async def accepted() -> dict[str, Any]:
        return store.counts()


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


def _refused(status: int, code: int | None, retry_after_s: int | None = None) -> HTTPException:
    """An error in the words of Twilio's API."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    detail = {"code": code, "message": "refused by the stand-in", "more_info": more, "status": status}
    return HTTPException(status, detail, {"Retry-After": str(retry_after_s)} if retry_after_s else None)


def _check(form: Mapping[str, str]) -> None:
    to = form.get("To", "")
    if not to:
        raise _refused(400, 21604)
    if not (to.startswith("+") and to[1:].isascii() and to[1:].isdigit() and 8 <= len(to) <= 16):
        raise _refused(400, 21211)
    if not (form.get("From") or form.get("MessagingServiceSid")):
        raise _refused(400, 21603)
    if not form.get("Body"):
        raise _refused(400, 21602)
    if len(form["Body"]) > BODY_LIMIT:
        raise _refused(400, 21617)


async def _answer(fate: Behaviour, content: dict[str, Any], timeout_s: float) -> Response:
    """What the caller learns of a message that was kept."""
    match fate.fault:
        case Fault.NONE:
            return JSONResponse(content, 201)
        case Fault.STATUS:
            raise _refused(fate.http_status, fate.code)
        case Fault.TIMEOUT:
            await asyncio.sleep(timeout_s)
            return Response(status_code=504)
        case Fault.RESET:
            return _Torn()
        case Fault.EMPTY:
            return Response(status_code=201)
        case Fault.BAD_JSON:
            return Response('{"sid": ', 201, media_type="application/json")
