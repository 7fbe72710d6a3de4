"""The rules of domain.md sections 2 and 3, one named case each: facts in, outcomes, holds and lists out.

A case says what stands at the end. The same facts in every order of arrival (two by two) must end in the same state.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import permutations

import pytest

from tests.facts import CLOCKS, Fact, Member, Result, Slot, store


@dataclass(frozen=True)
class Case:
    name: str
    facts: tuple[Fact, ...]
    outcomes: dict[str, str]
    holds: set[str] = field(default_factory=set)
    lists: dict[str, str] = field(default_factory=dict)
    at: float = 30


def pool(tube: str, *people: str, **given: object) -> tuple[Member, ...]:
    return tuple(Member(tube, person, **given) for person in people)  # type: ignore[arg-type]


def kept(tube: str, *people: str, **given: object) -> tuple[Member, ...]:
    """A pool whose people's own tubes are kept in the lab; a's specimen code is A1, and so on."""
    return tuple(Member(tube, person, own=f"{person.upper()}1", **given) for person in people)  # type: ignore[arg-type]


CASES = [
    Case("no result yet", pool("T", "a", "b"), {"a@T": "awaiting no_result", "b@T": "awaiting no_result"}),
    Case("negative pool answers for all", (*pool("T", "a", "b"), Result("T", "not_detected")),
         {"a@T": "not_detected pool", "b@T": "not_detected pool"}),
    Case("single negative", (Member("T", "a"), Result("T", "not_detected")), {"a@T": "not_detected single"}),
    Case("single positive", (Member("T", "a"), Result("T", "detected")), {"a@T": "detected single"}),
    Case("P01 preliminary is never released", (*pool("T", "a", "b"), Result("T", "not_detected", status="P")),
         {"a@T": "awaiting no_result", "b@T": "awaiting no_result"}),
    Case("I6 positive pool, field: everybody and nobody else is called back",
         (*pool("T", "a", "b"), *pool("U", "c", "d"), Result("T", "detected"), Result("U", "not_detected")),
         {"a@T": "recollect pool_detected", "b@T": "recollect pool_detected", "c@U": "not_detected pool", "d@U": "not_detected pool"},
         lists={"callback a": "open", "callback b": "open"}),
    Case("I6 positive pool, lab: retest", (*kept("T", "a", "b"), Result("T", "detected")),
         {"a@T": "retest pool_detected", "b@T": "retest pool_detected"}, lists={"worklist a": "open", "worklist b": "open"}),
    Case("inconclusive pool is taken apart", (*kept("T", "a", "b"), Result("T", "inconclusive")),
         {"a@T": "retest pool_inconclusive", "b@T": "retest pool_inconclusive"}, lists={"worklist a": "open", "worklist b": "open"}),
    Case("two rounds: one positive found", (*kept("T", "a", "b"), Result("T", "detected"), Result("A1", "detected", hours=28),
                                            Result("B1", "not_detected", hours=28)),
         {"a@T": "detected own_test", "b@T": "not_detected own_test"}, lists={"worklist a": "done", "worklist b": "done"}),
    Case("a negative of a positive pool waits for its pool mates", (*kept("T", "a", "b"), Result("T", "detected"),
                                                                    Result("B1", "not_detected", hours=28)),
         {"a@T": "retest pool_detected", "b@T": "awaiting pool_mates"}, lists={"worklist a": "open", "worklist b": "done"}),
    Case("discordant: positive pool, all negative alone", (*kept("T", "a", "b"), Result("T", "detected"),
                                                           Result("A1", "not_detected", hours=28), Result("B1", "not_detected", hours=28)),
         {"a@T": "held discordant", "b@T": "held discordant"}, {"discordant T"}, {"worklist a": "done", "worklist b": "done"}),
    Case("discordant too when the missing one is lost", (*kept("T", "a", "b"), Result("T", "detected"),
                                                         Result("A1", "not_detected", hours=28)),
         {"a@T": "held discordant", "b@T": "lost no_result_in_time"}, {"discordant T", "overdue B1"},
         {"worklist a": "done", "worklist b": "open"}, at=24 * 11),
    Case("P03 contradiction: negative pool, a kept specimen positive", (*kept("T", "a", "b"), Result("T", "not_detected"),
                                                                        Result("A1", "detected", hours=28)),
         {"a@T": "held contradiction", "b@T": "held contradiction"}, {"contradiction T"}),
    Case("P03 contradiction: negative pool, a member's single positive that day",
         (*pool("T", "a", "b"), Member("U", "a"), Result("T", "not_detected"), Result("U", "detected")),
         {"a@T": "held contradiction", "b@T": "held contradiction", "a@U": "detected single"}, {"contradiction T"}),
    Case("P04 a member's single positive the next day is another episode: the negative pool answers for all",
         (*pool("T", "a", "b"), Member("U", "a", day=1), Result("T", "not_detected", hours=6), Result("U", "detected", hours=28)),
         {"a@T": "not_detected pool", "b@T": "not_detected pool", "a@U+1": "detected single"}),
    Case("invalid once: the same tube again", (*pool("T", "a", "b"), Result("T", "invalid")),
         {"a@T": "awaiting tube_repeat", "b@T": "awaiting tube_repeat"}, lists={"repeat": "open"}),
    Case("invalid twice: taken apart", (*pool("T", "a", "b"), Result("T", "invalid"), Result("T", "invalid", hours=28)),
         {"a@T": "recollect pool_invalid", "b@T": "recollect pool_invalid"}, lists={"callback a": "open", "callback b": "open"}),
    Case("invalid, then an answer", (*pool("T", "a", "b"), Result("T", "invalid"), Result("T", "not_detected", hours=28)),
         {"a@T": "not_detected pool", "b@T": "not_detected pool"}),
    Case("an answer, then invalid: conflict", (*pool("T", "a", "b"), Result("T", "not_detected"), Result("T", "invalid", hours=28)),
         {"a@T": "held conflict", "b@T": "held conflict"}, {"conflict T"}),
    Case("an answer and an invalid test of the same moment: conflict", (Member("T", "a"), Result("T", "not_detected"), Result("T", "invalid")),
         {"a@T": "held conflict"}, {"conflict T"}),
    Case("two invalid tests of the same moment that say different things: conflict",
         (Member("T", "a"), Result("T", "invalid", ct="39"), Result("T", "invalid", ct="40")), {"a@T": "held conflict"}, {"conflict T"}),
    Case("a test of a correction's own moment is not a later one",
         (Member("T", "a"), Result("T", "not_detected"), Result("T", "detected", status="C", told=30), Result("T", "not_detected", hours=30)),
         {"a@T": "detected single"}),
    Case("an answer, then invalid, then the same answer: conflict",
         (Member("T", "a"), *(Result("T", call, hours=at) for call, at in (("not_detected", 24), ("invalid", 26), ("not_detected", 28)))),
         {"a@T": "held conflict"}, {"conflict T"}),
    Case("tested again after its result was withdrawn: conflict",
         (Member("T", "a"), Result("T", "not_detected"), Result("T", None, status="W", told=26), Result("T", "not_detected", hours=28)),
         {"a@T": "held conflict"}, {"conflict T"}),
    Case("rejected tube: called back with the reason", (*kept("T", "a", "b"), Result("T", "rejected", reason="leaked")),
         {"a@T": "recollect tube_leaked", "b@T": "recollect tube_leaked"}, lists={"callback a": "open", "callback b": "open"}),
    Case("single inconclusive, kept: retest", (*kept("T", "a"), Result("T", "inconclusive")), {"a@T": "retest single_inconclusive"},
         lists={"worklist a": "open"}),
    Case("single inconclusive, nothing kept: called back", (Member("T", "a"), Result("T", "inconclusive")),
         {"a@T": "recollect single_inconclusive"}, lists={"callback a": "open"}),
    Case("the own tube rejected: called back with its reason",
         (*kept("T", "a", "b"), Result("T", "detected"), Result("A1", "rejected", reason="leaked", hours=28)),
         {"a@T": "recollect tube_leaked", "b@T": "retest pool_detected"},
         lists={"worklist a": "done", "worklist b": "open", "callback a": "open"}),
    Case("retest inconclusive: called back", (*kept("T", "a", "b"), Result("T", "detected"), Result("A1", "inconclusive", hours=28),
                                             Result("B1", "detected", hours=28)),
         {"a@T": "recollect own_inconclusive", "b@T": "detected own_test"},
         lists={"worklist a": "done", "worklist b": "done", "callback a": "open"}),
    Case("re-sampled: the new tube names the old one", (*pool("T", "a", "b"), Result("T", "detected"),
                                                        Member("U", "a", day=2, replaces="T"), Result("U", "not_detected", hours=60)),
         {"a@T": "recollect pool_detected", "b@T": "recollect pool_detected", "a@U+2": "not_detected single"},
         lists={"callback a": "done", "callback b": "open"}, at=70),
    Case("a later specimen that names nothing closes nothing", (*pool("T", "a", "b"), Result("T", "detected"), Member("U", "a", day=2)),
         {"a@T": "recollect pool_detected", "b@T": "recollect pool_detected", "a@U+2": "awaiting no_result"},
         lists={"callback a": "open", "callback b": "open"}, at=70),
    Case("another person naming the tube closes nothing", (*pool("T", "a", "b"), Result("T", "detected"), Member("U", "z", day=2, replaces="T")),
         {"a@T": "recollect pool_detected", "b@T": "recollect pool_detected", "z@U+2": "awaiting no_result"},
         lists={"callback a": "open", "callback b": "open"}, at=70),
    Case("re-sampled on the same day", (*pool("T", "a", "b"), Result("T", "detected"), Member("U", "a", replaces="T")),
         {"a@T": "recollect pool_detected", "b@T": "recollect pool_detected", "a@U": "awaiting no_result"},
         lists={"callback a": "done", "callback b": "open"}),
    Case("an earlier specimen that names a later tube closes nothing", (*pool("T", "a", "b"), Result("T", "detected"),
                                                                        Member("U", "a", day=-1, replaces="T")),
         {"a@T": "recollect pool_detected", "b@T": "recollect pool_detected", "a@U+-1": "awaiting no_result"}, {"overdue U"},
         {"callback a": "open", "callback b": "open"}),
    Case("a tube that names itself closes nothing", (Member("T", "a", replaces="T"), Member("T", "b"), Result("T", "detected")),
         {"a@T": "recollect pool_detected", "b@T": "recollect pool_detected"}, lists={"callback a": "open", "callback b": "open"}),
    Case("invalid twice, kept: taken apart in the lab", (*kept("T", "a", "b"), Result("T", "invalid"), Result("T", "invalid", hours=28)),
         {"a@T": "retest pool_invalid", "b@T": "retest pool_invalid"}, lists={"worklist a": "open", "worklist b": "open"}),
    Case("pooled in the lab, but no specimen code: nothing is kept", (*pool("T", "a", "b", mode="lab"), Result("T", "detected")),
         {"a@T": "recollect pool_detected", "b@T": "recollect pool_detected"}, lists={"callback a": "open", "callback b": "open"}),
    Case("a negative pool beside a positive pool of the same person is no contradiction",
         (*pool("T", "a", "b"), *pool("U", "a", "c"), Result("T", "not_detected"), Result("U", "detected")),
         {"a@T": "not_detected pool", "b@T": "not_detected pool", "a@U": "recollect pool_detected", "c@U": "recollect pool_detected"},
         lists={"callback a": "open", "callback c": "open"}),
    Case("tested at the minute of the swab, it is that swab's", (Member("T", "a"), Result("T", "not_detected", hours=0)), {"a@T": "not_detected single"}),
    Case("tested as late as a test can be of this swab", (Member("T", "a"), Result("T", "not_detected", hours=24 * CLOCKS.match_window_days)),
         {"a@T": "not_detected single"}, at=24 * 8),
    Case("overdue to the hour", (Member("T", "a"),), {"a@T": "awaiting no_result"}, {"overdue T"}, at=48),
    Case("an hour before, not overdue", (Member("T", "a"),), {"a@T": "awaiting no_result"}, at=47),
    Case("unmatched result", (Result("X", "detected"),), {}, {"unmatched X"}),
    Case("preliminary without manifest is no question yet", (Result("X", "detected", status="P"),), {}),
    Case("overdue", pool("T", "a", "b"), {"a@T": "awaiting no_result", "b@T": "awaiting no_result"}, {"overdue T"}, at=49),
    Case("retest overdue, by the specimen's code", (*kept("T", "a"), Result("T", "inconclusive")), {"a@T": "retest single_inconclusive"},
         {"overdue A1"}, {"worklist a": "open"}, at=24 + 49),
    Case("tested again with the same word: the retest is due since the later test",
         (*kept("T", "a"), Result("T", "inconclusive"), Result("T", "inconclusive", hours=50)),
         {"a@T": "retest single_inconclusive"}, set(), {"worklist a": "open"}, at=24 + 49),
    Case("withdrawn and then corrected: the retest is due since the correction",
         (*kept("T", "a"), Result("T", None, "W", hours=30), Result("T", "inconclusive", "C", hours=24, told=60)),
         {"a@T": "retest single_inconclusive"}, set(), {"worklist a": "open"}, at=24 + 59),
    Case("lost after the limit, and still somebody's question", pool("T", "a"), {"a@T": "lost no_result_in_time"}, {"overdue T"}, at=24 * 10),
    Case("P11 corrected supersedes", (Member("T", "a"), Result("T", "not_detected"), Result("T", "detected", "C", hours=24, told=30)),
         {"a@T": "detected single"}, at=40),
    Case("P11 the latest correction wins", (Member("T", "a"), Result("T", "not_detected"), Result("T", "detected", "C", told=30),
                                            Result("T", "not_detected", "C", told=32, ct="-")), {"a@T": "not_detected single"}, at=40),
    Case("P11 two corrections at one time disagree", (Member("T", "a"), Result("T", "detected", "C", told=30),
                                                      Result("T", "not_detected", "C", told=30)),
         {"a@T": "held conflict"}, {"conflict T"}, at=40),
    Case("P11 wrong patient withdraws", (*pool("T", "a", "b"), Result("T", "not_detected"), Result("T", None, "W", told=30)),
         {"a@T": "withdrawn withdrawn_by_lab", "b@T": "withdrawn withdrawn_by_lab"}, at=40),
    Case("P11 cancelled withdraws", (Member("T", "a"), Result("T", "detected"), Result("T", None, "X", told=30)),
         {"a@T": "withdrawn withdrawn_by_lab"}, at=40),
    Case("P11 a correction after the withdrawal stands", (Member("T", "a"), Result("T", "detected"), Result("T", None, "W", told=30),
                                                          Result("T", "not_detected", "C", told=31)), {"a@T": "not_detected single"}, at=40),
    Case("P11 a withdrawal at the correction's time stands", (Member("T", "a"), Result("T", None, "W", told=30),
                                                              Result("T", "not_detected", "C", told=30)),
         {"a@T": "withdrawn withdrawn_by_lab"}, at=40),
    Case("F12 other content without C: conflict", (Member("T", "a"), Result("T", "not_detected"), Result("T", "detected", hours=26)),
         {"a@T": "held conflict"}, {"conflict T"}),
    Case("F12 the same call with another Ct is other content", (Member("T", "a"), Result("T", "detected", ct="20.1"),
                                                                Result("T", "detected", ct="30.2")), {"a@T": "held conflict"}, {"conflict T"}),
    Case("the own test invalid twice: swabbed again", (*kept("T", "a", "b"), Result("T", "detected"), Result("A1", "invalid", hours=28),
         Result("A1", "invalid", hours=30)), {"a@T": "recollect own_invalid", "b@T": "retest pool_detected"}, lists={"worklist a": "done", "worklist b": "open", "callback a": "open"}),
    Case("conflict under the person's own code holds that person", (*kept("T", "a", "b"), Result("T", "detected"),
         Result("A1", "detected", hours=28), Result("A1", "not_detected", hours=29), Result("B1", "detected", hours=28)),
         {"a@T": "held conflict", "b@T": "detected own_test"}, {"conflict A1"}, {"worklist a": "done", "worklist b": "done"}),
    Case("I2 one accepted row of a tube declared for five: nobody's own result", (Member("T", "a", size=5), Result("T", "detected")),
         {"a@T": "recollect pool_detected"}, lists={"callback a": "open"}),
    Case("I2 one accepted row beside a rejected one: nobody's own result", (Member("T", "a"), Slot("T"), Result("T", "detected")),
         {"a@T": "recollect pool_detected"}, lists={"callback a": "open"}),
    Case("I2 two rows rejected, one mended: the other is in the tube all the same", (Member("T", "a", file=2), Slot("T"), Slot("T", row_no=3),
         Result("T", "detected")), {"a@T": "recollect pool_detected"}, lists={"callback a": "open"}),
    Case("a single's row, rejected and mended, is a single", (Member("T", "a", file=2), Slot("T"), Result("T", "detected")),
         {"a@T": "detected single"}),
    Case("one accepted row of a tube declared for two, negative: incomplete", (Member("T", "a", size=2), Result("T", "not_detected")),
         {"a@T": "held incomplete"}, {"incomplete T"}),
    Case("a final result after a withdrawal is a question", (Member("T", "a"), Result("T", None, "W", hours=24), Result("T", "detected", hours=28)),
         {"a@T": "held conflict"}, {"conflict T"}),
    Case("a withdrawn pool leaves a kept specimen's own result", (*kept("T", "a", "b"), Result("T", "detected"), Result("T", None, "W", told=29),
         Result("A1", "detected", hours=28)),
         {"a@T": "detected own_test", "b@T": "withdrawn withdrawn_by_lab"}),
    Case("P02 incomplete negative pool", (*pool("T", "a", "b", size=3), Result("T", "not_detected")),
         {"a@T": "held incomplete", "b@T": "held incomplete"}, {"incomplete T"}),
    Case("incomplete positive pool is taken apart all the same", (*pool("T", "a", "b", size=3), Result("T", "detected")),
         {"a@T": "recollect pool_detected", "b@T": "recollect pool_detected"}, lists={"callback a": "open", "callback b": "open"}),
    Case("P05 one tube code in two files", (Member("T", "a", file=1), Member("T", "b", file=2), Result("T", "not_detected")),
         {"a@T": "held shared_tube", "b@T": "held shared_tube"}, {"shared_tube T"}),
    Case("P05 one tube code of two teams", (Member("T", "a", file=1), Member("T", "b", file=2, team="TEAM2"), Slot("T")),
         {"a@T": "held shared_tube", "b@T": "held shared_tube"}, {"shared_tube T"}),
    Case("a mended row of the same team is no second file", (Member("T", "a", file=1), Member("T", "b", file=2), Slot("T"),
                                                             Result("T", "not_detected")),
         {"a@T": "not_detected pool", "b@T": "not_detected pool"}),
    Case("P05 one specimen code of two people", (Member("T", "a", own="S9"), Member("U", "b", own="S9"), Result("T", "inconclusive"),
         Result("U", "inconclusive"), Result("S9", "not_detected", hours=28)),
         {"a@T": "held shared_tube", "b@U": "held shared_tube"}, {"shared_tube S9"}),
    Case("P05 two people of a tube under its own code", (*pool("T", "a", "b", own="T"), Result("T", "detected")),
         {"a@T": "held shared_tube", "b@T": "held shared_tube"}, {"shared_tube T"}),
    *[Case(f"P05 one specimen code of two people, no own test yet: {call}", (Member("T", "a", own="S9"), Member("U", "b", own="S9"),
           *(Result(tube, call, hours=hours) for tube in ("T", "U") for hours in (24, 28))),
           {"a@T": "held shared_tube", "b@U": "held shared_tube"}, {"shared_tube S9"}) for call in ("detected", "inconclusive", "invalid")],
    Case("relabelled: the same label, other people, within 14 days",
         (Member("T", "a"), Member("T", "b", day=3), Result("T", "not_detected"), Result("T", "not_detected", hours=80)),
         {"a@T": "held relabelled", "b@T+3": "held relabelled"}, {"relabelled T"}, at=90),
    Case("the same label, the same people: each day its own tube",
         (Member("T", "a"), Member("T", "a", day=3), Result("T", "not_detected"), Result("T", "detected", hours=80)),
         {"a@T": "not_detected single", "a@T+3": "detected single"}, at=90),
    Case("the largest declared size counts", (Member("T", "a", size=2), Member("T", "b", size=3), Result("T", "not_detected")),
         {"a@T": "held incomplete", "b@T": "held incomplete"}, {"incomplete T"}),
    Case("the largest declared size counts in whichever file it stands", (Member("T", "a", size=2, file=1), Member("T", "b", size=3, file=2),
         Slot("T"), Result("T", "not_detected")), {"a@T": "held incomplete", "b@T": "held incomplete"}, {"incomplete T"}),
    Case("a tube waits since its first specimen", (Member("T", "a"), Member("T", "b", hours=3)),
         {"a@T": "awaiting no_result", "b@T": "awaiting no_result"}, {"overdue T"}, at=49),
    Case("a tube waits since its first specimen, also that of another file",
         (Member("T", "a", file=1), Member("T", "b", hours=3, file=2), Slot("T")),
         {"a@T": "awaiting no_result", "b@T": "awaiting no_result"}, {"overdue T"}, at=49),
    Case("a result is of a tube from its first specimen on", (Member("T", "a"), Member("T", "b", hours=3), Result("T", "not_detected", hours=2)),
         {"a@T": "not_detected pool", "b@T": "not_detected pool"}),
    Case("a specimen code that is a tube's code too relabels nothing",
         (*pool("T", "a", "b"), *pool("T", "a", "b", day=3), Member("U", "c", own="T"), Result("T", "not_detected")),
         {"a@T": "not_detected pool", "b@T": "not_detected pool", "a@T+3": "awaiting no_result", "b@T+3": "awaiting no_result",
          "c@U": "awaiting no_result"}, {"overdue U"}, at=90),
    Case("relabelled to the last day", (Member("T", "a"), Member("T", "b", day=14), Result("T", "not_detected")),
         {"a@T": "held relabelled", "b@T+14": "held relabelled"}, {"relabelled T"}, at=24 * 14 + 1),
    Case("a day later it is another tube", (Member("T", "a"), Member("T", "b", day=15), Result("T", "not_detected")),
         {"a@T": "not_detected single", "b@T+15": "awaiting no_result"}, at=24 * 15 + 1),
    Case("the same label long after: each its own tube",
         (Member("T", "a"), Member("T", "b", day=20), Result("T", "not_detected"), Result("T", "detected", hours=24 * 20 + 5)),
         {"a@T": "not_detected single", "b@T+20": "detected single"}, at=24 * 21),
    Case("a result names its collection day", (Member("T", "a"), Member("T", "a", day=3), Result("T", "detected", hours=80, collected=0)),
         {"a@T": "detected single", "a@T+3": "awaiting no_result"}, at=90),
    Case("a result before the collection belongs to nothing", (Member("T", "a", day=3), Result("T", "detected", hours=24)),
         {"a@T+3": "awaiting no_result"}, {"unmatched T"}, at=90),
    Case("a result after the window belongs to nothing", (Member("T", "a"), Result("T", "detected", hours=24 * 8)),
         {"a@T": "awaiting no_result"}, {"overdue T", "unmatched T"}, at=24 * 8 + 1),
    Case("a test without a clock time counts as the end of its day", (Member("T", "a"), Result("T", "detected", hours=-8)),
         {"a@T": "detected single"}),
    Case("P04 two tubes of one person on one day", (Member("T", "a"), Member("U", "a"), Result("T", "not_detected"), Result("U", "detected")),
         {"a@T": "not_detected single", "a@U": "detected single"}),
]  # fmt: skip


def apart(case: Case, place: int) -> Case:
    """The same case with names of its own, so that it can stand in one warehouse with all others."""

    def named(text: str) -> str:
        return f"{place}.{text}"

    def moved(fact: Fact) -> Fact:
        match fact:
            case Member():
                codes = {name: named(code) for name in ("own", "replaces") if (code := getattr(fact, name)) is not None}
                return replace(fact, tube=named(fact.tube), person=named(fact.person), **codes)
            case Result():
                return replace(fact, code=named(fact.code))
            case Slot():
                return replace(fact, tube=named(fact.tube))

    def last(text: str) -> str:
        """'callback a' → 'callback 7.a'; a list's own name stays."""
        head, space, tail = text.rpartition(" ")
        return f"{head} {named(tail)}" if space else text

    return replace(
        case,
        facts=tuple(moved(fact) for fact in case.facts),
        outcomes={named(name.replace("@", f"@{place}.")): said for name, said in case.outcomes.items()},
        holds={last(hold) for hold in case.holds},
        lists={last(item): state for item, state in case.lists.items()},
    )


@pytest.mark.parametrize("at", sorted({case.at for case in CASES}))
def test_cases_beside_each_other_do_not_disturb_each_other(at: float) -> None:
    """All at once, then all anew. Quicker than one by one, and so the first to look at a mutant (tests/faults/mutants)."""
    cases = [apart(case, place) for place, case in enumerate(CASES) if case.at == at]
    with store() as given:
        given.add(fact for case in cases for fact in case.facts)
        for full in (False, True):
            given.decide(at, full=full)
            assert given.outcomes() == {name: said for case in cases for name, said in case.outcomes.items()}
            assert given.holds() == {hold for case in cases for hold in case.holds}
            assert given.lists() == {item: state for case in cases for item, state in case.lists.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_rule(case: Case) -> None:
    with store() as given:
        given.add(case.facts)
        given.decide(case.at)
        assert given.outcomes() == case.outcomes
        assert given.holds() == case.holds
        assert given.lists() == case.lists


ORDERED = [case for case in CASES if 2 <= len(case.facts) <= 4]


@pytest.mark.parametrize("at", sorted({case.at for case in ORDERED}))
def test_P11_P14_order_of_arrival_changes_nothing(at: float) -> None:
    """Every order of every case beside the others: fact by fact, and all at once."""
    orders = [replace(case, facts=order) for case in ORDERED if case.at == at for order in permutations(case.facts)]
    cases = [apart(case, place) for place, case in enumerate(orders)]
    with store() as at_once, store() as one_by_one:
        at_once.add(fact for case in cases for fact in case.facts)
        at_once.decide(at)
        for step in range(max(len(case.facts) for case in cases)):
            one_by_one.add(case.facts[step] for case in cases if step < len(case.facts))
            one_by_one.decide(at)
        assert one_by_one.outcomes() == {name: said for case in cases for name, said in case.outcomes.items()}
        assert one_by_one.state() == at_once.state()


MESSAGES = [
    ("result", (Member("T", "a"), Result("T", "not_detected")), {"a": "result"}),
    ("own test", (*kept("T", "a", "b"), Result("T", "detected")), {"a": "own_test", "b": "own_test"}),
    ("come again", (*pool("T", "a", "b"), Result("T", "detected")), {"a": "come_again", "b": "come_again"}),
    ("withdrawn", (Member("T", "a"), Result("T", None, "W")), {"a": "withdrawn"}),
    ("nothing while held", (Member("T", "a", file=1), Member("T", "b", file=2), Result("T", "detected")), {}),
    ("nothing while waiting", pool("T", "a"), {}),
]


@pytest.mark.parametrize(("name", "facts", "expected"), MESSAGES, ids=[name for name, _, _ in MESSAGES])
def test_what_is_told(name: str, facts: tuple[Fact, ...], expected: dict[str, str]) -> None:
    with store() as given:
        given.add(facts)
        given.decide(30)
        assert given.messages() == expected


def test_I5_a_correction_is_told_once_and_a_repeated_word_never() -> None:
    with store() as given:
        given.add([Member("T", "a"), Result("T", "not_detected")])
        given.decide(30)
        assert given.messages() == {"a": "result"}
        given.add([Result("T", "not_detected", "C", told=31, ct="38.0")])
        given.decide(32)
        assert given.messages() == {}, "a corrected Ct changes nothing for the person"
        given.add([Result("T", "detected", "C", told=33)])
        given.decide(34)
        assert given.messages() == {"a": "result"}
        given.decide(35, full=True)
        assert given.messages() == {}


def test_lost_then_found_is_told() -> None:
    with store() as given:
        given.add([Member("T", "a")])
        given.decide(24 * 10)
        assert given.messages() == {"a": "not_found"}
        given.add([Result("T", "not_detected", hours=30)])
        given.decide(24 * 11)
        assert given.messages() == {"a": "result"}


def test_a_correction_takes_people_off_the_list() -> None:
    with store() as given:
        given.add([*pool("T", "a", "b"), Result("T", "detected")])
        given.decide(30)
        given.add([Result("T", "not_detected", "C", told=31)])
        given.decide(32)
        assert given.lists() == {"callback a": "cancelled", "callback b": "cancelled"}
        assert given.outcomes() == {"a@T": "not_detected pool", "b@T": "not_detected pool"}


def test_only_what_was_touched_is_decided() -> None:
    with store() as given:
        given.add([fact for n in range(50) for fact in (*pool(f"T{n}", f"a{n}", f"b{n}"), Result(f"T{n}", "not_detected"))])
        assert given.decide(30) == 50
        given.add([Member("U", "z")])
        assert given.decide(30) == 1
        given.add([Result("T7", "detected", "C", told=31)])
        assert given.decide(31) == 1
        given.add([Slot("T8")])
        assert given.decide(31) == 1
        assert given.decide(31) == 0, "a rejected row's place is looked at once"
