"""The team's call-back list, a person swabbed again, and labels to print."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.domain.words import Role
from pipeline.errors import ActionNeeded
from pipeline.ledger.sessions import Person
from pipeline.papers.labels import MOST as MOST_LABELS
from pipeline.papers.labels import sheets
from pipeline.quality.rejects import table_text
from pipeline.stages import call_backs as calling
from pipeline.stages.call_backs import CallBack, NotASwab
from pipeline.stages.print_labels import print_labels
from pipeline.web.base.forms import read_form
from pipeline.web.base.languages import choose
from pipeline.web.desk.desk import Room
from pipeline.web.desk.files import download

LARGEST_FORM: Final = 4096
COLUMNS: Final = ("replaces_tube", "reason", "collected_at", "site_code", "full_name", "birth_date", "phone", "address", "person_code")
_WHOLE: Final = re.compile(r"[0-9]{1,9}")


def routes(room: Room) -> None:
    _call_backs(room)
    _labels(room)


def _call_backs(room: Room) -> None:
    @room.doors.get("/call-backs", Role.TEAM, menu="menu.call_backs")
    async def listing(request: Request, person: Person) -> Response:
        found, total = await run_in_threadpool(calling.call_backs, room.house, person, room.now())
        return room.page(request, person, "call_backs.html", people=found, total=total)

    @room.doors.get("/call-backs.csv", Role.TEAM)
    async def as_csv(request: Request, person: Person) -> Response:
        found, _ = await run_in_threadpool(partial(calling.call_backs, room.house, person, room.now(), most=None))
        texts = choose(request, room.desk.pages.languages)
        rows = [_row(one, texts[f"come_again.{one.reason}"]) for one in found]
        return download(table_text([texts[f"column.{name}"] for name in COLUMNS], rows), "call_backs.csv")

    @room.doors.get("/call-backs/{specimen_id}", Role.TEAM)
    async def one(request: Request, person: Person) -> Response:
        return _person_page(room, request, person, await _own(room, request, person))

    @room.doors.post("/call-backs/{specimen_id}", Role.TEAM)
    async def again(request: Request, person: Person) -> Response:
        about = await _own(room, request, person)
        form = await read_form(request, LARGEST_FORM)
        tube, at = form.get("tube", ""), _moment(form.get("at", ""))
        try:
            if at is None:
                raise NotASwab("time")
            sha256 = await run_in_threadpool(calling.swabbed_again, room.house, person, about, tube, at, room.now())
        except NotASwab as wrong:
            return _person_page(room, request, person, about, status=400, problem=wrong.problem, tube=tube)
        return RedirectResponse(f"/files/{sha256}", 303)


def _row(one: CallBack, reason: str) -> list[str]:
    cells = one.person | {"replaces_tube": one.replaces_tube, "reason": reason, "site_code": one.site_code}
    cells["collected_at"] = f"{one.collected_at:%Y-%m-%d %H:%M}"
    return [cells[name] for name in COLUMNS]


async def _own(room: Room, request: Request, person: Person) -> CallBack:
    """The person of the address, if they are on this team's list."""
    specimen_id = request.path_params["specimen_id"]
    found = await run_in_threadpool(calling.call_back, room.house, person, specimen_id, room.now())
    if found is None:
        await room.doors.refuse(person, f"{request.method} /call-backs")
    return found


def _person_page(
    room: Room, request: Request, person: Person, about: CallBack, *, status: int = 200, problem: str = "", tube: str = ""
) -> Response:
    at = room.house.local(room.now()).strftime("%Y-%m-%dT%H:%M")
    return room.page(request, person, "call_back.html", status, one=about, problem=problem, tube=tube, at=at)


def _moment(text: str) -> datetime | None:
    """As a browser's field for a local time writes it."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M")  # noqa: DTZ007  # the programme's local time, as on a manifest
    except ValueError:
        return None


def _labels(room: Room) -> None:
    @room.doors.get("/labels", Role.TEAM, Role.OPERATOR, menu="menu.labels")
    async def ask(request: Request, person: Person) -> Response:
        return _labels_page(room, request, person)

    @room.doors.post("/labels", Role.TEAM, Role.OPERATOR)
    async def printed(request: Request, person: Person) -> Response:
        form = await read_form(request, LARGEST_FORM)
        sheet, numbers = sheets().get(form.get("sheet", "")), [form.get(name, "") or "0" for name in ("count", "skip")]
        if sheet is None or not all(_WHOLE.fullmatch(number) for number in numbers):
            return _labels_page(room, request, person, 400)
        count, skip = map(int, numbers)
        make = partial(print_labels, room.house, sheet, count, skip=skip % sheet.labels, who=person.login, now=room.now())
        try:
            data = await run_in_threadpool(make)
        except ActionNeeded:
            return _labels_page(room, request, person, 400)
        return Response(data, media_type="application/pdf", headers={"Content-Disposition": 'attachment; filename="labels.pdf"'})


def _labels_page(room: Room, request: Request, person: Person, status: int = 200) -> Response:
    return room.page(request, person, "labels.html", status, sheets=sheets().values(), most=MOST_LABELS, refused=status != 200)
