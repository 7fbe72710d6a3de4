"""What serves until it is ended: the desk, the result page, Twilio's callbacks and its stand-in. Each on 127.0.0.1, behind a proxy."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.console import Console

from pipeline.settings import Settings


def twilio_stand_in(port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8790) -> None:
    """A local Twilio for trials: accepts messages, keeps them, calls back. Nothing is sent.

    Example: unpool twilio-stand-in --port 8790
    """
    from pipeline.delivery.stand_in import ANYBODY, serve

    out = Console()
    account = Settings.from_env(os.environ).twilio or ANYBODY
    out.print("To send to it, set where `unpool run` is called:", highlight=False)
    for name, value in (
        ("TWILIO_ACCOUNT_SID", account.account_sid),
        ("TWILIO_AUTH_TOKEN", account.auth_token if account is ANYBODY else "(yours)"),
        ("TWILIO_FROM", account.sender),
        ("UNPOOL_TWILIO_URL", f"http://127.0.0.1:{port}"),
    ):
        out.print(f"  export {name}={value}", highlight=False, soft_wrap=True)
    serve(account, port=port)


def callbacks(port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8791) -> None:
    """The address at which Twilio tells what became of a message (behind your reverse proxy).

    Example: UNPOOL_CALLBACK_URL=https://sms.example.vn/twilio/status unpool callbacks --port 8791
    """
    from pipeline.stages.house import open_house
    from pipeline.web.callbacks import serve

    settings = Settings.from_env(os.environ)
    with open_house(settings) as house:
        serve(settings, house.ledger, port=port)


def result_page(port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8792) -> None:
    """The page that the link in a message opens (behind your reverse proxy, which must log no paths).

    Example: UNPOOL_RESULT_URL=https://kq.example.vn/r unpool result-page --port 8792
    """
    from pipeline.stages.house import open_house
    from pipeline.web.result.serve import serve

    with open_house(Settings.from_env(os.environ)) as house:
        serve(house, port)


def desk(port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8793) -> None:
    """The desk of teams, labs and operators (behind your reverse proxy). `unpool account` says who may sign in.

    Example: UNPOOL_DESK_URL=https://desk.example.vn unpool desk --port 8793
    """
    from pipeline.stages.house import open_house
    from pipeline.web.desk.serve import serve

    with open_house(Settings.from_env(os.environ)) as house:
        serve(house, port)
