"""`unpool desk`: serves the desk."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from pipeline.settings import Settings


def desk(port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8793) -> None:
    """The desk of teams, labs and operators (behind your reverse proxy). `unpool account` says who may sign in.

    Example: UNPOOL_DESK_URL=https://desk.example.vn unpool desk --port 8793
    """
    from pipeline.stages.house import open_house
    from pipeline.web.desk.serve import serve

    with open_house(Settings.from_env(os.environ)) as house:
        serve(house, port)
