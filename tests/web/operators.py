"""A desk after a small day: a positive single, a pool to call back, one to test again, holds, and a second operator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

from pipeline.domain.words import HoldReason, Role
from pipeline.ledger import accounts, holds
from pipeline.stages.house import House
from pipeline.stages.publish import publish
from pipeline.stages.run import run_all
from tests.faults.conftest import trusting
from tests.faults.town import MANIFEST, RESULTS, person, result, sheet
from tests.homes import Installation
from tests.web.desk import CHEAP, NOW, PASSWORD, Town, town_of

FILE_HELD: Final = "11111111-1111-4111-8111-111111111111"
BREAKER: Final = "21111111-1111-4111-8111-111111111111"
SECOND: Final = "binh"
FILES: Final = {
    "team-a": sheet(
        MANIFEST,
        [
            *(person(n, "LP1", size=3, day=19, own=f"LP1-{n}", mode="lab") for n in (1, 2, 3)),
            *(person(n, "FP2", size=3, day=19) for n in (4, 5, 6)),
            *(person(n, "FP3", size=2, day=19) for n in (7, 8)),
            person(9, "SP4", size=1, day=19),
            person(10, "SP5", size=1, day=19),
            *(person(n, "FP6", size=3, day=19) for n in (11, 12)),
        ],
    ),
    "team-b": sheet(MANIFEST, [person(20, "SP9", size=1, day=19).replace("Người Số 20", "<i onclick=alert(1)>Người Số 20</i>")]),
    "lab-a": sheet(
        RESULTS,
        [
            result("LP1", "positive", at="19 14:00", ct="24"),
            result("FP2", "negative", at="19 14:00"),
            result("FP3", "positive", at="19 14:00", ct="20"),
            result("SP4", "positive", at="19 14:00", ct="22"),
            result("FP6", "negative", at="19 14:00"),
            result("NOWHERE", "negative", at="19 14:00"),
            result("SP0", "negative", at="19 14:30"),
        ],
    ),
}


def after_a_day(installation: Installation, folder: Path) -> None:
    """Take the day's files in, decide, publish; then a held file and a tripped breaker."""
    for sender, data in FILES.items():
        path = folder / f"{sender}.csv"
        path.write_bytes(data)
        installation.receive(sender, path)

    def work(house: House) -> None:
        trusting()
        run_all(house, NOW - timedelta(days=1), lambda *_: None)
        held = {
            "hold_id": FILE_HELD,
            "reason": HoldReason.FILE_HELD,
            "subject": "receipt 3",
            "owner": "lab-a",
            "detail": {"judgement": "all_detected"},
        }
        tripped = {
            "hold_id": BREAKER,
            "reason": HoldReason.TOO_MANY_MESSAGES,
            "subject": "batch 2",
            "owner": "operator",
            "detail": {"messages": 912},
        }
        with house.ledger.begin() as conn:
            holds.upsert_many(conn, [held, tripped], NOW - timedelta(hours=5))
        publish(house, NOW - timedelta(hours=1), always=True)

    installation.do(work)


@contextmanager
def operators_town(installation: Installation) -> Iterator[Town]:
    """The desk of an installation `after_a_day`."""
    with town_of(installation) as town:
        with town.house.ledger.begin() as conn:
            accounts.add(conn, SECOND, CHEAP.hash(PASSWORD), Role.OPERATOR, None, NOW)
        yield town
