"""One episode: the files of a plan dropped over virtual days, stages that die and stores that fail, then calm until all is quiet."""

from __future__ import annotations

import gc
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from fastapi import FastAPI

from pipeline.domain.words import MessageState
from pipeline.errors import ActionNeeded, TryAgain
from pipeline.ledger import holds, journal, outbox, signed_holds
from pipeline.stages.answer import answer, choices, is_of_tube
from pipeline.stages.decide import decide
from pipeline.stages.house import House
from pipeline.stages.intake import intake
from pipeline.stages.notify_due import notify_due
from pipeline.stages.rebuild import rebuild
from pipeline.stages.receive import receive
from pipeline.stages.status import status
from pipeline.stages.verify import verify
from pipeline.stages.watch import watch
from pipeline.web.callbacks import create_app
from tests.faults.points import Points, watched
from tests.faults.sim.installation import ACCOUNT, forget_connection, installation, quick
from tests.faults.sim.judge import Verdict, judge
from tests.faults.sim.plan import File, plan
from tests.faults.sim.reports import deliver
from tests.faults.sim.twilio import Report, Twilio
from tests.faults.sim.world import LOCAL, Clock, Crash, Faults

CALLBACK = "https://unpool.example/twilio/status"
# A rebuild doubles an episode's time.
REBUILT_EVERY = 8
# Rounds of notify after the last fault: four within minutes, eight within hours, then days.
ROUNDS = (3,) * 4 + (70,) * 8 + (1440,) * 20
OPEN = {MessageState.QUEUED, MessageState.SENDING, MessageState.UNKNOWN, MessageState.SENT}
# For how long nobody may run anything, and how far the machine's clock may be ahead.
STANDSTILLS = tuple(timedelta(hours=hours) for hours in (1, 7, 30, 80))
AHEAD = tuple(timedelta(hours=hours) for hours in (0, 1, 1, -1, 24, -24))
Stage = Callable[[House, datetime], object]


@dataclass
class Episode:
    """A house in its world. `app`: where Twilio reports, None where nobody listens. `met`: how often which fault came. `decided_at`: when
    it was decided last, in the calm; what time alone changes after it is not to be found yet."""

    house: House
    clock: Clock
    chance: Random
    faults: Faults
    twilio: Twilio
    app: FastAPI | None = None
    met: Counter[str] = field(default_factory=Counter)
    decided_at: datetime | None = None

    def attempt(self, work: Callable[[], object]) -> bool:
        """Whether it went through. A death, a lost ledger and a failing disk are what may come between; anything else is a finding."""
        try:
            work()
        except (Crash, TryAgain, OSError):
            self.faults.is_dead = False
        else:
            return True
        # A dead process holds nothing open. Errors keep each other alive in circles, and with them streams of the warehouse.
        gc.collect()
        forget_connection(self.house.ledger)
        return False

    def report(self, report: Report) -> None:
        """A status callback. A 503 is not asked again: that report is lost."""
        if self.app is None:
            return
        answer = deliver(self.app, ACCOUNT, report)
        self.met["forged" if report.forged else "reports"] += 1
        expected = {403} if report.forged else {204, 503}
        assert answer in expected, f"a report ({report.forged or 'true'}) was answered {answer}"

    def take_reports(self) -> None:
        for report in self.twilio.due():
            self.attempt(partial(self.report, report))

    def drop(self, files: list[File], desk: Path) -> None:
        """Each sender tries until it is told that the file arrived. One that arrived before its sender knew comes twice."""
        for file in files:
            path = desk / file.name
            path.write_bytes(file.data)
            while not self.attempt(partial(receive, self.house.home, [path], file.sender, None)):
                self.met["sent again"] += 1

    def work(self) -> None:
        """The stages as Airflow starts them, some of them twice; time passes and reports come in between."""
        stages: list[Stage] = [intake, decide, notify_due]
        if self.chance.random() < 0.3:
            more = self.chance.choice((decide, notify_due, notify_due, trusted_watch, status_of))
            stages.insert(self.chance.randrange(4), more)
        for stage in stages:
            for _ in range(self.chance.choice((1, 2, 3))):
                if self.attempt(lambda stage=stage: stage(self.house, self.clock.now)):  # type: ignore[misc]
                    break
                self.clock.wait(minutes=self.chance.choice((0.1, 1, 3)))
            self.clock.wait(minutes=self.chance.choice((0.1, 1, 5)))
            self.take_reports()
            if self.chance.random() < 0.2:
                self.attempt(self.sign)

    def sign(self) -> None:
        """Somebody, or two, decide about a tube that is held."""
        with self.house.ledger.begin() as conn:
            asked = [one for one in holds.open_holds(conn) if is_of_tube(one.reason) and not signed_holds.is_signed(conn, one)]
        if not asked:
            return
        about = self.chance.choice(asked)
        choice = self.chance.choice(choices(about.reason))
        for who in ("lan", "minh")[: self.chance.choice((1, choice.people))]:
            try:
                done = answer(self.house, about.hold_id, choice, who=who, why="looked at it", now=self.clock.now)
            except ActionNeeded:
                # Who has spoken before a crash does not speak twice.
                continue
            self.met["signed holds"] += done.is_signed

    def disturbed(self, slots: list[datetime], drops: dict[datetime, list[File]], desk: Path) -> None:
        self.faults.is_on = True
        for at in slots:
            self.clock.to(at.replace(tzinfo=LOCAL))
            self.drop(drops[at], desk)
            self.work()
            if self.chance.random() < 0.4:
                self.clock.set_wrong(self.chance.choice(AHEAD))
                self.met["clock jumps"] += 1
            if self.chance.random() < 0.4:
                self.clock.sleep(self.chance.choice(STANDSTILLS).total_seconds())
                self.work()
        self.faults.is_on, self.twilio.is_calm = False, True
        # The clock is right again, and past all that it ever said: time only goes on from here.
        self.clock.set_wrong(timedelta(0))
        self.clock.to(self.clock.latest)

    def until_quiet(self) -> None:
        """Calm, and time runs faster and faster, until nothing is open."""
        for number, minutes in enumerate(ROUNDS):
            if number == 0 or minutes == ROUNDS[-1]:
                intake(self.house, self.clock.now)
                decide(self.house, self.clock.now)
                self.decided_at = self.clock.as_of
            notify_due(self.house, self.clock.now)
            self.take_reports()
            if not self.open():
                return
            self.clock.wait(minutes=minutes)
        raise AssertionError(f"never quiet: there are still messages {self.open()}")

    def open(self) -> set[str]:
        with self.house.ledger.begin() as conn:
            assert journal.unfinished(conn) is None, "a batch stayed open"
            counts = Counter(outbox.counts(conn))
            # What a page has taken back waits for people, who may be slow.
            counts[MessageState.QUEUED] -= outbox.taken_back(conn)
            return {str(state) for state, number in counts.items() if number and state in OPEN}


def trusted_watch(house: House, now: datetime) -> None:
    """The invariants hold at any moment, not only in the end."""
    assert watch(house, now).violations == 0, "an invariant does not hold on the way"


def status_of(house: House, _now: datetime) -> object:
    return status(house)


def settle_down() -> None:
    """What is there before an episode need not be looked through after each of its deaths: a fifth of its time."""
    gc.collect()
    gc.freeze()


def run_episode(seed: int, meddle: Callable[[House, Twilio], None] = lambda *_: None) -> Verdict:
    """Everything comes from the seed. `meddle` comes before the judge: with it the tests see that he notices."""
    settle_down()
    chance = Random(seed)
    coming = plan(Random(chance.random()))
    start = coming.slots[0].replace(tzinfo=LOCAL)
    clock = Clock(start, latest=start)
    faults = Faults(Random(chance.random()), crashes=chance.choice((0.0, 0.01, 0.04, 0.1)), errors=chance.choice((0.0, 0.01, 0.03)))
    points = Points(faults)
    twilio = Twilio(Random(chance.random()), clock, chance.choice((0.0, 0.2, 0.4, 0.7)), points.hit, lambda report: episode.report(report))
    settings = {"callback_url": chance.choice((CALLBACK, CALLBACK, None)), "batch_files": chance.choice((1, 2, 100))}
    with installation(**settings) as house, quick(clock, Random(chance.random()), twilio), watched(points):
        episode = Episode(house, clock, Random(chance.random()), faults, twilio)
        if house.settings.callback_url:
            episode.app = create_app(house.settings, house.ledger, lambda: clock.now)
        desk = house.settings.home.parent / "desk"
        desk.mkdir()
        episode.disturbed(coming.slots, coming.drops, desk)
        episode.until_quiet()
        clock.sleep(timedelta(days=chance.choice((0, 3, 12))).total_seconds())
        episode.until_quiet()
        meddle(house, twilio)
        assert episode.decided_at is not None
        found = judge(house, coming, twilio, episode.decided_at)
        found.seed, found.state = seed, str(status(house)["state_hash"])
        found.wrong += [f"verify: {sentence}" for sentence in verify(house)]
        if seed % REBUILT_EVERY == 0 and rebuild(house, clock.now).after != found.state:
            found.wrong.append("a rebuild gives another state")
    found.met += faults.met + twilio.met + episode.met
    return found


def tried(seed: int) -> Verdict:
    """`run_episode`, where whatever it raises is a finding."""
    try:
        return run_episode(seed)
    except Exception:
        return Verdict(seed, wrong=[traceback.format_exc()])
