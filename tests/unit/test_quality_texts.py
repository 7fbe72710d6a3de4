"""Reasons: every code that a person may meet has a sentence in both languages. Write here when a new kind of code gets texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.domain.words import FileKind, HoldReason
from pipeline.errors import Broken
from pipeline.intake.workbook_child.faults import WorkbookFault
from pipeline.quality.rejects import LANGUAGES
from pipeline.quality.rules import rule_codes
from pipeline.quality.suites import load_suite
from pipeline.quality.texts import reason_text, reasons
from pipeline.stages.answer import REFUSED_BY_PEOPLE

ROOT = Path(__file__).parents[2]
RULES = {rule.code for kind in FileKind for rule in rule_codes(kind)}
JUDGEMENTS = {one["meta"]["reason"] for name in ("manifest_file", "result_file") for one in load_suite(name)["expectations"]}
REFUSALS = {
    code
    for file in (ROOT / "pipeline").rglob("*.py")
    for code in re.findall(r"FileRefused\(\s*\"([a-z0-9_]+)\"", file.read_text(encoding="utf-8"))
} | {fault.value for fault in WorkbookFault}
FOUND_IN_SQL = {"differs_from_earlier"}
SAID_BY_PEOPLE = {REFUSED_BY_PEOPLE}


@pytest.mark.parametrize(
    "code", sorted(RULES | JUDGEMENTS | REFUSALS | FOUND_IN_SQL | SAID_BY_PEOPLE | {reason.value for reason in HoldReason})
)
def test_every_code_has_one_sentence_in_each_language(code: str) -> None:
    for language in LANGUAGES:
        text = reason_text(code, language)
        assert text.endswith(".") and len(text) < 200


def test_the_codes_of_refused_files_are_found_in_the_source() -> None:
    """Else the test above would pass on nothing."""
    assert {"empty", "header_only", "unknown_format"} <= REFUSALS


def test_the_two_languages_are_two() -> None:
    assert [code for code, texts in reasons().items() if texts.keys() != set(LANGUAGES) or texts["vi"] == texts["en"]] == []


@pytest.mark.parametrize(("code", "language"), [("no_such_code", "vi"), ("bad_sex", "fr")])
def test_a_code_without_a_text_is_an_error_that_names_it(code: str, language: str) -> None:
    with pytest.raises(Broken, match=code):
        reason_text(code, language)


def test_a_code_in_two_sections_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "reasons.toml"
    file.write_text('[rule.twice]\nvi = "a."\nen = "b."\n[hold.twice]\nvi = "c."\nen = "d."\n', encoding="utf-8")
    with pytest.raises(Broken):
        reasons(file)
