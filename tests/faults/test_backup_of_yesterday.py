"""O10: restored to yesterday's backup, while Twilio knows of today: nothing goes out before it was asked, and nobody is told twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import pipeline
from pipeline.delivery.kept import Store
from pipeline.delivery.stand_in import ANYBODY, create_app, in_thread
from pipeline.ledger import told
from pipeline.ledger.server import Server
from pipeline.show import WHY_QUEUED
from pipeline.stages import reconcile_restored as reconciling
from pipeline.stages.decide import decide
from pipeline.stages.house import House
from pipeline.stages.intake import intake
from pipeline.stages.reconcile_restored import Reconciled, reconcile_restored
from pipeline.stages.status import status
from tests.bench.crowd import write_crowd
from tests.faults.backups import Machine, back_up, nobody, reconcile
from tests.faults.conftest import run_through, small_and_quick
from tests.faults.longer import is_long
from tests.homes import KILLED, ChildFailed, Figures, Installation, Killed, new_installation


@dataclass(frozen=True)
class Lost:
    """A programme of some size: what it was yesterday, as a backup, and what it was when it was lost; the files of the day between."""

    installation: Installation
    copy: Path
    made_at: datetime
    files: list[tuple[str, Path]]
    figures: Figures
    store: Store

    def accepted(self) -> dict[str, Any]:
        return self.store.counts()


TODAY = timedelta(days=1)


def quick(installation: Installation, work: Callable[..., None], *moments: datetime) -> None:
    def quickly(house: House) -> None:
        small_and_quick()
        work(house, *moments)

    installation.do(quickly)


def take_in_and_decide(house: House, now: datetime) -> None:
    intake(house, now)
    decide(house, now)


def corrected(results: Path, to: Path) -> Path:
    """The first negative pool of a file becomes a positive one: its people need a test of their own."""
    [row] = [line for line in results.read_text().splitlines() if ",Not detected," in line.replace('"', "")][:1]
    code, _, at = row.replace('"', "").split(",")[:3]
    to.write_text(f"tube_code,result,tested_at,ct,status\n{code},Detected,{at},25.0,C\n")
    return to


def in_turn(installation: Installation, files: list[tuple[str, Path]], now: datetime) -> None:
    """Each file taken in, decided and told before the next one comes."""
    for sender, path in files:
        installation.receive(sender, path)
        quick(installation, run_through, now)


def all_at_once(installation: Installation, files: list[tuple[str, Path]], now: datetime) -> None:
    for sender, path in files:
        installation.receive(sender, path)
    quick(installation, run_through, now)


@pytest.fixture(scope="module")
def lost(warm: None, embedded: Server, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lost]:
    """Yesterday a quarter was told and a quarter had just been decided. Today all the others, and two pools were corrected."""
    folder = tmp_path_factory.mktemp("lost")
    people = 14_000 if is_long() else 2_000
    crowd = write_crowd(folder / "crowd", people, 20261109, manifest_rows=people // 4, result_rows=3 * people // 100)
    at = crowd.as_of.replace(tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    shipped = Path(pipeline.__file__).parent / "shipped/programmes/vietnam/programme.toml"
    (folder / "programme.toml").write_text(shipped.read_text().replace("per_second = 20", "per_second = 2000"))
    clock = [at]
    app = create_app(ANYBODY.account_sid, ANYBODY.auth_token, lambda: clock[0])
    with in_thread(app) as address:
        twilio = replace(ANYBODY, api_base_url=address)
        made = new_installation(folder / "home", embedded, ledger_template, twilio=twilio, programme=str(folder / "programme.toml"))
        days = [[("TEAM1", crowd.manifests[0]), ("LAB1", crowd.results[0])], [("TEAM1", crowd.manifests[1]), ("LAB1", crowd.results[1])]]
        today = [("TEAM1", path) for path in crowd.manifests[2:]] + [("LAB1", path) for path in crowd.results[2:]]
        for number, path in enumerate((crowd.results[0], crowd.results[2])):
            today.append(("LAB1", corrected(path, folder / f"corrected_{number}.csv")))
        for file in days[0]:
            made.receive(file[0], file[1])
        quick(made, run_through, at)
        for file in days[1]:
            made.receive(file[0], file[1])
        quick(made, take_in_and_decide, at)
        back_up(made, folder / "copy", at)
        clock[0] = at + TODAY
        quick(made, run_through, at + TODAY)
        in_turn(made, today, at + TODAY)
        found = made.figures()
        assert (found.violations, app.state.store.counts()["doubled"]) == ([], 0)
        yield Lost(made, folder / "copy", at, today, found, app.state.store)
        made.drop()


def blocked(after: Installation, lost: Lost) -> None:
    """Nothing goes out, and the status says why, before anything waits and after."""
    assert after.do(status)["sending"] == "restored"
    before = lost.accepted()
    quick(after, run_through, lost.made_at + TODAY)
    assert lost.accepted() == before
    found = after.do(status)
    assert (found["sending"], found["messages"]["queued"] > 300) == ("restored", True)
    assert "unpool reconcile" in WHY_QUEUED[found["sending"]]


def die_after_pages(pages: int) -> Callable[[House, datetime], None]:
    """Reconcile in pages of 100, and die before one of them is kept."""

    def work(house: House, now: datetime) -> None:
        reconciling.PAGE = 100
        remember, seen = told.remember, []

        def dying(*args: Any) -> None:
            seen.append(args)
            if len(seen) > pages:
                os._exit(KILLED)
            remember(*args)

        told.remember = dying
        reconcile(house, now)

    return work


@pytest.mark.parametrize("sent_in_again", [in_turn, all_at_once])
def test_O10_yesterday_s_backup_and_the_day_s_files_again(
    lost: Lost, machine: Machine, record_property: Callable[[str, object], None], sent_in_again: Callable[..., None]
) -> None:
    now = lost.made_at + TODAY
    before = lost.accepted()["accepted"]
    after, done = machine.restore(lost.installation, lost.copy, now)
    assert done.violations == []
    blocked(after, lost)
    with pytest.raises(Killed):
        quick(after, die_after_pages(5), now)
    blocked(after, lost)
    found = after.do(lambda house: reconcile(house, now))
    assert (found.asked, found.foreign, found.unreadable) == (before, 0, 0)
    assert (found.adopted > 300, found.kept > 900, found.known + found.adopted + found.kept) == (True, True, before)
    assert after.do(lambda house: reconcile(house, now)) == Reconciled(None)
    sent_in_again(after, lost.files, now)
    end = after.figures()
    assert (lost.accepted()["accepted"], lost.accepted()["doubled"]) == (before, 0)
    assert (end.violations, end.state_hash) == ([], lost.figures.state_hash)
    assert {name: end.status[name] for name in ("outcomes", "people")} == {
        name: lost.figures.status[name] for name in ("outcomes", "people")
    }
    assert told_by(end) == told_by(lost.figures)
    if sent_in_again is in_turn:
        assert (end.messages, after.do(left_aside)) == (lost.figures.messages, 0)
    record_property("restored_people", len(told_by(end)))
    assert len(told_by(end)) >= 1_000


def told_by(found: Figures) -> dict[str, tuple[str, str]]:
    """What each person was told last, and whether it went out."""
    return {specimen: (purpose, state) for specimen, _, purpose, state in sorted(found.messages) if state != "superseded"}


def left_aside(house: House) -> int:
    with house.ledger.begin() as conn:
        return told.kept(conn)


def test_O10_a_text_that_twilio_no_longer_shows_keeps_sending_blocked(lost: Lost, machine: Machine) -> None:
    """Nobody can say who got it. Somebody else's messages on the same account are left alone."""
    now = lost.made_at + TODAY
    after, _ = machine.restore(lost.installation, lost.copy, now)
    *_, unread, foreign = lost.store.messages.values()
    bodies = unread.body, foreign.body
    unread.body, foreign.body = "", "Your parcel has come. https://parcels.example/1"
    try:
        with pytest.raises(ChildFailed, match="ActionNeeded: Twilio no longer shows the text of 1 messages"):
            after.do(lambda house: reconcile(house, now))
        assert after.do(status)["sending"] == "restored"
        found = after.do(lambda house: reconcile(house, now, despite_unreadable=True))
    finally:
        unread.body, foreign.body = bodies
    assert (found.unreadable, found.foreign) == (1, 1)
    assert after.do(status)["sending"] != "restored"


def test_O10_without_an_account_nobody_can_be_asked(lost: Lost, machine: Machine) -> None:
    after, _ = machine.restore(lost.installation, lost.copy, lost.made_at)
    with pytest.raises(ChildFailed, match="ActionNeeded: No Twilio account"):
        after.do(lambda house: reconcile_restored(house, lost.made_at, nobody, sms=None))
    assert after.do(status)["sending"] == "restored"
