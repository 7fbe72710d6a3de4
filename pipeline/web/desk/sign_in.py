"""Signing in and out. One answer, after the same work, for unknown, wrong, locked and disabled."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.domain.words import Role
from pipeline.ledger.sessions import WHOLE, Person
from pipeline.stages import accounts
from pipeline.web.base.forms import read_form
from pipeline.web.desk.access import SIGN_IN
from pipeline.web.desk.desk import Room

LARGEST_FORM: Final = 4096
# Each takes 64 MiB: a crowd at the door must not take the machine's memory.
AT_ONCE: Final = 4


def routes(room: Room) -> None:
    desk, doors = room.desk, room.doors
    # Of their own: who waits here takes no thread from those who are in.
    waiting_room = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sign-in")

    @doors.open("GET", SIGN_IN)
    async def ask(request: Request) -> Response:
        return desk.pages.page(request, "sign_in.html", refused=False)

    @doors.open("POST", SIGN_IN)
    async def enter(request: Request) -> Response:
        form = await read_form(request, LARGEST_FORM)
        login, password = form.get("login", "").strip().lower(), form.get("password", "")
        ledger, now = room.house.ledger, room.now()
        if earlier := request.cookies.get(desk.cookie):
            await run_in_threadpool(accounts.sign_out, ledger, earlier, now)
        session_id = await asyncio.get_running_loop().run_in_executor(
            waiting_room, accounts.sign_in, ledger, desk.passwords, login, password, now
        )
        if session_id is None:
            return desk.pages.page(request, "sign_in.html", 403, refused=True)
        response = RedirectResponse("/", 303)
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

    @doors.get("/", *Role)
    async def home(request: Request, person: Person) -> Response:
        return RedirectResponse(doors.home(person), 303)

    @doors.open("POST", "/sign-out")
    async def leave(request: Request) -> Response:
        if session_id := request.cookies.get(desk.cookie):
            await run_in_threadpool(accounts.sign_out, room.house.ledger, session_id, room.now())
        response = RedirectResponse(SIGN_IN, 303)
        response.delete_cookie(desk.cookie, path="/", secure=desk.is_secure, httponly=True, samesite="strict")
        return response
