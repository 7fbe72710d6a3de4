"""The operator's rooms: the first screen, the holds that two people decide, sending stopped and let go, and whom to call."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.domain.words import Choice, HoldReason, Role
from pipeline.errors import ActionNeeded
from pipeline.ledger.sessions import Person
from pipeline.quality import data_docs
from pipeline.stages import answer as deciding
from pipeline.stages.call_list import call_list
from pipeline.stages.overview import OpenHold, hold_of, holds_of, near_to, overview
from pipeline.web.base.forms import read_form
from pipeline.web.base.languages import choose
from pipeline.web.base.shield import HEADERS, POLICY
from pipeline.web.desk.desk import Room
from pipeline.web.desk.pictures import count, hours, pictures

LARGEST_FORM: Final = 4096
# As long as a reason in the audit may be.
LONGEST_WHY: Final = 500
CALLS: Final = 100
# What a hold's figures are called by the page's texts; others stand there by their own names.
DETAILS: Final = ("specimens", "rows", "messages", "explained", "lost_too_early", "files", "hours", "last_receipt", "before")
HOME: Final = "/overview"
DATA_DOCS: Final = "/data-docs/"
# These pages bring their own style, so that they can be read without a desk.
POLICIES: Final = {DATA_DOCS: HEADERS[POLICY].replace("style-src 'self'", f"style-src 'self' {data_docs.STYLE_HASH}")}


def routes(room: Room) -> None:
    _first_screen(room)
    _holds(room)
    _sending(room)
    _data_docs(room)

    @room.doors.get("/calls", Role.OPERATOR, menu="menu.calls")
    async def calls(request: Request, person: Person) -> Response:
        found = await run_in_threadpool(partial(call_list, room.house, CALLS, who=person.login, now=room.now()))
        return room.page(request, person, "calls.html", calls=found, most=CALLS, local=room.house.local, age=partial(age, room.now()))


def age(now: datetime, since: datetime) -> tuple[int, str]:
    """How long something waits, and the key of its unit's text."""
    waited = max(0, int((now - since).total_seconds() // 3600))
    return (waited // 24, "days") if waited >= 48 else (waited, "hours")


def _first_screen(room: Room) -> None:
    @room.doors.get(HOME, Role.OPERATOR, menu="menu.overview")
    async def first(request: Request, person: Person) -> Response:
        screen = await run_in_threadpool(overview, room.house, room.now())
        language = choose(request, room.desk.pages.languages)
        return room.page(
            request,
            person,
            "overview.html",
            screen=screen,
            pictures=pictures(screen.days, language),
            local=room.house.local,
            age=partial(age, room.now()),
            count=count,
            hours=hours,
            runs=f"{airflow}/dag_runs" if (airflow := room.house.settings.airflow_url) else None,
            data_docs=f"{DATA_DOCS}{data_docs.INDEX}" if (room.house.home.data_docs / data_docs.INDEX).exists() else None,
        )


def _data_docs(room: Room) -> None:
    @room.doors.get(DATA_DOCS + "{page}", Role.OPERATOR)
    async def page(request: Request, person: Person) -> Response:
        found = await run_in_threadpool(data_docs.page, room.house.home.data_docs, request.path_params["page"])
        if found is None:
            await room.doors.refuse(person, "GET /data-docs")
        return Response(found, media_type="text/html")


def _holds(room: Room) -> None:
    @room.doors.get("/holds", Role.OPERATOR)
    async def group(request: Request, person: Person) -> Response:
        reason = request.query_params.get("reason")
        if reason is None:
            return RedirectResponse(HOME, 303)
        if reason not in {one.value for one in HoldReason}:
            raise HTTPException(404)
        owner = request.query_params.get("owner")
        if owner is not None and "\x00" in owner:
            raise HTTPException(404)
        found = await run_in_threadpool(holds_of, room.house, HoldReason(reason), owner)
        return room.page(request, person, "holds.html", holds=found, reason=reason, age=partial(age, room.now()))

    @room.doors.get("/holds/{hold_id}", Role.OPERATOR)
    async def one(request: Request, person: Person) -> Response:
        return await _hold_page(room, request, person, await _hold(room, request, person))

    @room.doors.post("/holds/{hold_id}", Role.OPERATOR)
    async def decide(request: Request, person: Person) -> Response:
        about = await _hold(room, request, person)
        form = await read_form(request, LARGEST_FORM)
        choice, why = form.get("choice", ""), form.get("why", "").strip()
        if choice not in {one.value for one in about.choices}:
            raise HTTPException(400)
        if not why or len(why) > LONGEST_WHY:
            return await _hold_page(room, request, person, about, status=400, problem="why")
        say = partial(deciding.answer, room.house, about.hold.hold_id, Choice(choice), who=person.login, why=why, now=room.now())
        try:
            await run_in_threadpool(say)
        except ActionNeeded:
            # Somebody who has spoken already; or another was quicker, and the hold is closed: its page says so.
            return await _hold_page(room, request, person, await _hold(room, request, person), status=409, problem="spoken")
        return RedirectResponse(HOME, 303)


async def _hold(room: Room, request: Request, person: Person) -> OpenHold:
    """The open hold of the address; what is closed or none is refused as anything that does not exist."""
    hold_id = request.path_params["hold_id"]
    found = None
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", hold_id):
        found = await run_in_threadpool(hold_of, room.house, hold_id)
    if found is None:
        await room.doors.refuse(person, f"{request.method} /holds")
    return found


async def _hold_page(room: Room, request: Request, person: Person, about: OpenHold, *, status: int = 200, problem: str = "") -> Response:
    return room.page(
        request,
        person,
        "hold.html",
        status,
        one=about,
        near=await run_in_threadpool(near_to, room.house, about.hold.hold_id),
        problem=problem,
        local=room.house.local,
        age=partial(age, room.now()),
        longest=LONGEST_WHY,
        details=DETAILS,
    )


def _sending(room: Room) -> None:
    @room.doors.post("/sending", Role.OPERATOR)
    async def turn(request: Request, person: Person) -> Response:
        """One person stops all sending, and lets it go again; what a breaker stops, two people let go."""
        form = await read_form(request, LARGEST_FORM)
        do = {"pause": deciding.pause, "resume": deciding.resume}.get(form.get("do", ""))
        why = form.get("why", "").strip()
        if do is None or not why or len(why) > LONGEST_WHY:
            raise HTTPException(400)
        await run_in_threadpool(partial(do, room.house, who=person.login, why=why, now=room.now()))
        return RedirectResponse(HOME, 303)
