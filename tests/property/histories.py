"""Random histories of facts: a few people, tubes and labs, crossed so densely that every rule of decide meets every other."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.facts import Fact, Member, Result, Slot

TUBES = ("T1", "T2", "T3")
PEOPLE = ("a", "b", "c", "d")
CALLS = ("detected", "not_detected", "inconclusive", "invalid", "rejected")


def _own(tube: str, person: str, day: int) -> str:
    return f"{tube}{person}{day}".upper()


@st.composite
def members(draw: st.DrawFn) -> Member:
    tube, person, day = draw(st.sampled_from(TUBES)), draw(st.sampled_from(PEOPLE)), draw(st.sampled_from((0, 0, 0, 2)))
    return Member(
        tube,
        person,
        day=day,
        own=draw(st.sampled_from((None, _own(tube, person, day)))),
        replaces=draw(st.sampled_from((None, None, None, *TUBES))),
        size=draw(st.sampled_from((None, None, None, 2, 3))),
        team=draw(st.sampled_from(("TEAM1", "TEAM1", "TEAM2"))),
        file=draw(st.sampled_from((1, 1, 1, 2))),
    )


@st.composite
def results(draw: st.DrawFn) -> Result:
    codes = [*TUBES * 3, *(_own(tube, person, 0) for tube in TUBES for person in PEOPLE)]
    status = draw(st.sampled_from("FFFFFFPCCWX"))
    call = None if status in "WX" else draw(st.sampled_from(CALLS))
    hours = draw(st.sampled_from((20, 24, 28, 60)))
    return Result(
        draw(st.sampled_from(codes)),
        call,
        status,
        hours=hours,
        told=draw(st.sampled_from((None, None, hours + 1, hours + 6))),
        reason="leaked" if call == "rejected" else "",
        ct=draw(st.sampled_from(("", "", "", "30"))) if call == "detected" else "",
        collected=draw(st.sampled_from((None, None, None, 0, 2))),
    )


def slots() -> st.SearchStrategy[Slot]:
    return st.builds(Slot, st.sampled_from(TUBES), file=st.sampled_from((1, 2)))


def batches() -> st.SearchStrategy[list[tuple[list[Fact], float]]]:
    """Batches of facts, each with the hours after which it is decided."""
    facts: st.SearchStrategy[Fact] = st.one_of(members(), members(), members(), results(), results(), slots())
    return st.lists(st.tuples(st.lists(facts, min_size=1, max_size=8), st.sampled_from((26.0, 30.0, 75.0))), min_size=1, max_size=5)


def one_row_a_specimen(history: list[tuple[list[Fact], float]]) -> list[tuple[list[Fact], float]]:
    """As intake leaves it: of one person in one tube on one day, the first row stands; a fact said again is no fact."""
    seen: set[object] = set()
    kept: list[tuple[list[Fact], float]] = []
    for facts, hours in history:
        fresh: list[Fact] = []
        for fact in facts:
            key: object = (fact.tube, fact.person, fact.day) if isinstance(fact, Member) else fact
            if key not in seen:
                seen.add(key)
                fresh.append(fact)
        kept.append((fresh, hours))
    return kept
