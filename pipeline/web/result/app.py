"""The result page over HTTP. The link's path holds the token, so that it works without JavaScript; a GET changes nothing.

After the right birth date a short sealed cookie holds the token, and the address of what is read holds none. Every refusal is one
answer, given at a whole multiple of `beat_s` after the request came: the time says nothing about its reason.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.stages.open_page import Door
from pipeline.vault.sessions import LASTS, session, token_in
from pipeline.web.base.app import new_app
from pipeline.web.base.forms import read_form
from pipeline.web.base.pages import load_pages
from pipeline.web.base.shield import Shield

ROOM: Final = Path(__file__).parent
COOKIE: Final = "page"
LARGEST_FORM: Final = 4096


def result_app(
    door: Door, *, session_key: bytes, title: str, path: str, clock: Callable[[], datetime], beat_s: float, is_secure: bool
) -> Shield:
    """The application. `path`: of UNPOOL_RESULT_URL, as `/r`; `is_secure`: people reach it by https, and the cookie needs it."""
    pages = load_pages(ROOM, title)
    app = new_app(pages)

    def token_of(request: Request) -> str | None:
        return token_in(session_key, request.cookies.get(COOKIE, ""), clock())

    @app.get(path + "/")
    async def read(request: Request) -> Response:
        token = token_of(request)
        state = None if token is None else await run_in_threadpool(door.state, token)
        if state is None:
            return pages.page(request, "ended.html")
        return pages.page(request, "state.html", state=state.value, close=f"{path}/close")

    @app.post(path + "/close")
    async def close(request: Request) -> Response:
        response = RedirectResponse(f"{path}/", 303)
        response.delete_cookie(COOKIE, path=f"{path}/")
        return response

    @app.get(path + "/{token}")
    async def ask(request: Request, token: str) -> Response:
        return pages.page(request, "birth_date.html", refused=False)

    @app.post(path + "/{token}")
    async def answer(request: Request, token: str) -> Response:
        came = time.monotonic()
        birth_date = _birth_date(await read_form(request, LARGEST_FORM))
        if birth_date is None or not await run_in_threadpool(door.open, token, birth_date, clock()):
            await asyncio.sleep(_until_beat(time.monotonic() - came, beat_s))
            return pages.page(request, "birth_date.html", 403, refused=True)
        response = RedirectResponse(f"{path}/", 303)
        response.set_cookie(
            COOKIE,
            session(session_key, token, clock()),
            max_age=int(LASTS.total_seconds()),
            path=f"{path}/",
            httponly=True,
            secure=is_secure,
            samesite="strict",
        )
        return response

    return Shield(app)


def _until_beat(spent_s: float, beat_s: float) -> float:
    return math.ceil(spent_s / beat_s) * beat_s - spent_s if beat_s else 0.0


def _birth_date(form: dict[str, str]) -> str | None:
    """ISO, from the three fields; None where they make no date."""
    parts = [form.get(name, "").strip() for name in ("year", "month", "day")]
    if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        return None
    try:
        return date(*map(int, parts)).isoformat()
    except ValueError:
        return None
