"""The desk of one installation."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pipeline.home import Home
from pipeline.stages.hand_in import FOLDER
from pipeline.stages.house import House
from pipeline.vault.keys import KeyPurpose
from pipeline.vault.passwords import Passwords
from pipeline.web.base.app import serve_app
from pipeline.web.base.limits import Limits
from pipeline.web.desk.app import DeskApp, desk_app, pages_of
from pipeline.web.desk.desk import Desk
from pipeline.web.desk.provider import Provider
from pipeline.web.desk.sign_in import VOUCHED


def desk_of(house: House, passwords: Passwords) -> DeskApp:
    """The application, with all it needs from the house."""
    settings = house.settings
    is_secure = urlsplit(settings.desk_url).scheme == "https"
    pages = pages_of(house.programme.sms_name)
    return desk_app(Desk(house, pages, passwords, lambda: settings.clock(datetime.now(UTC)), Limits(), is_secure, provider_of(house)))


def provider_of(house: House) -> Provider | None:
    """Its tokens end by the real time, whatever the house's clock was set to."""
    settings = house.settings
    if settings.provider is None:
        return None
    back = settings.desk_url.rstrip("/") + VOUCHED
    return Provider(settings.provider, back, house.keys.derive(KeyPurpose.SIGN_IN), lambda: datetime.now(UTC))


def tidy(home: Home) -> None:
    """Remove what a killed desk left of uploads: they hold names in clear, and were never acknowledged."""
    for folder in home.tmp.glob(f"{FOLDER}*"):
        shutil.rmtree(folder)


def serve(house: House, port: int) -> None:
    """Serve on 127.0.0.1 until the process is ended."""
    tidy(house.home)
    serve_app(desk_of(house, Passwords()), port)
