"""Files of teams and labs: hand in many at once, see what became of each, get back what is to be mended.

A file's address is its content's hash; whoever asks for one that their place never sent is refused, and that is in the audit.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from pipeline.domain.words import Role
from pipeline.ledger.sessions import Person
from pipeline.quality.rejects import table_text
from pipeline.quality.texts import reason_text
from pipeline.stages import hand_in as door
from pipeline.stages.hand_in import Seen
from pipeline.web.base.languages import choose
from pipeline.web.base.upload import Limits, Uploaded, receive_files
from pipeline.web.desk.desk import Room

SENDERS: Final = (Role.TEAM, Role.LAB)
LIMITS: Final = Limits(file_bytes=32 * 1024**2, all_bytes=128 * 1024**2, files=100)


def routes(room: Room) -> None:
    doors, house = room.doors, room.house

    @doors.get("/files", *SENDERS, menu="menu.files")
    async def listing(request: Request, person: Person) -> Response:
        return await _listing(room, request, person)

    @doors.post("/files", *SENDERS)
    async def take(request: Request, person: Person) -> Response:
        folder = house.home.tmp / f"{door.FOLDER}{uuid.uuid4().hex}"
        try:
            files = await receive_files(request, folder, LIMITS)
            for one in files:
                await run_in_threadpool(door.hand_in, house, person, one.path, one.sha256, room.now())
        finally:
            await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)
        return await _taken(room, request, person, files)

    @doors.get("/files/{sha256}", *SENDERS)
    async def receipt(request: Request, person: Person) -> Response:
        seen = await _own(room, request, person)
        problems = await run_in_threadpool(door.problems_of, house, seen.receipt) if seen.receipt else []
        language = choose(request, room.desk.pages.languages).code
        return room.page(
            request,
            person,
            "file.html",
            file=seen,
            problems=problems,
            most=door.PROBLEMS_SHOWN,
            reason=lambda code: reason_text(code, language),
            local=house.local,
        )

    @doors.get("/files/{sha256}/rejects.csv", *SENDERS)
    async def rejects(request: Request, person: Person) -> Response:
        seen = await _own(room, request, person)
        data = await run_in_threadpool(door.rejects_of, house, seen.receipt) if seen.receipt else None
        if data is None:
            raise HTTPException(404)
        return download(data, f"{seen.file_name.rpartition('.')[0] or seen.file_name}.rejects.csv")

    @doors.get("/template.csv", *SENDERS)
    async def template(request: Request, person: Person) -> Response:
        headings = choose(request, room.desk.pages.languages)[f"template.{door.kind_of(person).value}"].split(",")
        return download(table_text(headings, []), f"{door.kind_of(person).value}.csv")


async def _listing(room: Room, request: Request, person: Person, status: int = 200, **values: object) -> Response:
    files = await run_in_threadpool(door.files_of, room.house, door.place_of(person))
    kind = door.kind_of(person).value
    given = {"nothing_chosen": False} | values
    return room.page(request, person, "files.html", status, files=files, kind=kind, local=room.house.local, limits=LIMITS, **given)


async def _taken(room: Room, request: Request, person: Person, files: Sequence[Uploaded]) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"files": [{"name": one.path.name, "receipt": f"/files/{one.sha256}"} for one in files]})
    if not files:
        return await _listing(room, request, person, 400, nothing_chosen=True)
    return RedirectResponse(f"/files/{files[0].sha256}" if len(files) == 1 else "/files", 303)


async def _own(room: Room, request: Request, person: Person) -> Seen:
    """The file of the address, if the person's place sent it."""
    sha256 = request.path_params["sha256"]
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise HTTPException(404)
    seen = await run_in_threadpool(partial(door.file_of, room.house, door.place_of(person), sha256))
    if seen is None:
        await room.doors.refuse(person, f"GET /files {sha256}")
    return seen


def download(data: bytes, name: str, media_type: str = "text/csv; charset=utf-8") -> Response:
    """A file to keep."""
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return Response(data, media_type=media_type, headers=headers)
