"""The small town as it stands after its first day, to copy from; and what its second day comes to when nothing disturbs it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.delivery.stand_in import ANYBODY, create_app, in_thread
from pipeline.domain.words import Verdict
from pipeline.ledger.server import Server
from pipeline.quality.judge import Judgement
from pipeline.stages import intake, intake_batch
from pipeline.stages.house import House
from pipeline.stages.run import run_all
from tests.faults.backups import Machine
from tests.faults.points import watch
from tests.faults.town import CALMS, DAY_1, DAY_2, FIRST_DAY, SECOND_DAY, drop
from tests.homes import Figures, Installation, Killed, admin, figures, new_installation


def small_and_quick() -> None:
    """For a child: files are archived two at a time, and every file passes its judgement. Great Expectations takes most of a run's time,
    reads only, and has a crash test of its own."""
    intake.ARCHIVE_FILES = 2
    intake_batch.judge_files = lambda profiles, *_: {int(number): Judgement(Verdict.ACCEPTED, "") for number in profiles["receipt_no"]}
    intake_batch.judge_rows = lambda *_: []


def run_through(house: House, *moments: Any) -> None:
    for moment in moments:
        run_all(house, moment, lambda *_: None)


@dataclass(frozen=True)
class Scene:
    """An installation of one's own with a stand-in of its own."""

    installation: Installation
    accepted: Callable[[], dict[str, Any]]

    def run(self, *moments: Any) -> Figures:
        """Run once for each moment in a process of its own, then take the figures."""

        def work(house: House) -> Figures:
            small_and_quick()
            run_through(house, *moments)
            return figures(house)

        return self.installation.do(work)


Scenes = Callable[[], Scene]


@pytest.fixture
def machine(embedded: Server, tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "machine", embedded, [])
    yield made
    for name in made.databases:
        admin(embedded, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def first_day(warm: None, embedded: Server, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """After the first day, all messages delivered; the second day's files lie in the inbox."""
    folder = tmp_path_factory.mktemp("first_day")
    app = create_app(ANYBODY.account_sid, ANYBODY.auth_token, lambda: DAY_1)
    with in_thread(app) as address:
        made = new_installation(folder / "home", embedded, ledger_template, twilio=replace(ANYBODY, api_base_url=address))
        drop(made, FIRST_DAY, folder / "desk")
        Scene(made, app.state.store.counts).run(DAY_1, DAY_1 + timedelta(minutes=90))
    assert app.state.store.counts()["accepted"] == 8
    drop(made, SECOND_DAY, folder / "desk")
    yield made
    made.drop()


@pytest.fixture
def scenes(first_day: Installation, tmp_path: Path) -> Iterator[Scenes]:
    """Copies of the first day, each with a stand-in."""
    with ExitStack() as stack:

        def scene() -> Scene:
            app = create_app(ANYBODY.account_sid, ANYBODY.auth_token, lambda: DAY_2)
            address = stack.enter_context(in_thread(app))
            copy = first_day.copy(tmp_path / uuid.uuid4().hex)
            stack.callback(copy.drop)
            settings = replace(copy.settings, twilio=replace(ANYBODY, api_base_url=address))
            return Scene(replace(copy, settings=settings), app.state.store.counts)

        yield scene


@pytest.fixture(scope="session")
def undisturbed() -> dict[str, Figures]:
    """Filled by the first who asks."""
    return {}


@pytest.fixture
def expected(undisturbed: dict[str, Figures], scenes: Scenes) -> Figures:
    """What the second day comes to when nothing disturbs it."""
    if not undisturbed:
        scene = scenes()
        undisturbed["figures"] = scene.run(*CALMS)
        assert scene.accepted()["accepted"] == 7
        assert undisturbed["figures"].violations == []
    return undisturbed["figures"]


def killed_at(scene: Scene, point: str, when: str, nth: int, *moments: Any, judge: Callable[[], None] = small_and_quick) -> None:
    """Run, and die there. Fails if the point is not reached."""

    def work(house: House) -> None:
        judge()
        watch((point, when, nth))
        run_through(house, *moments)

    with pytest.raises(Killed):
        scene.installation.do(work)


def assert_as_if_nothing_had_happened(scene: Scene, expected: Figures) -> None:
    found = scene.run(*CALMS)
    assert found.violations == []
    assert found == expected
    told = scene.accepted()
    assert (told["accepted"], told["doubled"]) == (7, 0)
