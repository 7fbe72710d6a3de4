"""The lab's room: say of one tube that it could not be tested, that its result was another, or that it has none."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.domain.words import Call, RejectReason, Role
from pipeline.errors import FieldWrong
from pipeline.ledger.sessions import Person
from pipeline.stages.correct import Said, say, statement
from pipeline.web.base.forms import read_form
from pipeline.web.desk.desk import Room

LARGEST_FORM: Final = 4096
NOTHING: Final = dict.fromkeys(("said_at", "tube", "tested_at", "call", "ct", "reason"), "")


def routes(room: Room) -> None:
    doors = room.doors

    @doors.get("/tube", Role.LAB, menu="menu.tube")
    async def choose_one(request: Request, person: Person) -> Response:
        return room.page(request, person, "tube.html", choices=list(Said))

    @doors.get("/tube/{said}", Role.LAB)
    async def ask(request: Request, person: Person) -> Response:
        said, now = _said(request), room.house.local(room.now())
        return _form(room, request, person, said, {"said_at": now.isoformat(timespec="seconds")})

    @doors.post("/tube/{said}", Role.LAB)
    async def take(request: Request, person: Person) -> Response:
        said, fields = _said(request), await read_form(request, LARGEST_FORM)
        try:
            what = statement(fields, said, _moment(fields.get("said_at", "")), room.house.local(room.now()))
            sha256 = await run_in_threadpool(say, room.house, person, what, room.now())
        except FieldWrong as wrong:
            if wrong.field == "said_at":
                fields["said_at"] = room.house.local(room.now()).isoformat(timespec="seconds")
            return _form(room, request, person, said, fields, wrong.field)
        return RedirectResponse(f"/files/{sha256}", 303)


def _said(request: Request) -> Said:
    try:
        return Said(request.path_params["said"])
    except ValueError:
        raise HTTPException(404) from None


def _form(room: Room, request: Request, person: Person, said: Said, given: dict[str, str], wrong: str = "") -> Response:
    """The form with what was given. `wrong`: name of the field to mend."""
    values = {"given": NOTHING | given, "said": said, "wrong": wrong, "calls": list(Call), "reasons": list(RejectReason)}
    return room.page(request, person, "tube_form.html", 400 if wrong else 200, **values)


def _moment(text: str) -> datetime:
    """When the form was opened, local time. Raises FieldWrong."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise FieldWrong("said_at") from None
    if moment.tzinfo is not None:
        raise FieldWrong("said_at")
    return moment
