"""What every room of the desk is given: the house, the pages, the doors, and the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from pipeline.ledger.sessions import Person
from pipeline.stages import accounts
from pipeline.stages.house import House
from pipeline.vault.passwords import Passwords
from pipeline.web.base.limits import Limits
from pipeline.web.base.pages import Pages
from pipeline.web.desk.access import Doors
from pipeline.web.desk.provider import Provider


@dataclass(frozen=True)
class Desk:
    """`is_secure`: people reach it by https, and its cookies need that. `limits` are those of signing in."""

    house: House
    pages: Pages
    passwords: Passwords
    clock: Callable[[], datetime]
    limits: Limits
    is_secure: bool
    provider: Provider | None = None

    @property
    def cookie(self) -> str:
        return self.cookie_name("desk")

    def cookie_name(self, name: str) -> str:
        """The prefix makes browsers keep it from other paths, hosts and plain http."""
        return f"__Host-{name}" if self.is_secure else name

    def person(self, session_id: str) -> Person | None:
        return accounts.person_of(self.house.ledger, session_id, self.clock())

    def note_refused(self, person: Person, what: str) -> None:
        accounts.note_refused(self.house.ledger, person, what, self.clock())


@dataclass(frozen=True)
class Room:
    """The desk with its doors: what a module of routes declares itself on."""

    desk: Desk
    doors: Doors

    @property
    def house(self) -> House:
        return self.desk.house

    def now(self) -> datetime:
        return self.desk.clock()

    def page(self, request: Request, person: Person, template: str, status: int = 200, **values: object) -> Response:
        """A page with the person's menu. Templates extend `desk.html`."""
        menu = self.doors.menu(person)
        return self.desk.pages.page(request, template, status, person=person, menu=menu, here=request.url.path, **values)
