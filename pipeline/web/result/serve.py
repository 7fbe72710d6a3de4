"""The result page of one installation."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pipeline.domain.phones import to_e164
from pipeline.stages.house import House
from pipeline.stages.open_page import Door, birth_check
from pipeline.stages.page_wishes import Wishes, numbers
from pipeline.vault.keys import KeyPurpose
from pipeline.web.base.app import serve_app
from pipeline.web.base.limits import Limits
from pipeline.web.base.pages import load_pages
from pipeline.web.base.shield import Shield
from pipeline.web.result.app import ROOM, Site, result_app

# Longer than the ledger and a batch of the vault take.
BEAT_S: Final = 0.5


def page_of(house: House) -> Shield:
    """The application, with all it needs from the house."""
    settings, programme = house.settings, house.programme
    address = urlsplit(settings.result_url)
    token_key = house.keys.derive(KeyPurpose.TOKEN)
    number_of = numbers(house.keys, partial(to_e164, phones=programme.phones))
    zone = ZoneInfo(programme.time_zone)
    return result_app(
        Site(
            Door(house.ledger, token_key, birth_check(house.keys)),
            Wishes(house.ledger, token_key, house.keys.derive(KeyPurpose.NUMBER), number_of),
            Limits(),
            load_pages(ROOM, programme.sms_name, test_names=programme.title),
            session_key=house.keys.derive(KeyPurpose.SESSION),
            path=address.path.rstrip("/"),
            clock=lambda: settings.clock(datetime.now(UTC)).astimezone(zone),
            beat_s=BEAT_S,
            is_secure=address.scheme == "https",
        )
    )


def serve(house: House, port: int) -> None:
    """Serve on 127.0.0.1 until the process is ended."""
    serve_app(page_of(house), port)
