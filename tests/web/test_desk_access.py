"""Who may open what at the desk: every route, tried by every role, by nobody, and with another place's object."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from httpx import Response
from starlette.testclient import TestClient

from pipeline.domain.words import Role
from pipeline.errors import Broken
from pipeline.ledger.sessions import Person
from pipeline.web.base.app import new_app
from pipeline.web.base.shield import HEADERS, POLICY
from pipeline.web.desk.access import Door, Doors
from pipeline.web.desk.operator import POLICIES
from tests.web.desk import OF_ROLE, PEOPLE, Town

# Parameter of a path → makes an object of `team-b` or `lab-b` (nobody's who is tried here) and returns its value in the path.
OBJECTS: dict[str, Callable[[Town, Door], str]] = {
    "sha256": lambda town, door: town.handed_in("minh", b"tube_code\n"),
    # Of nobody's list: as another team's people are.
    "specimen_id": lambda town, door: "11111111-1111-4111-8111-111111111111",
    # Of an operator's rooms nothing is another place's: what is closed or none is refused alike.
    "hold_id": lambda town, door: "11111111-1111-4111-8111-111111111111",
    "login": lambda town, door: "nobody",
    "page": lambda town, door: "manifest_file-8-9.html",
}

# Parameter of a path that is a word, the same for everybody, and one of its values.
WORDS = {"said": "rejected"}


def filled(town: Town, door: Door) -> str:
    """The route's path with another place's object in it. A parameter that nobody has described here is a failure."""
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: WORDS.get(found[1]) or OBJECTS[found[1]](town, door), door.path)


def has_object(door: Door) -> bool:
    return bool(OBJECTS.keys() & re.findall(r"{(\w+)", door.path))


def ask(client: TestClient, door: Door, path: str, **more: Any) -> Response:
    return client.request(door.method, path, **more)


def guarded(town: Town) -> list[Door]:
    return [door for door in town.app.doors.all if door.roles]


def test_W01_nobody_who_is_not_signed_in_opens_any_room(town: Town) -> None:
    tried = 0
    for door in guarded(town):
        answer = ask(town.visitor(), door, filled(town, door))
        sent_away = answer.status_code == 303 and answer.headers["location"] == "/sign-in"
        assert sent_away if door.method == "GET" else answer.status_code == 401, door
        program = ask(town.visitor(), door, filled(town, door), headers={"Accept": "application/json"})
        assert program.status_code == 401, door
        tried += 1
    assert tried >= 2


def test_W01_no_role_opens_a_room_of_another_and_each_try_is_audited(town: Town) -> None:
    for role in Role:
        login = OF_ROLE[role]
        client = town.client(login)
        for door in guarded(town):
            path = filled(town, door)
            before = len(town.audited())
            answer = ask(client, door, path)
            if role not in door.roles:
                assert answer.status_code == 404, (role, door)
                assert town.audited()[before:] == [(login, "refused", f"{door.method} {door.path}")]
            elif has_object(door):
                # A room of one's own, but the object of another place.
                assert answer.status_code == 404, (role, door)
                assert [entry[:2] for entry in town.audited()[before:]] == [(login, "refused")], (role, door)
            elif door.method == "GET":
                assert answer.status_code in (200, 303), (role, door)


def test_W01_what_is_not_there_and_what_is_another_s_look_alike(town: Town) -> None:
    client = town.client("lan")
    missing, anothers = client.get("/no-such-page"), client.get("/people")
    assert (missing.status_code, missing.text) == (anothers.status_code, anothers.text)


def test_W06_no_foreign_page_changes_anything_and_no_other_method_is_taken(town: Town) -> None:
    for door in town.app.doors.all:
        path = filled(town, door)
        client = town.client(OF_ROLE[min(door.roles)]) if door.roles else town.visitor()
        if door.method == "POST":
            for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}):
                before = len(town.audited())
                assert ask(client, door, path, headers=headers).status_code == 403, door
                assert len(town.audited()) == before
        methods = {other.method for other in town.app.doors.all if other.path == door.path}
        for method in {"PUT", "PATCH", "DELETE", "POST", "OPTIONS"} - methods:
            assert client.request(method, path).status_code == 405, (method, door)


def test_W07_every_answer_has_every_header(town: Town) -> None:
    visitors = [town.visitor(), *(town.client(login) for login in OF_ROLE.values())]
    for door in town.app.doors.all:
        path = filled(town, door)
        for client in visitors:
            if door.path == "/sign-out":
                continue
            answer = ask(client, door, path)
            assert answer.status_code < 500, door
            expected = HEADERS | {POLICY: POLICIES.get(path[: path.rfind("/") + 1], HEADERS[POLICY])}
            assert {name: answer.headers.get(name) for name in HEADERS} == expected, door
            assert "<script>" not in answer.text and " style=" not in answer.text
    out = town.client("lan").post("/sign-out")
    assert {name: out.headers.get(name) for name in HEADERS} == HEADERS


class Anybody:
    """A gate that lets everybody in as a lab's."""

    cookie = "desk"
    noted: list[str]

    def __init__(self) -> None:
        self.noted = []

    def person(self, session_id: str) -> Person | None:
        return Person("hoa", Role.LAB, "lab-a")

    def note_refused(self, person: Person, what: str) -> None:
        self.noted.append(what)


def test_an_application_with_a_route_that_names_no_role_does_not_start(town: Town) -> None:
    app = new_app(town.app.doors.gate.pages)  # type: ignore[attr-defined]
    doors = Doors(app, Anybody())
    doors.check()
    with pytest.raises(Broken, match="names no role"):
        doors.get("/nobodys")

    @app.get("/sly")
    def sly() -> str:
        return "in"

    with pytest.raises(Broken, match="/sly"):
        doors.check()


def test_each_role_lands_in_a_room_of_its_own(town: Town) -> None:
    for login in PEOPLE:
        client = town.client(login)
        home = client.get("/")
        assert home.status_code == 303
        # The phone page is one shell for everybody: who is signed in it learns later.
        if home.headers["location"] not in ("/", "/phone/"):
            page = client.get(home.headers["location"])
            assert page.status_code == 200 and login in page.text
