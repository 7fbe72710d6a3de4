"""People: the accounts, for admins. They are made and changed by `unpool account`."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from pipeline.domain.words import Role
from pipeline.ledger import accounts
from pipeline.ledger.accounts import Account
from pipeline.ledger.sessions import Person
from pipeline.web.desk.desk import Room


def routes(room: Room) -> None:
    def found() -> list[Account]:
        with room.house.ledger.begin() as conn:
            return accounts.listing(conn)

    @room.doors.get("/people", Role.ADMIN, menu="menu.people")
    async def people(request: Request, person: Person) -> Response:
        return room.page(request, person, "people.html", accounts=await run_in_threadpool(found), now=room.now())
