"""One real week of a pooled programme (FloodLAMP COSP, 2022w01), through the product: exactly the figures that were counted by hand."""

from __future__ import annotations

import os
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.words import FileKind
from pipeline.ledger.engine import Ledger
from pipeline.settings import Settings
from pipeline.stages.house import House, open_house
from pipeline.stages.init import init
from pipeline.stages.receive import receive
from pipeline.stages.run import run_all
from pipeline.stages.status import status
from pipeline.stages.verify import verify
from pipeline.stages.watch import watch

REAL = Path(os.environ.get("UNPOOL_REAL_DATA", Path(__file__).parents[3] / "shared" / "data")) / "floodlamp_cosp"
MANIFEST, RESULTS = "floodlamp_COSP_2022w01_swabs-in-tubes.csv", "floodlamp_COSP_2022w01_tubes.csv"

# The last swab is of 9 January: all tubes are past the overdue limit, none is lost yet.
AS_OF = datetime.fromisoformat("2022-01-13T12:00:00-08:00")

_NUMBERS = count(1)

pytestmark = [pytest.mark.real_data, pytest.mark.skipif(not REAL.is_dir(), reason=f"the real files are not at {REAL}")]

AGREED: dict[str, Any] = {
    "files": {"received": 2, "accepted": 2},
    "rows": {"received": 2_451 + 828, "accepted": 2_450 + 798, "rejected": 1 + 30},
    "tubes": {"pools": 781, "singles": 47},
    "specimens": 2_450,
    "outcomes": {"awaiting": 79, "detected": 2, "not_detected": 2_086, "recollect": 283},
    "worklist": 0,
    "callback": 283,
    "holds": {"overdue": 30},
    # Nobody has a phone: every message that is due is on the call list, and none is queued.
    "messages": {"no_phone": 2_086 + 2 + 283},
}


def drop(house: House, folder: Path, names: list[str], *, kind_of: dict[str, FileKind] | None = None) -> None:
    """The files into the inbox under new names, then everything until nothing waits."""
    folder.mkdir(exist_ok=True)
    for name in names:
        copy = folder / f"week-{next(_NUMBERS)}.csv"
        copy.write_bytes((REAL / name).read_bytes())
        receive(house.home, [copy], "lab" if name == RESULTS else "school", (kind_of or {}).get(name))
    run_all(house, AS_OF, lambda _stage, _done: None)
    watch(house, AS_OF)


def figures(house: House) -> dict[str, Any]:
    """Status in the keys of AGREED; of outcomes, holds and messages everything that is not 0."""
    shown = status(house)
    for key in ("files", "rows"):
        shown[key] = {name: n for name, n in shown[key].items() if name in AGREED[key]}
    return {key: {name: n for name, n in shown[key].items() if n} if isinstance(shown[key], dict) else shown[key] for key in AGREED}


def house_at(home: Path, ledger: Ledger) -> Settings:
    settings = Settings(home=home, programme="floodlamp", database_url=ledger.engine.url.render_as_string(hide_password=False))
    init(settings)
    return settings


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("order", [[MANIFEST, RESULTS], [RESULTS, MANIFEST]], ids=["manifest_first", "results_first"])
def test_C08_P02_the_real_week(order: list[str], tmp_path: Path, ledger: Ledger) -> None:
    """One file, then the other; at the end the agreed figures. Then both again, in either order, under other names: nothing moves."""
    with open_house(house_at(tmp_path / "home", ledger)) as house:
        for name in order:
            drop(house, tmp_path / "copies", [name])
        assert figures(house) == AGREED
        assert verify(house) == []
        first = status(house)
        for again in (order, order[::-1]):
            drop(house, tmp_path / "copies", again)
        second = status(house)
        for key in ("state_hash", "outcomes", "messages", "holds", "worklist", "callback", "specimens"):
            assert second[key] == first[key], key
        assert second["rows"]["accepted"] == first["rows"]["accepted"]
        assert second["rows"]["duplicate"] == 2 * (2_450 + 798)
        assert verify(house) == []


def test_P02_results_and_manifest_at_once(tmp_path: Path, ledger: Ledger) -> None:
    """At once, and results first: the same figures. What is released to whom is a function of the facts alone."""
    with open_house(house_at(tmp_path / "home", ledger)) as house:
        drop(house, tmp_path / "copies", [RESULTS, MANIFEST], kind_of={MANIFEST: FileKind.MANIFEST, RESULTS: FileKind.RESULTS})
        assert figures(house) == AGREED


def test_people_of_positive_pools_and_where_singles_stand(tmp_path: Path, ledger: Ledger) -> None:
    """2,048 people are negative by their pool and 38 alone; the call-back list holds 91 pools whole; 52 person-days are warned of."""
    with open_house(house_at(tmp_path / "home", ledger)) as house:
        drop(house, tmp_path / "copies", [MANIFEST, RESULTS])
        with house.writer(), house.warehouse(spill=True) as warehouse:
            by_reason = dict(warehouse.connection.execute("SELECT outcome || ' ' || reason, count(*) FROM outcome GROUP BY ALL").fetchall())
            pools = warehouse.connection.execute("SELECT count(DISTINCT tube_id) FROM list_item WHERE list = 'callback'").fetchone()
            warned = warehouse.connection.execute("SELECT sum(rows_warned) FROM file WHERE kind = 'manifest'").fetchone()
            overdue = warehouse.connection.execute("SELECT sum(specimens) FROM hold WHERE reason = 'overdue'").fetchone()
    assert by_reason["not_detected pool"] == 2_048
    assert by_reason["not_detected single"] == 38
    assert by_reason["detected single"] == 2
    assert by_reason["recollect pool_detected"] == 283
    assert pools == (91,)
    assert warned == (52,)
    assert overdue == (79,)
