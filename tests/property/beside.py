"""Thousands of small worlds beside each other in one warehouse: each must come to what the rules say of it alone, and tell what they say.

A world is a few facts and the batches in which they come. Its codes and people get its number, so that none meets another; all first
batches are decided together, then all second ones, and so on. That is quick enough to try every world of a kind, and millions of people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from tests.facts import Fact, Member, Result, Slot, Store
from tests.faults.sim.model import PURPOSES
from tests.property.by_model import by_model, day
from tests.property.reference_model import SpecimenKey

# Between a code and its world's number; no code of a fact has it.
MARK = "Z"
World = tuple[tuple[Fact, ...], ...]


@dataclass(frozen=True)
class Came:
    """What a world came to. callback: specimen → whether the item is done."""

    outcomes: dict[SpecimenKey, str] = field(default_factory=dict)
    holds: set[tuple[str, str]] = field(default_factory=set)
    worklist: set[SpecimenKey] = field(default_factory=set)
    callback: dict[SpecimenKey, bool] = field(default_factory=dict)


@cache
def ruled(facts: frozenset[Fact], hours: float) -> Came:
    """By the reference. Many orders pass through the same facts, which are asked once."""
    said = by_model(facts, hours)
    return Came(said.outcomes, {(reason, subject.split()[0]) for reason, subject in said.holds}, said.worklist, said.callback)


def apart(fact: Fact, world: int) -> Fact:
    """The same fact, of the world of that number."""
    own = f"{MARK}{world}"
    match fact:
        case Member():
            codes = {name: code and code + own for name, code in (("own", fact.own), ("replaces", fact.replaces))}
            return replace(fact, tube=fact.tube + own, person=fact.person + own, **codes)
        case Result():
            return replace(fact, code=fact.code + own)
        case Slot():
            return replace(fact, tube=fact.tube + own)


@dataclass
class Beside:
    """Worlds with one warehouse for all. bindings: of how many specimens the last word was held against the reference."""

    store: Store
    worlds: Sequence[World]
    told: dict[tuple[int, SpecimenKey], str] = field(default_factory=dict)
    bindings: int = 0

    def play(self, hours: Sequence[float]) -> Iterator[str]:
        """A sentence for each difference, after each batch. hours: when the batches are decided, none before the one before it."""
        for step, at in enumerate(hours):
            self.store.add(apart(fact, number) for number, world in enumerate(self.worlds) for fact in world[step])
            self.store.decide(at)
            came, messages = self._came(), self._messages()
            self.bindings = len(self.store.people)
            for number, world in enumerate(self.worlds):
                expected = ruled(frozenset(fact for batch in world[: step + 1] for fact in batch), at)
                if came[number] != expected:
                    yield f"world {number} {world}, batch {step}: came to {came[number]}, expected {expected}"
                if messages[number] != (due := self._due(number, expected)):
                    yield f"world {number} {world}, batch {step}: told {messages[number]}, expected {due}"

    def _due(self, number: int, expected: Came) -> dict[SpecimenKey, str]:
        """Whoever's outcome is new is told it; what was told last is not told again."""
        due = {}
        for key, outcome in expected.outcomes.items():
            if outcome in PURPOSES and self.told.get((number, key)) != outcome:
                self.told[number, key] = outcome
                due[key] = PURPOSES[outcome]
        return due

    def _came(self) -> dict[int, Came]:
        came: dict[int, Came] = defaultdict(Came)
        for specimen, outcome in self._rows("SELECT CAST(specimen_id AS VARCHAR), outcome FROM outcome"):
            number, key = self._name(specimen)
            came[number].outcomes[key] = outcome
        for reason, subject in self._rows("SELECT reason, subject FROM hold WHERE closed_at IS NULL"):
            code, number = subject.rsplit(MARK, 1)
            came[int(number)].holds.add((reason, code))
        items = "SELECT list, CAST(subject_id AS VARCHAR), state FROM list_item WHERE state <> 'cancelled' AND list <> 'repeat'"
        for name, specimen, state in self._rows(items):
            number, key = self._name(specimen)
            if name == "worklist":
                came[number].worklist.add(key)
            else:
                came[number].callback[key] = state == "done"
        return came

    def _messages(self) -> dict[int, dict[SpecimenKey, str]]:
        """What the last batch has to tell."""
        messages: dict[int, dict[SpecimenKey, str]] = defaultdict(dict)
        for specimen, purpose in self._rows("SELECT CAST(specimen_id AS VARCHAR), purpose FROM publish WHERE purpose IS NOT NULL"):
            number, key = self._name(specimen)
            assert key not in messages[number], "told twice in one batch"
            messages[number][key] = purpose
        return messages

    def _name(self, specimen: str) -> tuple[int, SpecimenKey]:
        person, tube, on = self.store.people[specimen]
        code, number = tube.rsplit(MARK, 1)
        return int(number), (code, day(on), person.rsplit(MARK, 1)[0])

    def _rows(self, query: str) -> list[tuple[str, ...]]:
        return self.store.warehouse.connection.execute(query).fetchall()
