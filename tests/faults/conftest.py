"""The small town as it stands after its first day, to copy from; and what its second day comes to when nothing disturbs it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.delivery.stand_in import ANYBODY, create_app, in_thread
from pipeline.ledger.server import Server
from pipeline.stages import intake, intake_batch, notify
from pipeline.stages.house import House
from pipeline.stages.run import run_all
from tests.faults.backups import Machine
from tests.faults.inside import watch, whens
from tests.faults.office import NOW, Office
from tests.faults.town import CALMS, DAY_1, DAY_2, FIRST_DAY, SECOND_DAY, drop
from tests.homes import TRUSTING, Figures, Installation, Killed, a_thousand_a_second, admin, figures, new_installation


def trusting() -> None:
    """For a child: every file passes its judgement."""
    for name, answer in TRUSTING.items():
        setattr(intake_batch, name, answer)


def small_and_quick() -> None:
    """For a child: trusting, files are archived two at a time, and a thousand messages a second may go out."""
    trusting()
    intake.ARCHIVE_FILES = 2
    notify.Pace = a_thousand_a_second  # type: ignore[misc, assignment]


def run_through(house: House, *moments: Any) -> None:
    for moment in moments:
        run_all(house, moment, lambda *_: None)


@dataclass(frozen=True)
class Scene:
    """An installation of one's own with a stand-in of its own. `told` takes a figure for docs/reliability.

    `times`: the last is the stand-in's time, which is never before a claim's.
    """

    installation: Installation
    accepted: Callable[[], dict[str, Any]]
    told: Callable[[str, int], None] = lambda name, figure: None
    times: list[datetime] = field(default_factory=list)

    def run(self, *moments: Any) -> Figures:
        """Run once for each moment in a process of its own, then take the figures."""

        def work(house: House) -> Figures:
            small_and_quick()
            run_through(house, *moments)
            return figures(house)

        self.times.append(moments[-1])
        return self.installation.do(work)


Scenes = Callable[..., Scene]


@pytest.fixture
def office(installation: Callable[..., Installation], tmp_path: Path, warm: None, quick: None) -> Iterator[Office]:
    app = create_app(ANYBODY.account_sid, ANYBODY.auth_token, lambda: NOW)
    with in_thread(app) as address:
        made = installation(twilio=replace(ANYBODY, api_base_url=address))
        yield Office(made, tmp_path, lambda: len(app.state.store.messages))


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
def scenes(first_day: Installation, tmp_path: Path, record_property: Callable[[str, int], None]) -> Iterator[Scenes]:
    """Copies of the first day, each with a stand-in; settings as changed, at `home` where one is given."""
    with ExitStack() as stack:

        def scene(home: Path | None = None, **changes: Any) -> Scene:
            times = [DAY_2]
            app = create_app(ANYBODY.account_sid, ANYBODY.auth_token, lambda: times[-1])
            address = stack.enter_context(in_thread(app))
            copy = first_day.copy(home or tmp_path / uuid.uuid4().hex)
            stack.callback(copy.drop)
            settings = replace(copy.settings, twilio=replace(ANYBODY, api_base_url=address), **changes)
            return Scene(replace(copy, settings=settings), app.state.store.counts, record_property, times)

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


@pytest.fixture(scope="session")
def died() -> set[tuple[str, str]]:
    """Where the commit points' kills were: (point, when)."""
    return set()


def note_kill(died: set[tuple[str, str]], point: str, when: str, told: Callable[[str, int], None]) -> None:
    """A point counts as killed when it was at all its places."""
    told("kills", 1)
    if (point, when) not in died:
        died.add((point, when))
        told("commit_points_killed", int(all((point, each) in died for each in whens(point))))


def killed_at(scene: Scene, point: str, when: str, nth: int, *moments: Any, judge: Callable[[], None] = small_and_quick) -> None:
    """Run, and die there. Fails if the point is not reached."""

    def work(house: House) -> None:
        judge()
        watch((point, when, nth))
        run_through(house, *moments)

    scene.times.append(moments[-1])
    with pytest.raises(Killed):
        scene.installation.do(work)


def assert_as_if_nothing_had_happened(scene: Scene, expected: Figures, moments: Any = CALMS) -> list[tuple[str, str]]:
    """Run to the end. Returns the places where this run could have died, in order of name."""

    def work(house: House) -> tuple[list[tuple[str, str]], Figures]:
        small_and_quick()
        points = watch()
        run_through(house, *moments)
        return sorted(points.times), figures(house)

    scene.times.append(moments[-1])
    reached, found = scene.installation.do(work)
    assert found.violations == []
    assert found == expected
    told = scene.accepted()
    assert (told["accepted"], told["doubled"]) == (7, 0)
    return reached
