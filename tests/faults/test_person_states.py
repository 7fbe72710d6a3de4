"""P01: whoever asks before the result reads that it is not ready, and gets no message: on every path through a person's states.

A table walks each transition once; a state machine walks whatever Hypothesis thinks of, and may meet no transition that the table has not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise, product

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from pipeline.domain.words import Choice, PersonState
from pipeline.ledger.server import Server
from tests.faults.asking import HOUR, START, Asking, asking, state_of
from tests.faults.sim.people import Person
from tests.faults.sim.plan import Tube
from tests.property.reference_model import SpecimenKey

DAY = 24 * HOUR
STATES = tuple(PersonState)
# Status of rows that may stand behind a result, and of those that take one back.
FINAL, WITHDRAWN = "FC", "WX"


@pytest.fixture
def asked(embedded: Server, ledger_template: str) -> Iterator[Asking]:
    with asking(embedded, ledger_template) as made:
        yield made


def people(first: int, count: int) -> tuple[Person, ...]:
    """Neighbours share a phone; nobody has one of the numbers that the simulator's Twilio never takes."""
    return tuple(Person(number, f"0912000{10 + number // 2 % 30:03}", "") for number in range(first, first + count))


@dataclass(frozen=True)
class Case:
    """One way of one person. `path`: what is read after each round; `rounds`: what happens in it, in words of `_happens`, '' for time alone.

    `told`: the messages in the end; `days`: between swab and first round.
    """

    name: str
    path: tuple[str, ...]
    rounds: tuple[str, ...]
    told: str
    mode: str = "lab"
    days: float = 0
    missing: int = 0


# The limit for a result passes between the second round and the third.
LATE = 8.0
CASES = [
    # What is read first.
    Case("the list comes first", ("registered",), ("list",), ""),
    Case("a preliminary row is there before the list", ("at_lab",), ("P negative, list",), ""),
    Case("the pool's result is there before the list", ("ready",), ("F negative, list",), "result"),
    Case("the pool was positive before the list", ("own_test_needed",), ("F positive, list",), "own_test"),
    Case("nothing was kept of a positive pool, before the list", ("come_again",), ("F positive, list",), "come_again", mode="field"),
    Case("withdrawn before the list", ("withdrawn",), ("F negative, W, list",), "withdrawn"),
    Case("the list comes when the limit is over", ("not_found",), ("list",), "not_found", days=11),
    # From registration on.
    Case("a preliminary row says that the lab has it", ("registered", "at_lab", "at_lab"), ("list", "P negative", "P positive"), ""),
    Case("so does one of the kept specimen", ("registered", "at_lab"), ("list", "own P positive"), ""),
    Case("an invalid test is repeated", ("registered", "at_lab", "ready"), ("list", "F invalid", "F negative"), "result"),
    Case("the plain way", ("registered", "ready"), ("list", "F negative"), "result"),
    Case("a positive pool", ("registered", "own_test_needed", "ready"), ("list", "F positive", "own F positive"), "own_test result"),
    Case("a leaking tube", ("registered", "come_again"), ("list", "F rejected"), "come_again"),
    Case("withdrawn before any result", ("registered", "withdrawn"), ("list", "W"), "withdrawn"),
    Case("no news until the limit", ("registered", "registered", "not_found"), ("list", "", ""), "not_found", days=LATE),
    # From the lab on.
    Case("preliminary, then final", ("registered", "at_lab", "ready"), ("list", "P positive", "F negative"), "result"),
    Case("preliminary, then a positive pool", ("registered", "at_lab", "own_test_needed"), ("list", "P negative", "F positive"), "own_test"),
    Case("preliminary, then leaking", ("registered", "at_lab", "come_again"), ("list", "P negative", "F rejected"), "come_again"),
    Case("preliminary, then withdrawn", ("registered", "at_lab", "withdrawn"), ("list", "P negative", "X"), "withdrawn"),
    Case("preliminary, and no more", ("registered", "at_lab", "not_found"), ("list", "P negative", ""), "not_found", days=LATE),
    Case("a negative pool lacks a person", ("registered", "at_lab"), ("list", "F negative"), "", missing=1),
    # While the own test is waited for.
    Case("the own test is negative and the mates' are open", ("own_test_needed", "at_lab", "ready"),
         ("F positive, list", "own F negative", "mate F positive"), "own_test result"),
    Case("all are negative alone: a question", ("own_test_needed", "at_lab"), ("F positive, list", "own F negative, mate F negative"), "own_test"),
    Case("the own test is unclear", ("own_test_needed", "come_again"), ("F positive, list", "own F inconclusive"), "own_test come_again"),
    Case("the own test was somebody else's", ("own_test_needed", "withdrawn"), ("F positive, list", "own W"), "own_test withdrawn"),
    Case("the own test never comes", ("own_test_needed", "own_test_needed", "not_found"), ("F positive, list", "", ""), "own_test not_found",
         days=LATE),
    Case("a preliminary own test says nothing", ("own_test_needed", "own_test_needed"), ("F positive, list", "own P positive"), "own_test"),
    # After a result.
    Case("another result that nobody calls a correction", ("ready", "at_lab"), ("F negative, list", "F positive"), "result"),
    Case("the pool is corrected to positive", ("ready", "own_test_needed", "ready"), ("F negative, list", "C positive", "own F positive"),
         "result own_test correction"),
    Case("the pool is corrected to positive and nothing was kept", ("ready", "come_again"), ("F negative, list", "C positive"),
         "result come_again", mode="field"),
    Case("the result is withdrawn", ("ready", "withdrawn", "withdrawn"), ("F negative, list", "W", "P negative"), "result withdrawn"),
    Case("corrected to invalid, when the limit is over", ("ready", "ready", "not_found"), ("F negative, list", "", "C invalid"),
         "result not_found", days=LATE),
    Case("the own result is corrected", ("ready", "ready"), ("F positive, own F positive, mate F positive, list", "own C negative"),
         "result correction"),
    Case("a preliminary row after the result", ("ready", "ready"), ("F negative, list", "P positive"), "result"),
    # After a call-back.
    Case("called back, then another result", ("come_again", "at_lab"), ("F rejected, list", "F negative"), "come_again"),
    Case("called back, then corrected to positive", ("come_again", "own_test_needed"), ("F rejected, list", "C positive"), "come_again own_test"),
    Case("called back, then corrected to negative", ("come_again", "ready"), ("F rejected, list", "C negative"), "come_again result"),
    Case("called back, then withdrawn", ("come_again", "withdrawn"), ("F rejected, list", "X"), "come_again withdrawn"),
    Case("called back, corrected to invalid when the limit is over", ("come_again", "come_again", "not_found"),
         ("F rejected, list", "", "C invalid"), "come_again not_found", days=LATE),
    # After a withdrawal.
    Case("withdrawn, then tested again", ("withdrawn", "at_lab"), ("W, list", "F negative"), "withdrawn"),
    Case("withdrawn, then corrected to positive", ("withdrawn", "own_test_needed"), ("W, list", "C positive"), "withdrawn own_test"),
    Case("withdrawn, then corrected", ("ready", "withdrawn", "ready"), ("F negative, list", "W", "C negative"), "result withdrawn correction"),
    Case("withdrawn, then leaking", ("withdrawn", "come_again"), ("W, list", "C rejected"), "withdrawn come_again"),
    Case("withdrawn, corrected to invalid when the limit is over", ("withdrawn", "withdrawn", "not_found"), ("W, list", "", "C invalid"),
         "withdrawn not_found", days=LATE),
    # After the limit.
    Case("found all the same", ("not_found", "ready"), ("list", "F negative"), "not_found result", days=11),
    Case("found, and lacking a person", ("not_found", "at_lab"), ("list", "F negative"), "not_found", days=11, missing=1),
    Case("found, and leaking", ("not_found", "come_again"), ("list", "F rejected"), "not_found come_again", days=11),
    Case("found, and somebody else's", ("not_found", "withdrawn"), ("list", "W"), "not_found withdrawn", days=11),
    Case("too late for a test of one's own", ("not_found", "not_found"), ("list", "F positive"), "not_found", days=11),
    Case("lost, and another team says that it is theirs", ("not_found", "registered"), ("list", "another team's list"), "not_found", days=11),
]  # fmt: skip
NOTHING = ""
WALKED = {step for case in CASES for step in pairwise((NOTHING, *case.path)) if step[0] != step[1]} | {("ready", "ready")}
# No path leads from one to the other: the lab does not give a tube back to the road, and after the limit nobody is tested alone.
IMPOSSIBLE = {(state, "registered") for state in STATES if state not in ("registered", "not_found")} | {("not_found", "own_test_needed")}


def test_P01_every_transition_is_walked_or_impossible() -> None:
    both = {(one, other) for one, other in product((NOTHING, *STATES), STATES) if one != other} | {("ready", "ready")}
    assert both == WALKED | IMPOSSIBLE and not WALKED & IMPOSSIBLE


def test_P01_every_transition_is_read_and_told(asked: Asking, record_property: Callable[[str, int], None]) -> None:
    """All cases side by side, each in a tube of its own. In each round everybody asks: before it, and when it is done."""
    tubes = [_tube(case, number) for number, case in enumerate(CASES)]
    watched = [_key(tube) for tube in tubes]
    for number in range(max(len(case.path) for case in CASES)):
        for case, tube in zip(CASES, tubes, strict=True):
            for what in filter(None, case.rounds[number].split(", ") if number < len(case.rounds) else ()):
                _happens(asked, tube, what, number)
        everything_runs(asked)
        read = {case.name: state_of(asked.now[key]) for case, key in zip(CASES, watched, strict=True) if number < len(case.path)}
        assert read == {case.name: case.path[number] for case in CASES if number < len(case.path)}
        asked.clock.wait(days=1.5)
    told = {case.name: " ".join(asked.accepted[key]) for case, key in zip(CASES, watched, strict=True)}
    assert told == {case.name: case.told for case in CASES}
    record_property("state_transitions", len(WALKED))


def _tube(case: Case, number: int) -> Tube:
    members = people(2 * number, 2)
    taken = (START - timedelta(days=case.days) - 10 * HOUR).replace(tzinfo=None)
    return Tube(f"CASE{number:02}", taken, case.mode, "TEAM1", members, str(len(members) + case.missing))


def _key(tube: Tube, member: int = 0) -> SpecimenKey:
    return tube.code, tube.taken.date(), tube.members[member].name


def _happens(asked: Asking, tube: Tube, what: str, number: int) -> None:
    """'list', or a row of the lab: '[own|mate ]STATUS[ call]'. A final row of a later round is a later test; any other is about the first."""
    if what == "list":
        asked.lists(tube)
    elif what == "another team's list":
        asked.lists(replace(tube, team="TEAM2", members=people(900, 2)))
    else:
        *about, status, call = [*what.split(), ""] if what[-1] in WITHDRAWN else what.split()
        code = tube.own(tube.members[about == ["mate"]]) if about else tube.code
        # No test can be a week younger than its swab.
        later = min(asked.clock.as_of, tube.taken + 6 * DAY)
        asked.lab_says(code, status, call, later if number and status == "F" else tube.taken + 4 * HOUR)


def test_P01_who_is_called_back_reads_so_while_the_new_swab_goes_its_own_way(asked: Asking) -> None:
    tube = Tube("OLD1", START.replace(tzinfo=None) - 10 * HOUR, "field", "TEAM1", people(0, 2), "2")
    new = Tube("NEW1", tube.taken + DAY, "field", "TEAM1", tube.members[:1], "1")
    asked.lists(tube)
    asked.lab_says("OLD1", "F", "positive", tube.taken + 4 * HOUR)
    everything_runs(asked)
    asked.clock.wait(days=1)
    asked.lists(new, replaces="OLD1")
    everything_runs(asked)
    asked.lab_says("NEW1", "F", "positive", new.taken + 4 * HOUR)
    everything_runs(asked)
    assert (asked.paths[_key(tube)], asked.paths[_key(new)]) == (["come_again"], ["registered", "ready detected"])
    assert (asked.accepted[_key(tube)], asked.accepted[_key(new)]) == (["come_again"], ["result"])


# With the second list of a label the lab's row is about the later swab (domain.md section 3): of the earlier one there is no row any more.
@pytest.mark.parametrize("again", ["the same people", "others"])
def test_P01_a_label_used_again_takes_back_what_was_read_of_the_earlier_swab(asked: Asking, again: str) -> None:
    says = {"at_lab": ("P", "negative"), "own_test_needed": ("F", "positive"), "ready": ("F", "negative"), "come_again": ("F", "rejected"),
            "withdrawn": ("W", "")}  # fmt: skip
    taken = START.replace(tzinfo=None) - 34 * HOUR
    earlier = {state: Tube(f"TWICE{n}", taken, "lab", "TEAM1", people(4 * n, 2), "2") for n, state in enumerate(says)}
    for state, tube in earlier.items():
        asked.lists(tube)
        asked.lab_says(tube.code, *says[state], tube.taken + 30 * HOUR)
    everything_runs(asked)
    told = {key: list(texts) for key, texts in asked.accepted.items()}
    for n, tube in enumerate(earlier.values()):
        asked.lists(replace(tube, taken=taken + DAY, members=tube.members if again == "the same people" else people(4 * n + 2, 2)))
    everything_runs(asked)
    paths = {state: [state_of(read) for read in asked.paths[_key(tube)]] for state, tube in earlier.items()}
    assert paths == {state: [state, "registered"] for state in says}
    assert {key: asked.accepted[key] for key in told} == told


def everything_runs(asked: Asking) -> None:
    """All stages, and everybody asks before and after."""
    asked.assert_read()
    for stage in (asked.intake, asked.decide, asked.notify):
        stage()
    asked.assert_read()


def test_P01_a_message_that_waited_is_not_sent_while_the_page_says_otherwise(asked: Asking) -> None:
    """Sending waits, as in quiet hours. Meanwhile the lab contradicts itself, and nobody may read the result that is ready by the message."""
    tube = Tube("TUBE1", START.replace(tzinfo=None) - 10 * HOUR, "lab", "TEAM1", people(0, 2), "2")
    asked.lists(tube)
    for number, (row, read) in enumerate(
        (("F negative", "ready not_detected"), ("F positive", "at_lab"), ("C negative", "ready not_detected"))
    ):
        _happens(asked, tube, row, number)
        asked.intake()
        asked.decide()
        asked.assert_read()
        assert asked.now[_key(tube)] == read
        if number:
            asked.notify()
        asked.clock.wait(hours=1)
    assert asked.accepted[_key(tube)] == ["result"], "and when it is true again, it goes"


@dataclass
class Met:
    """What was walked over all examples."""

    paths: set[tuple[str, ...]] = field(default_factory=set)

    @property
    def steps(self) -> set[tuple[str, str]]:
        return {step for path in self.paths for step in pairwise((NOTHING, *(state_of(read) for read in path)))}


KINDS = st.tuples(st.sampled_from(("lab", "field", "double")), st.integers(2, 3), st.sampled_from((0, 0, 0, 1)))
STATUSES = st.sampled_from(("F",) * 5 + ("C", "C", "P", "W", "X"))
CALLS = st.sampled_from(("negative", "positive") * 3 + ("inconclusive", "invalid", "rejected"))


class Town(RuleBasedStateMachine):
    """What happens to the people of a few tubes. Files wait until the stages run, so that several facts come at once, in any order."""

    def __init__(self, server: Server, template: str, met: Met) -> None:
        super().__init__()
        self.met = met
        self.stack = ExitStack()
        self.asked = self.stack.enter_context(asking(server, template))
        self.tubes: list[Tube] = []
        self.unlisted: list[Tube] = []
        self.tested: dict[str, datetime] = {}
        self.final: set[str] = set()
        self.is_news = False
        self.steps = 0

    @initialize(kinds=st.lists(KINDS, min_size=4, max_size=4), listed=st.integers(0, 4))
    def swabs_are_taken(self, kinds: list[tuple[str, int, int]], listed: int) -> None:
        taken = START.replace(tzinfo=None) - 10 * HOUR
        for number, (mode, count, missing) in enumerate(kinds):
            self.tubes.append(Tube(f"TUBE{number}", taken, mode, "TEAM1", people(3 * number, count), str(count + missing)))
        self.unlisted = self.tubes[listed:]
        for tube in self.tubes[:listed]:
            self.asked.lists(tube)

    @precondition(lambda self: self.unlisted)
    @rule(data=st.data())
    def the_list_comes(self, data: st.DataObject) -> None:
        tube = data.draw(st.sampled_from(self.unlisted))
        self.unlisted.remove(tube)
        self.asked.lists(tube)
        self.is_news = True

    @rule(data=st.data(), rows=st.integers(2, 8), at_once=st.booleans())
    def the_lab_says(self, data: st.DataObject, rows: int, at_once: bool) -> None:
        """Of tubes and kept specimens. A final row is of a new test, but where the lab contradicts itself."""
        for _ in range(rows):
            tube = data.draw(st.sampled_from(self.tubes))
            code = data.draw(st.sampled_from([tube.code] * 2 + _kept(tube)))
            status = data.draw(STATUSES)
            call = "" if status in WITHDRAWN else data.draw(CALLS)
            is_new_test = status == "F" and data.draw(st.sampled_from((True, True, False)))
            tested = self._tested(tube, code, later=is_new_test * HOUR)
            if status in FINAL:
                self.tested[code] = tested
                self.final.add(code)
            self.asked.lab_says(code, status, call, tested)
        self.is_news = True
        if at_once:
            self._run()

    def _tested(self, tube: Tube, code: str, later: timedelta = timedelta(0)) -> datetime:
        """The moment of the last test, or so much later: not in the future, and soon enough after the swab to be of it."""
        return min(self.asked.clock.as_of, tube.taken + 6 * DAY, self.tested.get(code, tube.taken + 3 * HOUR) + later)

    @precondition(lambda self: self.asked.now)
    @rule(data=st.data())
    def the_lab_says_what_it_thinks_so_far(self, data: st.DataObject) -> None:
        """Preliminary rows, of everything: what is read stays, but that the lab has what was on its way, and nobody is told."""
        if self.is_news:
            self._run()
        asked = self.asked
        read, messages = {key: asked.read(key) for key in asked.now}, len(asked.twilio.kept)
        listed = [tube for tube in self.tubes if tube not in self.unlisted]
        for tube in listed:
            for code in [tube.code, *_kept(tube)]:
                call = data.draw(st.sampled_from(("negative", "positive")))
                asked.lab_says(code, "P", call, self._tested(tube, code))
        self._run()
        after = {key: asked.read(key) for key in read}
        assert after == {key: "at_lab" if said == "registered" else said for key, said in read.items()}
        assert len(asked.twilio.kept) == messages

    @precondition(lambda self: self._called_back())
    @rule(data=st.data())
    def a_new_swab_is_taken(self, data: st.DataObject) -> None:
        old, person = data.draw(st.sampled_from(self._called_back()))
        # In the minute before now: whoever is tested has been swabbed.
        tube = Tube(f"NEW{len(self.tubes)}", self.asked.clock.as_of.replace(second=0), "field", "TEAM1", (person,), "1")
        self.tubes.append(tube)
        self.asked.lists(tube, replaces=old.code)
        self.is_news = True

    def _called_back(self) -> list[tuple[Tube, Person]]:
        return [
            (tube, person)
            for tube in self.tubes
            for number, person in enumerate(tube.members)
            if self.asked.now.get(_key(tube, number)) == "come_again"
        ]

    @precondition(lambda self: len(self.unlisted) < len(self.tubes))
    @rule(data=st.data())
    def another_team_lists_the_tube(self, data: st.DataObject) -> None:
        tube = data.draw(st.sampled_from([tube for tube in self.tubes if tube not in self.unlisted]))
        self.asked.lists(replace(tube, team="TEAM2", members=people(900 + 2 * self.tubes.index(tube), 1)))
        self.is_news = True

    @rule(hours=st.sampled_from((1, 13, 50, 130)))
    def time_passes(self, hours: int) -> None:
        self.asked.clock.wait(hours=hours)
        self.is_news = True

    @precondition(lambda self: self.is_news)
    @rule(times=st.sampled_from((1, 1, 2)), telling=st.sampled_from((True, True, False)))
    def the_stages_run(self, times: int, telling: bool) -> None:
        self._run(times, telling=telling)

    @precondition(lambda self: self.asked.world.shown)
    @rule(data=st.data())
    def people_decide_about_a_held_tube(self, data: st.DataObject) -> None:
        def pick(asked: list[tuple[str, Choice]]) -> tuple[str, Choice]:
            return data.draw(st.sampled_from(asked))

        self.asked.sign(pick)
        self.is_news = True

    def _run(self, times: int = 1, *, telling: bool = True) -> None:
        """All that changes what is read; a stage that runs again right away changes nothing. Then everybody asks. Without telling, as in
        quiet hours, messages wait, and what they call to may be taken back meanwhile."""
        for stage in (self.asked.intake, self.asked.decide, *[self.asked.notify] * telling):
            for _ in range(times):
                stage()
        self.is_news = not telling
        self._ask(*self.asked.now)
        assert self._steps() <= WALKED, "a transition that the table has not"

    @invariant()
    def somebody_asks(self) -> None:
        """Between all that happens, one after the other."""
        self.steps += 1
        if known := list(self.asked.now):
            self._ask(known[self.steps % len(known)])

    def _ask(self, *keys: SpecimenKey) -> None:
        """Whatever the rules say: before the lab said anything final of the tube or the own specimen, nobody is told of a test's outcome."""
        self.asked.assert_read(*keys)
        codes = {_key(tube, number): {tube.code, tube.own(person)} for tube in self.tubes for number, person in enumerate(tube.members)}
        for key in keys:
            if not self.final & codes.get(key, {key[0]}):
                assert state_of(self.asked.now[key]) not in ("ready", "own_test_needed")
                assert not {"result", "correction", "own_test"} & set(self.asked.accepted[key])

    def _steps(self) -> set[tuple[str, str]]:
        return Met({tuple(path) for path in self.asked.paths.values()}).steps

    def teardown(self) -> None:
        """Nothing is left lying, and then the people are gone."""
        with self.stack:
            if self.is_news:
                self._run()
            self.met.paths |= {tuple(path) for path in self.asked.paths.values()}


def _kept(tube: Tube) -> list[str]:
    return [code for person in tube.members if (code := tube.own(person))]


@pytest.mark.lengthy
def test_P01_on_every_path_the_page_and_the_messages_say_what_the_rules_say(
    embedded: Server, ledger_template: str, record_property: Callable[[str, int], None]
) -> None:
    met = Met()
    run_state_machine_as_test(
        lambda: Town(embedded, ledger_template, met),
        settings=settings(
            # Some forty seconds. What fails is said step by step: to shrink it would take a quarter of an hour.
            max_examples=10,
            stateful_step_count=25,
            phases=[Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert met.paths and met.steps <= WALKED
    record_property("state_paths", len(met.paths))
