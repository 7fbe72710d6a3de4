"""Search, for operators and, among their own people, for teams. What was looked for is in no address; who was shown is in the audit."""

from __future__ import annotations

from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from pipeline.domain.words import Role
from pipeline.ledger.sessions import Person
from pipeline.stages.search import search
from pipeline.web.base.forms import read_form
from pipeline.web.desk.desk import Room

LARGEST_FORM: Final = 1024
LONGEST: Final = 64
ROLES: Final = (Role.OPERATOR, Role.TEAM)


def routes(room: Room) -> None:
    @room.doors.get("/search", *ROLES, menu="menu.search")
    async def ask(request: Request, person: Person) -> Response:
        return room.page(request, person, "search.html", found=None, local=room.house.local, longest=LONGEST)

    @room.doors.post("/search", *ROLES)
    async def look(request: Request, person: Person) -> Response:
        form = await read_form(request, LARGEST_FORM)
        wanted = form.get("wanted", "").strip()[:LONGEST]
        # A team without a place would be everybody's: its place is what it is bound to.
        team = None if person.role is Role.OPERATOR else person.place or ""
        found = await run_in_threadpool(partial(search, room.house, wanted, who=person.login, now=room.now(), team=team))
        return room.page(request, person, "search.html", found=found, local=room.house.local, longest=LONGEST)
