"""The result page of one installation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from pipeline.stages.house import House
from pipeline.stages.open_page import Door, birth_dates
from pipeline.vault.keys import KeyPurpose
from pipeline.web.base.app import serve_app
from pipeline.web.base.shield import Shield
from pipeline.web.result.app import result_app

# Longer than the ledger and a batch of the vault take.
BEAT_S: Final = 0.5


def page_of(house: House) -> Shield:
    """The application, with all it needs from the house."""
    settings = house.settings
    address = urlsplit(settings.result_url)
    return result_app(
        Door(house.ledger, house.keys.derive(KeyPurpose.TOKEN), birth_dates(house.keys)),
        session_key=house.keys.derive(KeyPurpose.SESSION),
        title=house.programme.sms_name,
        path=address.path.rstrip("/"),
        clock=lambda: settings.clock(datetime.now(UTC)),
        beat_s=BEAT_S,
        is_secure=address.scheme == "https",
    )


def serve(house: House, port: int) -> None:
    """Serve on 127.0.0.1 until the process is ended."""
    serve_app(page_of(house), port)
