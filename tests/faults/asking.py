"""People who ask at the result page at any moment, and what they should read there: a house on a virtual clock beside a model.

The house is the simulator's (tests/faults/sim), with two differences: its ledger is a PostgreSQL, which the page needs, and its Twilio is
calm. The page is the product's own application. What should be read is said by `World` (whose outcome is what) and by domain.md section 4
(what is read for an outcome), written down here once more.
"""

from __future__ import annotations

import re
import types
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from sqlalchemy import text
from starlette.testclient import TestClient

from pipeline.delivery.link import links
from pipeline.domain.messages import render
from pipeline.domain.words import Choice, FileKind
from pipeline.ledger import holds, journal, receipts, signed_holds
from pipeline.ledger.engine import open_ledger
from pipeline.ledger.server import Server
from pipeline.stages.answer import answer, choices, is_of_tube
from pipeline.stages.decide import decide
from pipeline.stages.house import House
from pipeline.stages.intake import intake
from pipeline.stages.lists import identities
from pipeline.stages.notify_due import notify_due
from pipeline.stages.receive import receive
from pipeline.vault.tokens import token
from pipeline.web.result import serve
from tests.faults.sim.installation import installation, quick
from tests.faults.sim.model import PURPOSES, UNTOLD, World
from tests.faults.sim.people import PHONES, Person
from tests.faults.sim.plan import MANIFEST, RESULTS, File, Row, Tube
from tests.faults.sim.twilio import Twilio
from tests.faults.sim.world import LOCAL, Clock
from tests.homes import admin, new_database
from tests.property.reference_model import Decision, SpecimenKey

START = datetime(2026, 11, 20, 18, tzinfo=LOCAL)
TOLD_WITHIN = timedelta(days=14)
HOUR = timedelta(hours=1)
# What each state and result is headed by, in English: written here and not read from the page's texts.
HEADINGS = {
    "You are registered": "registered",
    "Your swab is at the laboratory": "at_lab",
    "You need a test of your own": "own_test_needed",
    "Detected": "ready detected",
    "Not detected": "ready not_detected",
    "Please come again": "come_again",
    "Your result was withdrawn": "withdrawn",
    "Your swab was not found": "not_found",
}
# In words, on every page that shows no result.
NOT_READY = {
    "registered": "on its way to the laboratory",
    "at_lab": "not finished yet",
    "own_test_needed": "You have no result yet",
    "come_again": "You have no result",
    "withdrawn": "does not hold any more",
    "not_found": "no result of this swab",
}
RESULT_WORDS = re.compile(r"\bdetected\b|positive|negative|found what it looks for|did not find", re.IGNORECASE)
REPLACES = "This result replaces the one that you read before."
STATES = {
    "retest": "own_test_needed", "detected": "ready detected", "not_detected": "ready not_detected", "recollect": "come_again",
    "withdrawn": "withdrawn", "lost": "not_found",
}  # fmt: skip
# What a message calls its person to.
CALLED_TO = {
    "result": "ready", "correction": "ready", "own_test": "own_test_needed", "come_again": "come_again", "withdrawn": "withdrawn",
    "not_found": "not_found",
}  # fmt: skip
# Nobody's asking changes these, whatever is asked how often.
MESSAGES = ("message", "message_event", "hold", "silence", "card")


def state_of(read: str) -> str:
    """'ready detected' → 'ready'."""
    return read.partition(" ")[0]


@dataclass
class Asking:
    """`files`: all that was sent, by hash; `taken` and `decided`: receipts and batches that the model has; `said`: what people signed since.

    By what the reference calls a specimen: `specimens` its id, `now` what should be read, `paths` all that should have been, `accepted` which
    messages Twilio should have taken, `handled` how many of its tellings were sent or are too old.
    """

    house: House
    clock: Clock
    twilio: Twilio
    desk: Path
    world: World = field(default_factory=World)
    files: dict[str, File] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)
    decided: set[int] = field(default_factory=set)
    said: dict[tuple[str, str], str] = field(default_factory=dict)
    specimens: dict[SpecimenKey, str] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    now: dict[SpecimenKey, str] = field(default_factory=dict)
    accepted: dict[SpecimenKey, list[str]] = field(default_factory=lambda: defaultdict(list))
    handled: dict[SpecimenKey, int] = field(default_factory=lambda: defaultdict(int))
    paths: dict[SpecimenKey, list[str]] = field(default_factory=lambda: defaultdict(list))

    @cached_property
    def client(self) -> TestClient:
        return TestClient(serve.page_of(self.house), base_url=self.house.settings.result_url, headers={"Accept-Language": "en"})

    @cached_property
    def link_of(self) -> Callable[[str], str]:
        key = self.house.keys.derive("token")
        return links(self.house.settings.result_url, lambda specimen: token(key, specimen))

    def lists(self, tube: Tube, *, team: str = "", replaces: str = "") -> None:
        """The team's manifest of one tube."""
        self.people |= {person.name: person for person in tube.members}
        rows = [
            Row(
                person.cells
                | {"tube_code": tube.code, "collected_at": f"{tube.taken:%Y-%m-%d %H:%M}", "pool_size": tube.declared}
                | {"specimen_code": tube.own(person), "replaces_tube": replaces, "pooling_mode": tube.mode}
            )
            for person in tube.members
        ]
        self.send(FileKind.MANIFEST, team or tube.team, rows, MANIFEST)

    def lab_says(self, code: str, status: str, call: str, tested: datetime) -> None:
        """One row of the lab, told now. `call` is '' for a withdrawal."""
        cells = {
            "tube_code": code, "result": call, "status": status, "tested_at": f"{tested:%Y-%m-%d %H:%M}",
            "resulted_at": f"{self.clock.now:%Y-%m-%d %H:%M}", "collected_at": "",
            "reject_reason": "leaked" if call == "rejected" else "", "ct": "",
        }  # fmt: skip
        self.send(FileKind.RESULTS, "LAB1", [Row(cells)], RESULTS)

    def send(self, kind: FileKind, sender: str, rows: list[Row], columns: tuple[str, ...]) -> None:
        file = File(f"file_{len(self.files)}.csv", sender, kind, tuple(rows), columns)
        self.files[sha256(file.data).hexdigest()] = file
        path = self.desk / file.name
        path.write_bytes(file.data)
        receive(self.house.home, [path], sender, None)

    def intake(self) -> None:
        intake(self.house, self.clock.now)
        with self.house.ledger.begin() as conn:
            arrived = [one for one in receipts.listing(conn) if one.receipt_no not in self.taken]
        for one in sorted(arrived, key=lambda one: one.receipt_no):
            self.taken.add(one.receipt_no)
            counts = self.world.take(one.receipt_no, one.sender, self.files[one.sha256], self.clock.as_of)
            found = {name: getattr(one, f"rows_{name}") for name in vars(counts)}
            _assert_same(f"rows of {self.files[one.sha256]}", found, vars(counts))

    def decide(self) -> None:
        decide(self.house, self.clock.now)
        with self.house.ledger.begin() as conn:
            is_new = {batch.batch_no for batch in journal.all_done(conn) if batch.kind == "decide"} - self.decided
        if not is_new:
            return
        self.decided |= is_new
        self._should_be_read(self.world.decide(self.clock.as_of, self.said))
        self.said = {}

    def _should_be_read(self, decision: Decision) -> None:
        for key, outcome in decision.outcomes.items():
            waits = "at_lab" if key in decision.seen else "registered"
            read = waits if outcome in UNTOLD else STATES[outcome]
            if self.now.get(key) != read:
                self.paths[key].append(read)
            self.now[key] = read
        if unknown := self.now.keys() - self.specimens.keys():
            self._learn(unknown)

    def _learn(self, unknown: set[SpecimenKey]) -> None:
        with self.house.warehouse(spill=True) as warehouse:
            ask = "SELECT tube_code, collected_on, CAST(specimen_id AS VARCHAR), batch.vault_day, batch_no FROM membership JOIN batch USING (batch_no)"
            rows = warehouse.connection.execute(ask).fetchall()
        known = identities(self.house, [(day, batch, specimen) for *_, specimen, day, batch in rows], ("full_name",))
        self.specimens |= {(code, day, known[specimen]["full_name"]): specimen for code, day, specimen, _, _ in rows}
        assert unknown <= self.specimens.keys()

    def notify(self) -> None:
        before = len(self.twilio.kept)
        notify_due(self.house, self.clock.now)
        self._should_be_told()
        self.assert_told()
        for message in self.twilio.kept[before:]:
            self._assert_agrees(message.body)

    def _should_be_told(self) -> None:
        """The newest word to each, unless it is too old. A word that the page does not say any more waits until it says it again."""
        for key, told in self.world.told.items():
            purpose = PURPOSES[told[-1]]
            if self.handled[key] == len(told) or state_of(self.now[key]) != CALLED_TO[purpose]:
                continue
            self.handled[key] = len(told)
            taken = self.world.manifest[key][0].collected_at
            if taken < self.clock.as_of - TOLD_WITHIN:
                continue
            is_again = purpose == "result" and {"result", "correction"} & set(self.accepted[key])
            self.accepted[key].append("correction" if is_again else purpose)

    def sign(self, pick: Callable[[list[tuple[str, Choice]]], tuple[str, Choice]]) -> None:
        """As many people as it takes decide about a tube that is held, if any is; the next `decide` carries it out."""
        with self.house.ledger.begin() as conn:
            asked = {one.hold_id: one for one in holds.open_holds(conn) if is_of_tube(one.reason) and not signed_holds.is_signed(conn, one)}
        if not asked:
            return
        about, choice = pick([(hold, choice) for hold in sorted(asked) for choice in choices(asked[hold].reason)])
        for who in ("lan", "minh")[: choice.people]:
            answer(self.house, about, choice, who=who, why="looked at it", now=self.clock.now)
        reason, subject = str(asked[about].reason), asked[about].subject
        (hold,) = [one for one in self.world.shown if one[0] == reason and one[1].split()[0] == subject]
        self.said[hold] = str(choice)

    def read(self, key: SpecimenKey) -> str:
        """What the person reads now, after the right birth date."""
        born = date.fromisoformat(self.people[key[2]].cells["birth_date"])
        page = self.client.post(self._link(key), data={"day": born.day, "month": born.month, "year": born.year})
        assert page.status_code == 200
        return self._words(key, page.text)

    def _link(self, key: SpecimenKey) -> str:
        return self.link_of(self.specimens[key])

    def _words(self, key: SpecimenKey, page: str) -> str:
        heading = re.search(r"<h1>(.+)</h1>", page)
        assert heading
        read = HEADINGS[heading[1]]
        state = state_of(read)
        if state != "ready":
            assert NOT_READY[state] in page, f"{key} is not told in words that nothing is ready"
            assert not RESULT_WORDS.search(page), f"{key} reads a result word though the page is headed {heading[1]}"
        results = [one for one in self.world.told[key] if PURPOSES[one] == "result"] if key in self.world.told else []
        assert (REPLACES in page) == (state == "ready" and len(results) > 1), (
            f"{key}, told {results}, reads of a replaced result or does not"
        )
        return read

    def assert_read(self, *keys: SpecimenKey) -> None:
        """Each of them (all, where none are named) reads what it should, and asking changes nothing but that pages were opened; a robot that
        follows the links changes not even that."""
        asking = keys or tuple(self.now)
        before, opened = self._print(*MESSAGES), self._print("opening")
        for key in asking:
            self.client.cookies.clear()
            page = self.client.get(self._link(key))
            assert page.status_code == 200 and not RESULT_WORDS.search(page.text), "the page before the birth date says something"
        assert self._print("opening") == opened, "a robot opened a page"
        _assert_same("what is read", {key: self.read(key) for key in asking}, {key: self.now[key] for key in asking})
        assert self._print(*MESSAGES) == before, "asking changed something"

    def assert_told(self) -> None:
        """What Twilio took for each link, in order, is what its person should have been told, to the number that the manifest gave."""
        of_link = {self.link_of(specimen): key for key, specimen in self.specimens.items()}
        found: dict[SpecimenKey, list[tuple[str, str]]] = defaultdict(list)
        for message in self.twilio.kept:
            found[of_link[message.body.rsplit(" ", 1)[1]]].append((message.to, message.body))
        expected = {
            key: [(PHONES[self.people[key[2]].phone], self._body(key, purpose)) for purpose in told]
            for key, told in self.accepted.items()
            if told
        }
        _assert_same("what was sent", found, expected)

    def _body(self, key: SpecimenKey, purpose: str) -> str:
        programme = self.house.programme
        return render(programme.texts[purpose], programme=programme.sms_name, link=self._link(key))

    def _assert_agrees(self, body: str) -> None:
        """Who follows the link of a message that was sent just now reads what it calls to."""
        (key,) = [key for key, specimen in self.specimens.items() if body.endswith(self.link_of(specimen))]
        read = state_of(self.read(key))
        calls_to = {CALLED_TO[purpose] for purpose in CALLED_TO if body == self._body(key, purpose)}
        assert calls_to == {read}, f"{key} was sent '{body}' and reads {read}"

    def _print(self, *tables: str) -> list[str | None]:
        with self.house.ledger.begin() as conn:
            return [conn.scalar(text(f"SELECT md5(string_agg(one::text, '|' ORDER BY one::text)) FROM {table} AS one")) for table in tables]


def _assert_same(what: str, found: Mapping[Any, object], expected: Mapping[Any, object]) -> None:
    """Names what differs: the dictionaries are long."""
    differs = {key: (found.get(key), expected.get(key)) for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)}
    assert not differs, f"{what}: (found, expected) {differs}"


@contextmanager
def asking(server: Server, template: str) -> Iterator[Asking]:
    """A house of its own with its people, gone at the end."""
    clock = Clock(START, latest=START)
    twilio = Twilio(Random(1), clock, 0.0, lambda *_: None, lambda _: None, is_calm=True)
    name = new_database(server, template)
    with ExitStack() as stack:
        stack.callback(admin, server, f"DROP DATABASE {name} WITH (FORCE)")
        house = stack.enter_context(installation(open_ledger(server.url_for(name))))
        stack.enter_context(quick(clock, Random(1), twilio))
        # The page's clock is the machine's.
        stack.enter_context(patch.object(serve, "datetime", types.SimpleNamespace(now=lambda zone: clock.now.astimezone(zone))))
        desk = house.settings.home.parent / "desk"
        desk.mkdir()
        yield Asking(house, clock, twilio, desk)
