"""The closed sets: what their values are (they stand in files and tables for years), and what is said of each of their members."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil

from pipeline import domain
from pipeline.domain.columns import DATE_COLUMNS, IDENTITY_COLUMNS, MANIFEST_COLUMNS, RESULT_COLUMNS
from pipeline.domain.identity import IdProblem, Sex
from pipeline.domain.words import (
    Call,
    Choice,
    FileKind,
    HoldReason,
    MessageState,
    Mode,
    Outcome,
    PersonState,
    Purpose,
    RejectReason,
    Result,
    Role,
    Silence,
    Status,
    Verdict,
)


def test_words_are_those_of_the_contract() -> None:
    assert list(Result) == ["detected", "not_detected"]
    assert list(Silence) == ["wrong_number", "opted_out"]
    assert list(Role) == ["team", "lab", "operator", "admin"]
    assert [role.has_place for role in Role] == [True, True, False, False]
    assert list(Call) == ["detected", "not_detected", "inconclusive", "invalid", "rejected"]
    assert list(Status) == ["P", "F", "C", "W", "X"]
    assert list(Mode) == ["field", "lab", "double"]
    assert list(PersonState) == ["registered", "at_lab", "own_test_needed", "ready", "come_again", "withdrawn", "not_found"]
    assert list(Purpose) == ["result", "own_test", "come_again", "withdrawn", "not_found", "link"]
    assert list(MessageState) == [
        "queued", "sending", "sent", "delivered", "undelivered", "failed", "unknown", "superseded", "too_old", "no_phone", "over_limit",
    ]  # fmt: skip
    assert list(HoldReason) == [
        "unmatched", "overdue", "discordant", "contradiction", "relabelled", "shared_tube", "conflict", "incomplete", "file_held",
        "sample_disagrees", "send_failed", "unopened", "lab_shifted", "lab_silent", "too_many_messages", "wrong_number", "retention_waits",
    ]  # fmt: skip
    assert list(Choice) == ["release", "refuse"]
    assert list(FileKind) == ["manifest", "results"]
    assert list(Verdict) == ["waiting", "accepted", "held", "refused"]
    assert list(RejectReason) == [
        "leaked", "broken", "insufficient", "unlabelled", "too_old", "contaminated", "wrong_container", "empty", "other",
    ]  # fmt: skip
    assert list(Sex) == ["M", "F"]
    assert list(IdProblem) == ["not_12_digits", "birth_year_disagrees", "sex_disagrees", "unknown_province"]


def test_ends_are_the_five_of_the_domain() -> None:
    ends = {"not_detected", "detected", "recollect", "withdrawn", "lost"}
    assert {outcome: outcome.is_end for outcome in Outcome} == {outcome: outcome in ends for outcome in Outcome}


def test_to_let_go_takes_two_people_and_to_stop_one() -> None:
    assert {choice.value: choice.people for choice in Choice} == {"release": 2, "refuse": 1}


def test_columns_that_say_something_of_columns_are_columns() -> None:
    assert set(IDENTITY_COLUMNS) <= set(MANIFEST_COLUMNS)
    assert set(DATE_COLUMNS) <= {*MANIFEST_COLUMNS, *RESULT_COLUMNS}


def test_values_of_the_domain_never_change() -> None:
    modules = [importlib.import_module(f"{domain.__name__}.{one.name}") for one in pkgutil.iter_modules(domain.__path__)]
    values = {value for module in modules for value in vars(module).values() if inspect.isclass(value) and dataclasses.is_dataclass(value)}
    assert len(values) >= 4
    assert [value.__name__ for value in values if not value.__dataclass_params__.frozen] == []
