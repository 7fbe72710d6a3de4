"""The judge by Great Expectations: what becomes of a file, and whether the rows that our SQL accepted are good in other words too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

from pipeline.domain.words import FileKind, Verdict
from pipeline.errors import Broken
from pipeline.quality import data_docs
from pipeline.quality.rules import Severity, rule_codes
from pipeline.quality.second import suite_parameters, with_readings
from pipeline.quality.suites import Finding, validate

if TYPE_CHECKING:
    import pandas as pd

# A lab whose positivity is this many times its own history, and above the floor, is asked before anything is released.
JUMP_FACTOR = 5.0
JUMP_FLOOR = 0.5

SHIFTS = ("shift", "shift_limit", "invalid_shift", "invalid_shift_limit")
# Why a file is held for what its lab did of late, not for what is in it: one question about the lab stands for all such files.
LAB_SHIFTS = ("lab_positivity_shifted", "lab_invalid_shifted")
NO_ROWS = "no_rows"
_VERDICTS = {"hold": Verdict.HELD, "refuse": Verdict.REFUSED}


@dataclass(frozen=True)
class Judgement:
    """`reason` is '' for an accepted file, else a code of texts/reasons.toml."""

    verdict: Verdict
    reason: str


def judge_files(profiles: pd.DataFrame, kind: FileKind, docs_dir: Path) -> dict[int, Judgement]:
    """A verdict for each file: receipt_no → judgement. Refusing beats holding; among equals the suite's order decides.

    profiles: one row a file: receipt_no, rows, rejected, share_rejected (0 to 1), warned, tubes, people_per_tube_max,
    share_unknown_word, positivity (None where no tube has an answer), lab_positivity (None below 200 results), age_hours_max; of results
    also share_old, shift, shift_limit, invalid_shift, invalid_shift_limit (None below 200 results on either side).
    """
    if profiles.empty:
        return {}
    frame = profiles.reset_index(drop=True)
    if kind is FileKind.RESULTS:
        frame = _with_limits(frame)
    name = _suite(kind, "file")
    findings = validate(frame, name)
    receipts = [int(number) for number in frame["receipt_no"]]
    judgements = {number: Judgement(Verdict.ACCEPTED, "") for number in receipts}
    for finding in findings:
        verdict = _verdict(finding)
        for place in finding.failing:
            standing = judgements[receipts[place]]
            if standing.verdict is Verdict.ACCEPTED or (standing.verdict is Verdict.HELD and verdict is Verdict.REFUSED):
                judgements[receipts[place]] = Judgement(verdict, finding.meta["reason"])
        if not finding.success and not finding.failing:
            raise Broken("an expectation about a whole batch failed without naming a file", suite=name, expectation=finding.expectation)
    data_docs.write_files_page(docs_dir, name, frame, findings, {number: (one.verdict, one.reason) for number, one in judgements.items()})
    return judgements


def judge_rows(sample: pd.DataFrame, kind: FileKind, docs_dir: Path, params: Mapping[str, Any]) -> list[str]:
    """Codes of the reject rules that rows break in Great Expectations' reading; empty is good, `no_rows` stands for an empty sample.

    sample: rows that our SQL accepted, canonical columns as for `run_checks`. params: the same as for `run_checks`.
    """
    name = _suite(kind, "rows")
    findings = [] if sample.empty else row_findings(sample, kind, params)
    data_docs.write_rows_page(docs_dir, name, sample, findings)
    if not findings:
        return [NO_ROWS]
    warnings = {rule.code for rule in rule_codes(kind) if rule.severity is Severity.WARN}
    return list(dict.fromkeys(one.meta["rule"] for one in findings if not one.success and one.meta["rule"] not in warnings))


def row_findings(cells: pd.DataFrame, kind: FileKind, params: Mapping[str, Any]) -> list[Finding]:
    """Every expectation of the row suite over `cells`; failing rows by their position. Several may state one rule together."""
    return validate(with_readings(cells, kind, params), _suite(kind, "rows"), suite_parameters(params))


def _suite(kind: FileKind, about: str) -> str:
    match kind:
        case FileKind.MANIFEST:
            return f"manifest_{about}"
        case FileKind.RESULTS:
            return f"result_{about}"
        case _:
            assert_never(kind)


def _with_limits(profiles: pd.DataFrame) -> pd.DataFrame:
    history = profiles["lab_positivity"].astype("float64")
    return profiles.assign(
        results=profiles["rows"] - profiles["rejected"],
        positivity=profiles["positivity"].astype("float64"),
        positivity_limit=(history * JUMP_FACTOR).clip(lower=JUMP_FLOOR).fillna(JUMP_FLOOR),
        # A column of nothing but None is no column of numbers.
        **{name: profiles[name].astype("float64") for name in SHIFTS},
    )


def _verdict(finding: Finding) -> Verdict:
    try:
        return _VERDICTS[finding.meta["verdict"]]
    except KeyError:
        raise Broken("an expectation's meta.verdict must be hold or refuse", expectation=finding.expectation) from None
