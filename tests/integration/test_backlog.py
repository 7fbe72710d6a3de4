"""A backlog: worked off share by share to the same end as at once, and visible while it lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest

from pipeline.domain.words import FileKind
from pipeline.home import Home
from pipeline.intake import inbox
from pipeline.ledger.server import Server
from pipeline.stages.house import House
from pipeline.stages.intake import IntakeSummary, one_run
from pipeline.stages.run import run_all
from pipeline.stages.status import OF_THE_WAREHOUSE, status
from tests.bench.crowd import open_crowd, write_crowd
from tests.homes import Figures, Installation, new_installation

pytestmark = pytest.mark.usefixtures("trusted")

NOW = datetime.fromisoformat("2026-11-11T10:00:00+07:00")
PEOPLE, ROWS = 600, 30
Make = Callable[..., Installation]


@pytest.fixture
def make(tmp_path: Path, embedded: Server, ledger_template: str) -> Iterator[Make]:
    """An installation with a programme of 600 people in its inbox: 20 manifests, and their results in files of as many rows."""
    write_crowd(tmp_path / "files", PEOPLE, 7, manifest_rows=ROWS, result_rows=ROWS)
    made: list[Installation] = []

    def one(**changes: int) -> Installation:
        crowd = open_crowd(tmp_path / "files")
        installation = new_installation(tmp_path / f"home-{len(made)}", embedded, ledger_template, **changes)
        made.append(installation)
        installation.receive("team-1", *crowd.manifests, kind=FileKind.MANIFEST)
        installation.receive("lab-1", *crowd.results, kind=FileKind.RESULTS)
        return installation

    yield one
    for installation in made:
        installation.drop()


def test_share_by_share_ends_as_all_at_once(make: Make) -> None:
    whole, shares = make(), make(run_files=3, batch_files=2)
    at_once, by_shares = whole.run(NOW), shares.run(NOW)
    assert (at_once.intake.batches, at_once.decide.batches) == (1, 1)
    assert by_shares.decide.batches > 1
    assert by_shares.intake.batches > by_shares.decide.batches
    assert by_shares.intake.files == at_once.intake.files
    assert by_shares.intake.rows_accepted == at_once.intake.rows_accepted
    one, other = whole.figures(), shares.figures()
    assert _ended(one) == _ended(other)
    assert one.violations == other.violations == []


def test_one_run_takes_its_share_and_says_what_is_left(make: Make) -> None:
    installation = make(run_files=5)
    waiting = installation.figures().status["inbox"]
    first = installation.do(lambda house: one_run(house, NOW))
    assert (first.files, first.left) == (5, waiting - 5)
    assert installation.do(lambda house: one_run(house, NOW)).left == waiting - 10


def test_status_does_not_wait_for_the_batch_that_is_written(make: Make) -> None:
    """Whoever asks how far a backlog is gets the files' counts; the warehouse's figures are there again afterwards."""
    installation = make()
    installation.run(NOW)

    def meanwhile(house: House) -> dict[str, object]:
        with house.writer():
            return status(house)

    told = installation.do(meanwhile)
    assert {name: told[name] for name in OF_THE_WAREHOUSE} == dict.fromkeys(OF_THE_WAREHOUSE)
    assert told["files"] == installation.figures().status["files"]
    assert None not in [installation.figures().status[name] for name in OF_THE_WAREHOUSE]


def test_a_file_that_still_grows_ends_no_loop(make: Make) -> None:
    """A sender who never finishes a file must not keep `unpool run` going round: it stays in the inbox, the others are taken."""
    installation = make(run_files=4)
    waiting = installation.figures().status["inbox"]
    grows = Home(installation.home).inbox / "lab-2" / "results" / "grows.csv"
    grows.parent.mkdir(parents=True)
    grows.write_text("tube_code,result,tested_at\n")

    def work(house: House) -> IntakeSummary:
        # However long the others take, it has not been left alone for long enough.
        with patch.object(inbox, "claim", partial(inbox.claim, quiet_s=3_600.0)):
            return run_all(house, NOW, lambda *_: None).intake

    taken = installation.do(work)
    assert (taken.files, taken.left) == (waiting, 1)
    assert grows.exists()


def _ended(figures: Figures) -> tuple[object, ...]:
    """What must be the same however the work was shared out. Not the state hash: it knows which batch brought a row."""
    counts = {name: value for name, value in figures.status.items() if name not in ("state_hash", "sending")}
    return counts, figures.receipts, figures.messages, figures.returns
