"""The one rule of who may open what: a route is declared with its roles, and an application with any other route does not start.

Who is not signed in is sent to sign in (a page) or gets 401 (anything else). Who is, but in a role or of a place that a thing is not for,
gets the answer for what does not exist, and that is in the audit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, NoReturn, Protocol

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from pipeline.domain.words import Role
from pipeline.errors import Broken
from pipeline.ledger.sessions import Person
from pipeline.web.base.api import Api

SIGN_IN: Final = "/sign-in"
Handler = Callable[[Request, Person], Awaitable[Response]]
OpenHandler = Callable[[Request], Awaitable[Response]]


class Gate(Protocol):
    """Who asks, and where it is noted that somebody asked for what is not theirs."""

    def person(self, session_id: str) -> Person | None: ...

    def note_refused(self, person: Person, what: str) -> None: ...

    @property
    def cookie(self) -> str: ...


@dataclass(frozen=True)
class Door:
    """One route: who may open it (nobody's roles: everybody, signed in or not), its name in the menu, if it stands there, what it says
    to programs, if it is for them, and whether it is the first page on a telephone."""

    method: str
    path: str
    roles: frozenset[Role]
    menu: str | None = None
    api: Api | None = None
    on_telephone: bool = False

    @property
    def whole_api(self) -> Api | None:
        """With what the rule of access, a spent quota and a ledger that is away answer for every such route."""
        if self.api is None:
            return None
        told = (401, 404, 429, 503) if self.roles else (503,)
        return replace(self.api, answers={**dict.fromkeys(told), **self.api.answers})


class Doors:
    """The routes of an application."""

    def __init__(self, app: FastAPI, gate: Gate) -> None:
        self.app, self.gate = app, gate
        self.all: list[Door] = []

    def get(
        self, path: str, *roles: Role, menu: str | None = None, api: Api | None = None, on_telephone: bool = False
    ) -> Callable[[Handler], Handler]:
        """Declare a page for signed-in people of `roles`. `menu`: key of its text, for pages that stand in the menu."""
        return self._for(Door("GET", path, frozenset(roles), menu, api, on_telephone))

    def post(self, path: str, *roles: Role, api: Api | None = None) -> Callable[[Handler], Handler]:
        """Declare what changes something."""
        return self._for(Door("POST", path, frozenset(roles), None, api))

    def open(self, method: str, path: str, api: Api | None = None) -> Callable[[OpenHandler], OpenHandler]:
        """Declare a route for everybody: the sign-in, and what a browser needs before it."""

        def declare(handler: OpenHandler) -> OpenHandler:
            self._add(Door(method, path, frozenset(), None, api), handler)
            return handler

        return declare

    def _for(self, door: Door) -> Callable[[Handler], Handler]:
        if not door.roles:
            raise Broken(f"The route {door.path} names no role.")

        def declare(handler: Handler) -> Handler:
            async def guarded(request: Request) -> Response:
                person = await self._person(request)
                if person is None:
                    return to_sign_in(request)
                if person.role not in door.roles:
                    await self.refuse(person, f"{door.method} {door.path}")
                return await handler(request, person)

            self._add(door, guarded)
            return handler

        return declare

    async def _person(self, request: Request) -> Person | None:
        session_id = request.cookies.get(self.gate.cookie)
        return await run_in_threadpool(self.gate.person, session_id) if session_id else None

    async def refuse(self, person: Person, what: str) -> NoReturn:
        """Answer as for what does not exist, and note it. `what`: a route and an object's number. Raises HTTPException."""
        await run_in_threadpool(self.gate.note_refused, person, what)
        raise HTTPException(404)

    def menu(self, person: Person) -> list[Door]:
        """What stands in this person's menu, in the order of declaration."""
        return [door for door in self.all if door.menu and person.role in door.roles]

    def home(self, person: Person, *, on_telephone: bool) -> str:
        """The first page of a person's menu; on a telephone that which is made for it, where there is one."""
        menu = sorted(self.menu(person), key=lambda door: not (on_telephone and door.on_telephone))
        return next((door.path for door in menu), "/")

    def _add(self, door: Door, endpoint: OpenHandler) -> None:
        self.app.router.routes.append(Route(door.path, endpoint, methods=[door.method]))
        self.all.append(door)

    def check(self) -> None:
        """Raise Broken if the application has a route that was not declared here; files of ours are for everybody."""
        declared = {(door.method, door.path) for door in self.all}
        for route in self.app.routes:
            if isinstance(route, Mount) and route.name == "files":
                continue
            methods = (route.methods or set()) - {"HEAD"} if isinstance(route, Route) else {"any"}
            if undeclared := {(method, getattr(route, "path", "?")) for method in methods} - declared:
                raise Broken(f"Routes that say nothing of who may open them: {sorted(undeclared)}.")


def to_sign_in(request: Request) -> Response:
    """A page's reader goes to the sign-in; a program gets 401."""
    if request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(SIGN_IN, 303)
    raise HTTPException(401)
