"""A desk for tests: an installation with accounts of two teams, two labs, an operator and an admin, at a time that can be moved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import select
from starlette.testclient import TestClient

from pipeline.domain.words import Role
from pipeline.ledger import accounts
from pipeline.ledger.sessions import Person
from pipeline.ledger.tables import audit
from pipeline.stages.house import House, open_house
from pipeline.vault.passwords import Passwords
from pipeline.web.base.limits import Limits
from pipeline.web.desk.app import DeskApp, desk_app, pages_of
from pipeline.web.desk.desk import Desk
from pipeline.web.desk.provider import Provider
from tests.homes import Installation

NOW = datetime.fromisoformat("2026-11-20T18:00:00+07:00")
PASSWORD = "a password of the tests"
# Login → role and place.
PEOPLE = {
    "lan": (Role.TEAM, "team-a"),
    "minh": (Role.TEAM, "team-b"),
    "hoa": (Role.LAB, "lab-a"),
    "tam": (Role.LAB, "lab-b"),
    "oanh": (Role.OPERATOR, None),
    "an": (Role.ADMIN, None),
}
OF_ROLE = {Role.TEAM: "lan", Role.LAB: "hoa", Role.OPERATOR: "oanh", Role.ADMIN: "an"}
# Costs nothing: what is tested is not Argon2.
CHEAP = Passwords(time_cost=1, memory_cost=8, lanes=1)
_HASHED = CHEAP.hash(PASSWORD)
PAGE = {"Accept": "text/html", "Accept-Language": "en"}


class Town:
    """The desk, its people, and a clock."""

    def __init__(self, house: House, installation: Installation, provider: Provider | None = None) -> None:
        self.house, self.installation, self.now = house, installation, NOW
        # By a name that a test gives them: the SHA-256 of files.
        self.files: dict[str, str] = {}
        pages = pages_of("Unpool")
        self.limits = Limits()
        self.desk = Desk(house, pages, CHEAP, lambda: self.now, self.limits, is_secure=False, provider=provider)
        self.app: DeskApp = desk_app(self.desk)
        self.texts = pages.languages
        with house.ledger.begin() as conn:
            for login, (role, place) in PEOPLE.items():
                accounts.add(conn, login, _HASHED, role, place, NOW)

    def visitor(self, language: str = "en", address: str = "testclient") -> TestClient:
        """A browser that nobody has signed in with."""
        headers = PAGE | {"Accept-Language": language}
        return TestClient(self.app, headers=headers, follow_redirects=False, client=(address, 50_000))

    def client(self, login: str, language: str = "en") -> TestClient:
        """A browser in which `login` is signed in."""
        client = self.visitor(language)
        answer = client.post("/sign-in", data={"login": login, "password": PASSWORD})
        assert answer.status_code == 303, f"{login} could not sign in"
        return client

    def person(self, login: str) -> Person:
        return Person(login, *PEOPLE[login])

    def handed_in(self, login: str, content: bytes, name: str = "a file.csv") -> str:
        """Hand a file in as `login`; returns its SHA-256."""
        answer = self.client(login).post("/files", files={"file": (name, content)})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"].removeprefix("/files/")

    def run(self) -> None:
        """What `unpool run` does, at the town's time."""
        self.installation.run(self.now)

    def later(self, **parts: float) -> None:
        self.now += timedelta(**parts)

    def audited(self) -> list[tuple[str, str, str]]:
        """(who, what, subject) of every entry."""
        with self.house.ledger.begin() as conn:
            rows = conn.execute(select(audit.c.who, audit.c.what, audit.c.subject).order_by(audit.c.entry_no))
            return [(row.who, row.what, row.subject) for row in rows]


@contextmanager
def town_of(installation: Installation) -> Iterator[Town]:
    """The house is opened here, but never its warehouse: what needs that happens in a child (`installation.run`)."""
    with open_house(installation.settings) as house:
        yield Town(house, installation)
