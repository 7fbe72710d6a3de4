"""The closed sets: what their values are (they stand in files and tables for years), and that `is_end` has a case for each outcome."""

from __future__ import annotations

from pipeline.domain.words import Call, MessageState, Mode, Outcome, PersonState, Purpose, Status


def test_words_are_those_of_the_contract() -> None:
    assert list(Call) == ["detected", "not_detected", "inconclusive", "invalid", "rejected"]
    assert list(Status) == ["P", "F", "C", "W", "X"]
    assert list(Mode) == ["field", "lab", "double"]
    assert list(PersonState) == ["registered", "at_lab", "own_test_needed", "ready", "come_again", "withdrawn", "not_found"]
    assert list(Purpose) == ["result", "own_test", "come_again", "withdrawn", "not_found"]
    assert len(MessageState) == 10


def test_ends_are_the_five_of_the_domain() -> None:
    assert [outcome for outcome in Outcome if outcome.is_end] == ["not_detected", "detected", "recollect", "withdrawn", "lost"]
