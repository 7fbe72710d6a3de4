"""What is overdue between a lab and a team; and whom to ask where no lab has said a word."""

from __future__ import annotations

from tests.facts import DAY0, Fact, Member, Result, store


def overdue(*facts: Fact) -> list[tuple[str, str, str, int, int]]:
    """(lab, usual lab, team, codes, specimens), two and a half days after the first day."""
    with store() as made:
        made.add(facts)
        made.decide(60)
        made.warehouse.run("report/tube_book", since=DAY0.date(), window_days=7)
        return [tuple(row.values())[:5] for row in made.warehouse.dicts("report/overdue")]


def tubes_of(team: str, *labs: str) -> list[Fact]:
    """Tubes of a team that labs have tested."""
    codes = [f"{team}{number}" for number in range(len(labs))]
    return [Member(code, code, team=team) for code in codes] + [
        Result(code, "not_detected", lab=lab) for code, lab in zip(codes, labs, strict=True)
    ]


def test_a_tube_that_no_lab_named_is_asked_for_at_the_team_s_usual_lab() -> None:
    silent = [Member("LOST1", "a", team="TEAM1"), Member("LOST2", "b", team="TEAM1"), Member("LOST3", "c", team="TEAM2")]
    found = overdue(*silent, *tubes_of("TEAM1", "LAB2", "LAB1", "LAB2"), *tubes_of("TEAM3", "LAB3"))
    assert found == [("", "LAB2", "TEAM1", 2, 2), ("", "", "TEAM2", 1, 1)]


def test_of_labs_that_tested_as_many_the_first_by_code_is_asked() -> None:
    assert overdue(Member("LOST1", "a", team="TEAM1"), *tubes_of("TEAM1", "LAB2", "LAB1")) == [("", "LAB1", "TEAM1", 1, 1)]


def test_a_kept_specimen_is_overdue_at_the_lab_that_has_it() -> None:
    kept = (Member("T1", "a", own="A1"), Member("T1", "b", own="B1"), Result("T1", "detected", hours=5, lab="LAB7"))
    assert overdue(*kept, *tubes_of("TEAM1", "LAB2", "LAB2")) == [("LAB7", "", "TEAM1", 2, 2)]
