"""sql/decide against the reference model, world by world: every one of a kind, every order of some events, and many by chance."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from random import Random

import pytest

from tests.facts import Result, store
from tests.property.beside import Beside, World, ruled
from tests.property.worlds import Event, any_world, dealt, few, own_code, pool, pools_of_few

Tell = Callable[[str, object], None]
# What is shown of a failure: the first few say enough.
SHOWN = 3


def assert_as_ruled(worlds: list[World], hours: list[float]) -> int:
    """How many specimens they have."""
    with store() as given:
        beside = Beside(given, worlds)
        differences = list(beside.play(hours))
        assert not differences, f"{len(differences)} differences:\n" + "\n".join(differences[:SHOWN])
        # In the end also anew, which changes nothing.
        before = given.state()
        given.decide(hours[-1], full=True)
        assert given.state() == before
    ruled.cache_clear()
    return beside.bindings


@pytest.mark.parametrize("kept", [False, True], ids=["field", "lab"])
def test_P02_every_way_of_four_people_in_three_pools(kept: bool, record_property: Tell) -> None:
    """Nobody in a tube, one alone, one in two or three tubes, tubes of which the lab says nothing; the lists first, or the results."""
    both = [few(masks, words, kept=kept) for masks, words in pools_of_few()]
    worlds: list[World] = [*both, *((results, lists) for lists, results in both)]
    bindings = assert_as_ruled(worlds, [26, 30])
    record_property("ways_of_pools", len(worlds))
    record_property("bindings", bindings)


NEGATIVE, POSITIVE = "not_detected", "detected"
K = own_code
# Six events each, of people who meet in a pool and alone: negative pools with a positive member and the reverse, with what mends it.
CONTRADICTIONS: dict[str, tuple[Event, ...]] = {
    "a single tube": (
        pool("P", "abc"), pool("S", "a"), (Result("P", NEGATIVE),), (Result("S", POSITIVE),),
        (Result("P", POSITIVE, "C", told=27),), (Result("S", NEGATIVE, "C", told=28),),
    ),
    "kept specimens": (
        pool("P", "ab", kept=True), (Result("P", NEGATIVE),), (Result(K("P", "a"), POSITIVE),), (Result(K("P", "b"), NEGATIVE),),
        (Result("P", POSITIVE, "C", told=27),), (Result(K("P", "a"), None, "W", told=29),),
    ),
    "positive, and every member negative": (
        pool("P", "ab", kept=True), (Result("P", POSITIVE),), (Result(K("P", "a"), NEGATIVE),), (Result(K("P", "b"), NEGATIVE),),
        (Result("P", NEGATIVE, "C", told=27),), (Result(K("P", "b"), POSITIVE, "C", told=29),),
    ),
    "in two pools": (
        pool("P", "ab"), pool("Q", "ac"), (Result("P", POSITIVE),), (Result("Q", NEGATIVE),), pool("S", "a", replaces="P", file=2),
        (Result("S", POSITIVE),),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_P03_every_order_of_six_events(name: str, record_property: Tell) -> None:
    """After each event; and the rule itself, by hand: nobody of a negative pool is negative while a member is positive alone."""
    worlds: list[World] = list(permutations(CONTRADICTIONS[name]))
    assert len(worlds) == 720
    assert_as_ruled(worlds, [26, 27, 28, 29, 30, 31])
    record_property("orders", len(worlds))


def test_P03_no_member_of_a_negative_pool_is_negative_beside_a_positive_one() -> None:
    """What the reference itself must say, told by hand."""
    pooled, alone, negative, positive, mended, other = CONTRADICTIONS["a single tube"]
    facts = frozenset((*pooled, *alone, *negative, *positive))
    assert set(ruled(facts, 26).outcomes.values()) == {"held", "detected"}
    assert {outcome for (tube, _, _), outcome in ruled(facts, 26).outcomes.items() if tube == "P"} == {"held"}
    assert NEGATIVE not in ruled(facts | {*mended}, 28).outcomes.values()
    assert set(ruled(facts | {*other}, 29).outcomes.values()) == {NEGATIVE}


def amended(code: str) -> tuple[Event, ...]:
    """Final, corrected, corrected again, withdrawn, tested again."""
    return (
        (Result(code, NEGATIVE, told=25),), (Result(code, POSITIVE, "C", told=26, ct="30"),), (Result(code, NEGATIVE, "C", told=28),),
        (Result(code, None, "W", told=30),), (Result(code, POSITIVE, hours=40),),
    )  # fmt: skip


def cancelled(code: str) -> tuple[Event, ...]:
    """Preliminary, final, cancelled, corrected, and a second word that is neither."""
    return (
        (Result(code, POSITIVE, "P"),), (Result(code, "inconclusive", told=25),), (Result(code, None, "X", told=26),),
        (Result(code, NEGATIVE, "C", told=27),), (Result(code, POSITIVE, told=25),),
    )  # fmt: skip


@pytest.mark.parametrize("words", [amended, cancelled])
@pytest.mark.parametrize(
    ("people", "code"),
    [(pool("T", "a"), "T"), (pool("T", "ab"), "T"), (pool("T", "ab", kept=True), "T"), (pool("T", "ab", kept=True), K("T", "a"))],
    ids=["single", "field pool", "kept pool", "own specimen"],
)
def test_P11_every_order_of_five_words_and_the_list(
    people: Event, code: str, words: Callable[[str], tuple[Event, ...]], record_property: Tell
) -> None:
    """After each of them: the newest wins, and who was told something else is told once."""
    worlds: list[World] = list(permutations((people, *words(code))))
    assert len(worlds) == 720
    assert_as_ruled(worlds, [42, 43, 44, 45, 46, 47])
    record_property("orders", len(worlds))


def test_P14_rows_shuffled_and_files_split_and_merged(record_property: Tell) -> None:
    """Random histories, each dealt into batches in five ways, under other names; after each batch as the rules say of what is there."""
    chance = Random(20261126)
    worlds: list[World] = []
    for _ in range(400):
        facts = [fact for batch in any_world(chance, 1) for fact in batch]
        worlds += [dealt(chance, facts, 3) for _ in range(5)]
    bindings = assert_as_ruled(worlds, [31.5, 75.5, 300.5])
    record_property("reshuffled", len(worlds))
    record_property("bindings", bindings)


def test_what_differs_is_told() -> None:
    """The same world beside itself, one of them with a word that the rules do not know of."""
    lists, results = few((1, 1), ("detected", "", ""), kept=True)
    with store() as given:
        beside = Beside(given, [(lists, results)] * 2)
        given.add([Result("T0Z1", NEGATIVE, "C", told=29)])
        differences = list(beside.play([26, 30]))
    assert differences and all(sentence.startswith("world 1 ") for sentence in differences)
