"""What enough people say to a tube's hold: whom it answers, for how long, and for whom it does not."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb
import pytest

from pipeline.domain.words import Choice
from pipeline.warehouse.decide import Signed
from pipeline.warehouse.invariants import violations
from tests.facts import DAY0, Fact, Member, Result, Slot, Store, store
from tests.sql.test_decide_cases import kept, pool

DISCORDANT = (*kept("T", "a", "b"), Result("T", "detected"), Result("A1", "not_detected", hours=28), Result("B1", "not_detected", hours=28))
CONTRADICTED = (*pool("T", "a", "b"), Member("U", "a"), Result("T", "not_detected"), Result("U", "detected"))
SIGNED = {"a@T": "not_detected own_test_signed", "b@T": "not_detected own_test_signed"}


def broken(given: Store) -> list[str]:
    """Invariants that do not hold, but that of files: these facts came by none."""
    return [name for sentence in violations(given.warehouse) if (name := sentence.partition(":")[0]) != "rows_not_stored"]


def refused(reason: str, *people: str) -> dict[str, str]:
    return {f"{person}@T": f"recollect refused_{reason}" for person in people}


@dataclass(frozen=True)
class Case:
    """`facts` are held by `hold`; people say `choice`; that gives `outcomes`, and after `later` facts, where there are some, `then`."""

    name: str
    facts: tuple[Fact, ...]
    hold: str
    choice: str
    outcomes: dict[str, str]
    holds: set[str] = field(default_factory=set)
    later: tuple[Fact, ...] = ()
    then: dict[str, str] = field(default_factory=dict)
    holds_then: set[str] = field(default_factory=set)


CASES = [
    Case("discordant, released: the members' own tests stand", DISCORDANT, "discordant T", "release", SIGNED),
    Case("discordant, refused: all are swabbed again", DISCORDANT, "discordant T", "refuse", refused("discordant", "a", "b")),
    Case("a preliminary row says nothing, and leaves it standing", DISCORDANT, "discordant T", "release", SIGNED,
         later=(Result("A1", "detected", "P", hours=29),), then=SIGNED),
    Case("an own test corrected makes it void, and is that person's", DISCORDANT, "discordant T", "release", SIGNED,
         later=(Result("A1", "detected", "C", hours=28, told=29),),
         then={"a@T": "detected own_test", "b@T": "not_detected own_test"}),
    Case("the same answer anew makes it void: nobody has seen that one", DISCORDANT, "discordant T", "release", SIGNED,
         later=(Result("A1", "not_detected", "C", hours=28, told=29),),
         then={"a@T": "held discordant", "b@T": "held discordant"}, holds_then={"discordant T"}),
    Case("the pool corrected makes it void, and ends the question", DISCORDANT, "discordant T", "refuse", refused("discordant", "a", "b"),
         later=(Result("T", "not_detected", "C", told=29),),
         then={"a@T": "not_detected own_test", "b@T": "not_detected own_test"}),
    Case("one more person in the tube makes it void", DISCORDANT, "discordant T", "release", SIGNED,
         later=(Member("T", "c", own="C1", file=2), Slot("T")),
         then={"a@T": "awaiting pool_mates", "b@T": "awaiting pool_mates", "c@T": "retest pool_detected"}),
    Case("contradiction, refused: all of the pool, and the single stays", CONTRADICTED, "contradiction T", "refuse",
         {**refused("contradiction", "a", "b"), "a@U": "detected single"}),
    Case("another reason than the one that was signed is another question", CONTRADICTED, "contradiction T", "refuse",
         {**refused("contradiction", "a", "b"), "a@U": "detected single"}, later=(Result("T", "detected", hours=26),),
         then={"a@T": "held conflict", "b@T": "held conflict", "a@U": "detected single"}, holds_then={"conflict T"}),
    Case("shared tube, refused", (Member("T", "a", file=1), Member("T", "b", file=2), Result("T", "detected")), "shared_tube T", "refuse",
         refused("shared_tube", "a", "b")),
    Case("a hold answers for its own tube; another tube is a question of its own",
         (Member("T", "a"), Member("U", "b"), Member("U", "c", file=2), Result("T", "detected"), Result("T", "not_detected", hours=25)),
         "conflict T", "refuse", {"a@T": "recollect refused_conflict", "b@U": "held shared_tube", "c@U": "held shared_tube"}, {"shared_tube U"}),
    Case("incomplete, refused", (*pool("T", "a", "b", size=3), Result("T", "not_detected")), "incomplete T", "refuse",
         refused("incomplete", "a", "b")),
    Case("incomplete, refused, and then the third comes", (*pool("T", "a", "b", size=3), Result("T", "not_detected")), "incomplete T",
         "refuse", refused("incomplete", "a", "b"), later=(Member("T", "c", size=3, file=2), Slot("T")),
         then={"a@T": "not_detected pool", "b@T": "not_detected pool", "c@T": "not_detected pool"}),
    Case("a conflict of one member's own test: that member alone", (*kept("T", "a", "b"), Result("T", "detected"),
         Result("A1", "detected", hours=28), Result("A1", "not_detected", hours=29), Result("B1", "detected", hours=28)),
         "conflict A1", "refuse", {"a@T": "recollect refused_conflict", "b@T": "detected own_test"}),
    Case("withdrawn later: withdrawn, whatever was signed", DISCORDANT, "discordant T", "release", SIGNED,
         later=(Result("A1", None, "W", told=40), Result("B1", None, "W", told=40)),
         then={"a@T": "withdrawn withdrawn_by_lab", "b@T": "withdrawn withdrawn_by_lab"}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_P10_what_people_sign_stands_for_what_they_saw(case: Case) -> None:
    with store() as given:
        given.add(case.facts)
        given.decide(30)
        assert case.hold in given.holds()
        given.sign(case.hold, case.choice)
        given.decide(31)
        assert (given.outcomes(), given.holds()) == (case.outcomes, case.holds)
        called = {
            item.removeprefix("callback ") for item, state in given.lists().items() if item.startswith("callback") and state == "open"
        }
        assert called == {name.partition("@")[0] for name, said in case.outcomes.items() if said.startswith("recollect")}
        if case.later:
            given.add(case.later)
            given.decide(41)
            assert (given.outcomes(), given.holds()) == (case.then, case.holds_then)
        before = given.state()
        given.decide(41, full=True)
        assert given.state() == before
        assert broken(given) == []


def test_of_two_tubes_with_one_label_one_is_refused() -> None:
    """Their holds read alike; each is of its day."""
    with store() as given:
        given.add((Member("T", "a"), Member("T", "b", day=1), Result("T", "not_detected", collected=0)))
        given.decide(30)
        given.sign(f"relabelled T {DAY0.date()}", "refuse")
        given.decide(31)
        assert given.outcomes() == {"a@T": "recollect refused_relabelled", "b@T+1": "held relabelled"}
        assert given.holds() == {"relabelled T"}


def test_P10_what_came_between_the_signature_and_its_batch_makes_it_void() -> None:
    with store() as given:
        given.add(DISCORDANT)
        given.decide(30)
        given.sign("discordant T", "release")
        given.add([Result("A1", "not_detected", "C", hours=28, told=29)])
        given.decide(31)
        assert given.holds() == {"discordant T"}, "asked anew: nobody has signed what is there now"
        given.sign("discordant T", "release")
        given.decide(32)
        assert (given.outcomes(), given.holds()) == (SIGNED, set())


def test_the_last_word_on_the_same_facts_counts() -> None:
    """Whoever thinks otherwise later speaks to a hold that is open again: the same print, another batch."""
    with store() as given:
        given.add(DISCORDANT)
        given.decide(30)
        given.sign("discordant T", "refuse")
        first = given.signed[0]
        given.decide(31)
        given.signed.append(Signed(first.hold_id, Choice.RELEASE, first.facts))
        given.decide(32)
        assert given.outcomes() == SIGNED


def test_a_print_is_of_the_tube_and_nothing_else() -> None:
    """In any order, whatever other tubes bring, and whichever batch brought it."""
    prints = set()
    for facts in (
        [DISCORDANT],
        [DISCORDANT[::-1]],
        [DISCORDANT[3:], DISCORDANT[:3]],
        [DISCORDANT, pool("U", "c"), (Result("U", "detected"),)],
    ):
        with store() as given:
            for some in facts:
                given.add(some)
                given.decide(30)
            given.sign("discordant T", "release")
            prints.add(given.signed[0].facts)
    assert len(prints) == 1


def test_people_are_told_once_by_what_was_signed() -> None:
    with store() as given:
        given.add(DISCORDANT)
        given.decide(30)
        given.sign("discordant T", "release")
        assert given.decide(31) == 1
        assert given.messages() == {"a": "result", "b": "result"}
        assert given.decide(31) == 0, "carried out once, and no tube looked at again for it"
        given.decide(32, full=True)
        assert given.messages() == {}


@pytest.mark.parametrize("reason", ["contradiction", "shared_tube", "conflict", "incomplete", "relabelled"])
def test_I2_nobody_releases_what_is_nobodys(reason: str) -> None:
    """The ledger lets no such choice be; were it there all the same, nothing is decided."""
    facts = {
        "contradiction": CONTRADICTED,
        "shared_tube": (Member("T", "a", file=1), Member("T", "b", file=2), Result("T", "detected")),
        "conflict": (Member("T", "a"), Result("T", "detected"), Result("T", "not_detected", hours=25)),
        "incomplete": (*pool("T", "a", "b", size=3), Result("T", "not_detected")),
        "relabelled": (Member("T", "a"), Member("T", "b", day=1)),
    }
    with store() as given:
        given.add(facts[reason])
        given.decide(30)
        hold_id, print_ = given.warehouse.connection.execute(
            "SELECT CAST(hold_id AS VARCHAR), facts FROM hold WHERE closed_at IS NULL LIMIT 1"
        ).fetchone()
        given.signed.append(Signed(hold_id, Choice.RELEASE, print_))
        with pytest.raises(duckdb.Error, match="a choice that nobody has"):
            given.decide(31)


def test_a_signature_on_a_hold_that_is_not_here_stops_the_batch() -> None:
    with store() as given:
        given.add(DISCORDANT)
        given.decide(30)
        given.signed.append(Signed("00000000-0000-0000-0000-000000000000", Choice.REFUSE, ""))
        with pytest.raises(duckdb.Error, match="not here"):
            given.decide(31)


def test_signed_by_nobody_is_seen() -> None:
    """The checker of what was signed: without its signature, an outcome that people decided shows."""
    for choice in ("release", "refuse"):
        with store() as given:
            given.add(DISCORDANT)
            given.decide(30)
            given.sign("discordant T", choice)
            given.decide(31)
            given.warehouse.connection.execute("DELETE FROM signed_hold")
            assert broken(given) == ["signed_by_nobody"]
