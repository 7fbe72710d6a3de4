"""The lab's worklist: on screen, and whole as CSV and as a workbook."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from pipeline.domain.words import Role
from pipeline.ledger.sessions import Person
from pipeline.papers.workbook import MEDIA_TYPE, workbook
from pipeline.quality.rejects import table_text
from pipeline.stages.hand_in import place_of
from pipeline.stages.work import COLUMNS, Work, work_of
from pipeline.web.base.languages import choose
from pipeline.web.desk.desk import Room
from pipeline.web.desk.files import download

# On screen; the files have all.
SHOWN: Final = 200


def routes(room: Room) -> None:
    doors = room.doors

    async def work(person: Person) -> Work:
        return await run_in_threadpool(work_of, room.house, place_of(person))

    async def table(request: Request, person: Person) -> tuple[list[str], list[tuple[str, ...]]]:
        """Headings and rows in the person's language."""
        texts = choose(request, room.desk.pages.languages)
        return [texts[f"worklist.{name}"] for name in COLUMNS], (await work(person)).rows(lambda code: texts[f"why_again.{code}"])

    @doors.get("/worklist", Role.LAB, menu="menu.worklist")
    async def worklist(request: Request, person: Person) -> Response:
        return room.page(request, person, "worklist.html", work=await work(person), shown=SHOWN, local=room.house.local)

    @doors.get("/worklist.csv", Role.LAB)
    async def as_csv(request: Request, person: Person) -> Response:
        return download(table_text(*await table(request, person)), "worklist.csv")

    @doors.get("/worklist.xlsx", Role.LAB)
    async def as_workbook(request: Request, person: Person) -> Response:
        data = await run_in_threadpool(workbook, place_of(person), *await table(request, person))
        return download(data, "worklist.xlsx", MEDIA_TYPE)
