"""Signing in and out. One answer, after the same work, for unknown, wrong, locked and disabled.

By password; and, where one is set, by an OpenID provider that vouches for the login of an account. A browser that comes from there was
sent by another site, and brings no strict cookie along to the next address of ours: so it gets a page that goes on by itself.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.domain.words import Role
from pipeline.ledger.sessions import WHOLE, Person
from pipeline.stages import accounts
from pipeline.vault.sessions import LASTS
from pipeline.web.base.forms import read_form
from pipeline.web.desk.access import SIGN_IN
from pipeline.web.desk.desk import Desk, Room
from pipeline.web.desk.provider import Provider

TO_PROVIDER: Final = f"{SIGN_IN}/provider"
# Where the provider sends people back; it must be told this address.
VOUCHED: Final = f"{SIGN_IN}/vouched"
BEGUN: Final = "desk-begun"
# What browsers on telephones say of themselves (MDN, "Browser detection using the user agent"). A wrong guess costs one tap.
MOBILE: Final = "Mobi"
LARGEST_FORM: Final = 4096
# Each takes 64 MiB: a crowd at the door must not take the machine's memory.
AT_ONCE: Final = 4


def routes(room: Room) -> None:
    desk, doors = room.desk, room.doors
    # Of their own: who waits here takes no thread from those who are in.
    waiting_room = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sign-in")

    @doors.open("GET", SIGN_IN)
    async def ask(request: Request) -> Response:
        return _sign_in_page(desk, request)

    @doors.open("POST", SIGN_IN)
    async def enter(request: Request) -> Response:
        form = await read_form(request, LARGEST_FORM)
        login, password = form.get("login", "").strip().lower(), form.get("password", "")
        address = _take_try(desk, request)
        await _leave(room, request)
        session_id = await asyncio.get_running_loop().run_in_executor(
            waiting_room, accounts.sign_in, room.house.ledger, desk.passwords, login, password, room.now()
        )
        if session_id is None:
            return _sign_in_page(desk, request, refused=True)
        desk.limits.give_back(address)
        return _entered(desk, RedirectResponse("/", 303), session_id)

    @doors.get("/", *Role)
    async def home(request: Request, person: Person) -> Response:
        return RedirectResponse(doors.home(person, on_telephone=MOBILE in request.headers.get("user-agent", "")), 303)

    @doors.open("POST", "/sign-out")
    async def leave(request: Request) -> Response:
        await _leave(room, request)
        response = RedirectResponse(SIGN_IN, 303)
        response.delete_cookie(desk.cookie, path="/", secure=desk.is_secure, httponly=True, samesite="strict")
        return response

    if desk.provider is not None:
        _vouched_for(room, desk.provider)


def _vouched_for(room: Room, provider: Provider) -> None:
    """The way by the provider. Its answer is a visit like any other: what says that this browser began it is a sealed cookie, used once."""
    desk, doors = room.desk, room.doors
    cookie = desk.cookie_name(BEGUN)
    # Of their own: a provider that is slow to answer keeps nobody from coming in by password.
    waiting_room = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="provider")

    @doors.open("GET", TO_PROVIDER)
    async def go(request: Request) -> Response:
        url, kept = await asyncio.get_running_loop().run_in_executor(waiting_room, provider.begin)
        response = RedirectResponse(url, 303)
        # Lax: it comes back with a visit that another site begins.
        response.set_cookie(
            cookie, kept, max_age=int(LASTS.total_seconds()), path="/", httponly=True, secure=desk.is_secure, samesite="lax"
        )
        return response

    @doors.open("GET", VOUCHED)
    async def come_back(request: Request) -> Response:
        address = _take_try(desk, request)
        login = await asyncio.get_running_loop().run_in_executor(
            waiting_room, provider.vouched, request.cookies.get(cookie, ""), dict(request.query_params)
        )
        session_id = None
        if login is not None:
            session_id = await run_in_threadpool(accounts.sign_in_vouched, room.house.ledger, login, room.now())
        if session_id is None:
            response = _sign_in_page(desk, request, refused=True)
        else:
            desk.limits.give_back(address)
            await _leave(room, request)
            response = _entered(desk, desk.pages.page(request, "entered.html"), session_id)
        response.delete_cookie(cookie, path="/", secure=desk.is_secure, httponly=True, samesite="lax")
        return response


def _sign_in_page(desk: Desk, request: Request, *, refused: bool = False) -> Response:
    to_provider = TO_PROVIDER if desk.provider else None
    return desk.pages.page(request, "sign_in.html", 403 if refused else 200, refused=refused, to_provider=to_provider)


def _take_try(desk: Desk, request: Request) -> str:
    """Spend a try of the request's address, which is returned. Raises HTTPException (429) where it has none left."""
    address = request.client.host if request.client else ""
    if not desk.limits.take(address, time.monotonic()):
        raise HTTPException(429)
    return address


def _entered(desk: Desk, response: Response, session_id: str) -> Response:
    response.set_cookie(
        desk.cookie,
        session_id,
        max_age=int(WHOLE.total_seconds()),
        path="/",
        httponly=True,
        secure=desk.is_secure,
        samesite="strict",
    )
    return response


async def _leave(room: Room, request: Request) -> None:
    """End the session that was there, if any."""
    if session_id := request.cookies.get(room.desk.cookie):
        await run_in_threadpool(accounts.sign_out, room.house.ledger, session_id, room.now())
