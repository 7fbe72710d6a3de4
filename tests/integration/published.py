"""An installation whose files were taken in, decided and published for the desk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pipeline.ledger.server import Server
from pipeline.stages.house import House
from pipeline.stages.publish import publish
from pipeline.stages.run import run_all
from tests.faults.conftest import trusting
from tests.homes import Installation, new_installation


@contextmanager
def published_day(files: Mapping[str, bytes], now: datetime, server: Server, template: str, folder: Path) -> Iterator[Installation]:
    """files: sender → bytes."""
    made = new_installation(folder / "home", server, template)
    for sender, data in files.items():
        path = folder / f"{sender}.csv"
        path.write_bytes(data)
        made.receive(sender, path)

    def work(house: House) -> None:
        trusting()
        run_all(house, now, lambda *_: None)
        summary = publish(house, now)
        assert summary.is_made and summary.indexed

    made.do(work)
    yield made
    made.drop()
