"""The desk's application: one module of routes for each room, behind one rule of access (`access.py`) and the shield.

A new room is a module with `routes(room)`, named in `ROOMS`, with its templates in `templates/` and its texts in `texts/<room>/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from pipeline.web.base.api import document
from pipeline.web.base.app import new_app
from pipeline.web.base.pages import Pages, load_pages
from pipeline.web.base.shield import Shield
from pipeline.web.desk import files, lab, looking, operator, people, phone, sign_in, team, worklist
from pipeline.web.desk.access import Doors
from pipeline.web.desk.desk import Desk, Room

HERE: Final = Path(__file__).parent
ASSETS: Final = "/assets"
ROOMS: Final = (sign_in, operator, files, phone, worklist, lab, team, looking, people)


class DeskApp(Shield):
    """The application behind its shield, with its table of routes."""

    def __init__(self, app: FastAPI, doors: Doors) -> None:
        super().__init__(app, phone.POLICIES | operator.POLICIES)
        self.doors = doors


def pages_of(title: str) -> Pages:
    """The desk's templates and texts."""
    return load_pages(HERE, title)


def api_of(doors: Doors) -> dict[str, Any]:
    """The OpenAPI document of the routes that are for programs."""
    return document("unpool desk", ((door.method, door.path, api) for door in doors.all if (api := door.whole_api)))


def desk_app(desk: Desk) -> DeskApp:
    """The application. Raises Broken where a route says nothing of who may open it."""
    app = new_app(desk.pages)
    app.mount(ASSETS, StaticFiles(directory=HERE / "static"), name="files")
    doors = Doors(app, desk)
    for room in ROOMS:
        room.routes(Room(desk, doors))
    doors.check()
    return DeskApp(app, doors)
