"""Small worlds: all of a kind, or as many as one likes from a seed. Facts as tests/facts.py has them, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, permutations, product
from random import Random

from tests.facts import Fact, Member, Result, Slot
from tests.property.beside import World

PEOPLE, POOLS = ("a", "b", "c", "d"), ("T0", "T1", "T2")
# What a lab says of a pool, '' where it says nothing.
WORDS = ("", "detected", "not_detected", "inconclusive", "invalid", "rejected")
CALLS = ("detected", "detected", "not_detected", "not_detected", "inconclusive", "invalid", "rejected")
Event = tuple[Fact, ...]


def own_code(tube: str, person: str, day: int = 0) -> str:
    return f"K{tube}{person.upper()}{day}"


def pool(tube: str, people: str, *, kept: bool = False, **more: object) -> Event:
    """One tube as its team lists it."""
    return tuple(Member(tube, one, own=own_code(tube, one) if kept else None, **more) for one in people)  # type: ignore[arg-type]


def pools_of_few() -> Iterator[tuple[tuple[int, ...], tuple[str, ...]]]:
    """Every way of up to four people in up to three pools, each with every word of the lab. (People's pools as bits, words.)

    Of those that differ only in what people and pools are called there is one.
    """
    for size in range(len(PEOPLE) + 1):
        for masks in combinations_with_replacement(range(1, 2 ** len(POOLS)), size):
            for words in product(WORDS, repeat=len(POOLS)):
                if (masks, words) == min(_renamed(masks, words)):
                    yield masks, words


def _renamed(masks: tuple[int, ...], words: tuple[str, ...]) -> Iterator[tuple[tuple[int, ...], tuple[str, ...]]]:
    for order in permutations(range(len(POOLS))):
        renamed = sorted(sum(1 << new for new, old in enumerate(order) if mask >> old & 1) for mask in masks)
        yield tuple(renamed), tuple(words[old] for old in order)


def few(masks: Sequence[int], words: Sequence[str], *, kept: bool) -> tuple[Event, Event]:
    """(What teams say, what labs say.)"""
    listed = [
        pool(tube, "".join(p for p, mask in zip(PEOPLE, masks, strict=False) if mask >> n & 1), kept=kept) for n, tube in enumerate(POOLS)
    ]
    told = [Result(tube, word, reason="leaked" if word == "rejected" else "") for tube, word in zip(POOLS, words, strict=True) if word]
    return tuple(member for tube in listed for member in tube), tuple(told)


def any_world(chance: Random, batches: int) -> World:
    """Few tubes and people, so that they meet: pools and singles, kept or not, of several days, files and teams; every status and call."""
    facts: list[Fact] = []
    for tube, day in chance.sample([(tube, day) for tube in POOLS for day in (0, 1, 20)], chance.randint(1, 3)):
        people = chance.sample(PEOPLE, chance.randint(1, 4))
        is_kept = chance.random() < 0.5
        size = chance.choice((None, None, len(people), len(people) + 1))
        replaces = chance.choice((None, None, *(other for other in POOLS if other != tube)))
        for person in people:
            file, team = chance.choice(((1, "TEAM1"),) * 6 + ((2, "TEAM1"), (3, "TEAM2")))
            facts.append(Member(tube, person, day, own_code(tube, person, day) if is_kept else None, replaces, size, team, file))
    codes = sorted({one.tube for one in facts} | {one.own for one in facts if one.own} | {"ELSEWHERE"})
    facts += [_any_result(chance, codes) for _ in range(chance.randint(0, 12))]
    facts += [Slot(chance.choice(POOLS)) for _ in range(chance.randint(0, 1))]
    return dealt(chance, list(dict.fromkeys(facts)), batches)


def _any_result(chance: Random, codes: list[str]) -> Result:
    call, status, hours = chance.choice(CALLS), chance.choice("FFFFFFFFCCPWX"), chance.choice((4, 6, 8, 30, 50, 200, 486))
    told, collected = chance.choice((None, None, 1, 3)), chance.choice((None, None, None, 0))
    reason = "leaked" if call == "rejected" else ""
    return Result(chance.choice(codes), call, status, hours, told and hours + told, reason, collected=collected)


def dealt(chance: Random, facts: Sequence[Fact], batches: int) -> World:
    """The facts in any order, each in one of the batches."""
    places = [chance.randrange(batches) for _ in facts]
    order = chance.sample(list(facts), len(facts))
    return tuple(tuple(fact for fact, place in zip(order, places, strict=True) if place == batch) for batch in range(batches))
