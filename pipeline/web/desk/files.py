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

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from pipeline.domain.words import FileKind, Role
from pipeline.ledger.sessions import Person
from pipeline.papers.workbook import MEDIA_TYPE, template
from pipeline.quality.rejects import table_text
from pipeline.quality.texts import reason_text
from pipeline.stages import hand_in as door
from pipeline.stages.hand_in import Seen
from pipeline.web.base.api import MULTIPART, Api, Told
from pipeline.web.base.languages import choose
from pipeline.web.base.upload import Limits, Uploaded, receive_files
from pipeline.web.desk.desk import Room

SENDERS: Final = (Role.TEAM, Role.LAB)
# The columns of the empty files, in their order: each has its heading and its explanation among the texts.
TEMPLATE: Final = {
    FileKind.MANIFEST: (
        *("tube_code", "collected_at", "full_name", "birth_date", "sex", "phone", "citizen_id", "address", "person_code"),
        *("pool_size", "specimen_code", "replaces_tube", "pooling_mode", "site_code"),
    ),
    FileKind.RESULTS: ("tube_code", "result", "status", "tested_at", "resulted_at", "reject_reason", "ct", "plate_code"),
}


class SentFile(Told):
    """`receipt`: the path of what became of it."""

    name: str
    receipt: str


class SentFiles(Told):
    files: list[SentFile]


class GivenFiles(BaseModel):
    file: list[bytes]


API: Final = Api({200: SentFiles, 400: None, 408: None, 413: None}, GivenFiles, MULTIPART)
LIMITS: Final = Limits(file_bytes=32 * 1024**2, all_bytes=128 * 1024**2, files=100)


def routes(room: Room) -> None:
    doors, house = room.doors, room.house

    @doors.get("/files", *SENDERS, menu="menu.files")
    async def listing(request: Request, person: Person) -> Response:
        return await _listing(room, request, person)

    @doors.post("/files", *SENDERS, api=API)
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

    _templates(room)


def _templates(room: Room) -> None:
    """An empty file with the headings, in the language of who asks. The workbook says what belongs under each."""

    def headings(request: Request, kind: FileKind) -> list[str]:
        return choose(request, room.desk.pages.languages)[f"template.{kind}"].split(",")

    @room.doors.get("/template.csv", *SENDERS)
    async def as_csv(request: Request, person: Person) -> Response:
        kind = door.kind_of(person)
        return download(table_text(headings(request, kind), []), f"{kind}.csv")

    @room.doors.get("/template.xlsx", *SENDERS)
    async def as_workbook(request: Request, person: Person) -> Response:
        kind, texts = door.kind_of(person), choose(request, room.desk.pages.languages)
        names = headings(request, kind)
        explained = [(name, texts[f"guide.{kind}.{column}"]) for name, column in zip(names, TEMPLATE[kind], strict=True)]
        return download(template(kind, names, texts["template.guide"], explained), f"{kind}.xlsx", MEDIA_TYPE)


async def _listing(room: Room, request: Request, person: Person, status: int = 200, **values: object) -> Response:
    files = await run_in_threadpool(door.files_of, room.house, door.place_of(person))
    kind = door.kind_of(person).value
    given = {"nothing_chosen": False} | values
    return room.page(request, person, "files.html", status, files=files, kind=kind, local=room.house.local, limits=LIMITS, **given)


async def _taken(room: Room, request: Request, person: Person, files: Sequence[Uploaded]) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        sent = [SentFile(name=one.path.name, receipt=f"/files/{one.sha256}") for one in files]
        return JSONResponse(SentFiles(files=sent).model_dump())
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
