"""The result page over HTTP. The link's path holds the token, so that it works without JavaScript; a GET changes nothing.

After the right birth date a short sealed cookie holds the token, and the address of what is read holds none. Every refusal is one
answer, given at a whole multiple of `beat_s` after the request came: the time says nothing about its reason. So is what anybody may ask
for who holds a link.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, assert_never

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.stages.open_page import Door, require_whole
from pipeline.stages.page_wishes import Wishes
from pipeline.vault.sessions import LASTS, session, token_in
from pipeline.web.base.app import furnish
from pipeline.web.base.forms import read_form
from pipeline.web.base.limits import Limits
from pipeline.web.base.pages import Pages
from pipeline.web.base.shield import Shield
from pipeline.web.base.together import Together

ROOM: Final = Path(__file__).parent
COOKIE: Final = "page"
LARGEST_FORM: Final = 4096
# Threads at the door. More of them wait for one another: 32 clients at once get 265 answers a second with 4, 175 with 40.
AT_ONCE: Final = 4


class Asked(StrEnum):
    """What a form on the page of a link asks for."""

    OPEN = "open"
    NEW_LINK = "new_link"
    NOT_ME = "not_me"


@dataclass(frozen=True)
class Site:
    """What the page needs. `path`: of UNPOOL_RESULT_URL, as `/r`; `is_secure`: people reach it by https, and the cookie needs it.

    `clock` has the programme's time zone.
    """

    door: Door
    wishes: Wishes
    limits: Limits
    pages: Pages
    session_key: bytes
    path: str
    clock: Callable[[], datetime]
    beat_s: float
    is_secure: bool

    def token_of(self, request: Request, now: datetime) -> str | None:
        """Of the page that this browser has opened."""
        return token_in(self.session_key, request.cookies.get(COOKIE, ""), now)

    async def on_the_beat(self, came: float) -> None:
        await asyncio.sleep(_until_beat(time.monotonic() - came, self.beat_s))

    def home(self) -> RedirectResponse:
        return RedirectResponse(f"{self.path}/", 303)


def result_app(site: Site) -> Shield:
    """The application."""
    app = Starlette()
    app.router.redirect_slashes = False
    furnish(app, site.pages)
    # In this order: the path of a link takes any other word.
    _add_reading(app, site)
    _add_asking(app, site)
    return Shield(app)


def _add_reading(app: Starlette, site: Site) -> None:
    """What stands behind the birth date."""
    pages = Together(site.door.shown)

    async def read(request: Request) -> Response:
        now = site.clock()
        token = site.token_of(request, now)
        shown = None if token is None else await pages.ask(token)
        if shown is None:
            return site.pages.common_page(request, "ended.html")
        require_whole(shown)
        # Many read the same words: nothing of one person is among them.
        return site.pages.common_page(request, "state.html", shown=shown, path=site.path, today=now.date())

    async def close(request: Request) -> Response:
        response = site.home()
        response.delete_cookie(COOKIE, path=f"{site.path}/")
        return response

    async def opt_out(request: Request) -> Response:
        now = site.clock()
        if token := site.token_of(request, now):
            await run_in_threadpool(site.wishes.opt_out, token, now)
        return site.home()

    async def opt_in(request: Request) -> Response:
        if token := site.token_of(request, site.clock()):
            await run_in_threadpool(site.wishes.opt_in, token)
        return site.home()

    app.add_route(f"{site.path}/", read, ["GET"])
    app.add_route(f"{site.path}/close", close, ["POST"])
    app.add_route(f"{site.path}/opt-out", opt_out, ["POST"])
    app.add_route(f"{site.path}/opt-in", opt_in, ["POST"])


def _add_asking(app: Starlette, site: Site) -> None:
    """What everybody sees who has a link, and what everybody may ask for."""
    at_the_door = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="door")

    async def waited(work: Callable[..., object], *given: object) -> object:
        return await asyncio.get_running_loop().run_in_executor(at_the_door, work, *given)

    async def noted(request: Request) -> Response:
        what = request.path_params["what"]
        if what not in (Asked.NEW_LINK, Asked.NOT_ME):
            raise HTTPException(404)
        return site.pages.common_page(request, "noted.html", what=what)

    async def ask(request: Request) -> Response:
        return site.pages.common_page(request, "birth_date.html", refused=False)

    async def answer(request: Request) -> Response:
        came, token = time.monotonic(), request.path_params["token"]
        form = await read_form(request, LARGEST_FORM)
        asked = _asked(form)
        address = request.client.host if request.client else ""
        if not site.limits.take(address, came):
            raise HTTPException(429)
        match asked:
            case Asked.OPEN:
                birth_date = _birth_date(form)
                if birth_date is None or not await waited(site.door.open, token, birth_date, site.clock()):
                    await site.on_the_beat(came)
                    return site.pages.common_page(request, "birth_date.html", 403, refused=True)
                site.limits.give_back(address)
                return _opened(site, token)
            case Asked.NEW_LINK:
                await waited(site.wishes.new_link, token, site.clock())
            case Asked.NOT_ME:
                await waited(site.wishes.wrong_number, token, site.clock())
            case _:
                assert_never(asked)
        await site.on_the_beat(came)
        return RedirectResponse(f"{site.path}/noted/{asked.value}", 303)

    app.add_route(site.path + "/noted/{what}", noted, ["GET"])
    app.add_route(site.path + "/{token}", ask, ["GET"])
    app.add_route(site.path + "/{token}", answer, ["POST"])


def _opened(site: Site, token: str) -> Response:
    response = site.home()
    response.set_cookie(
        COOKIE,
        session(site.session_key, token, site.clock()),
        max_age=int(LASTS.total_seconds()),
        path=f"{site.path}/",
        httponly=True,
        secure=site.is_secure,
        samesite="strict",
    )
    return response


def _until_beat(spent_s: float, beat_s: float) -> float:
    return math.ceil(spent_s / beat_s) * beat_s - spent_s if beat_s else 0.0


def _asked(form: dict[str, str]) -> Asked:
    try:
        return Asked(form.get("asked", Asked.OPEN))
    except ValueError:
        raise HTTPException(400) from None


def _birth_date(form: dict[str, str]) -> str | None:
    """ISO, from the three fields; None where they make no date."""
    parts = [form.get(name, "").strip() for name in ("year", "month", "day")]
    if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts):
        return None
    try:
        return date(*map(int, parts)).isoformat()
    except ValueError:
        return None
