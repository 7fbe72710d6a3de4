"""The SQL rules and the Great Expectations suites find the same rows. Two readings written apart agree, or one of them is wrong.

Write here only what holds for every table; a single cell that a rule must know belongs to tests/sql.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.domain.words import FileKind
from pipeline.formats import load_formats
from pipeline.intake.readers import Reading
from pipeline.programme import load_programme
from pipeline.quality.judge import row_findings
from pipeline.quality.rules import rule_codes
from tests.files.kit import DATA, needs_data, outcome
from tests.files.test_exports import EVERY
from tests.sql import test_checks_manifest, test_checks_results
from tests.sql.checks_kit import GOOD, PARAMS, problems, table

# A file in a generated table. Rules look at files apart, so one table holds many small ones: Great Expectations costs a second a table.
FILES, ROWS = 40, 6

# Of the real files, those that are read: the others are refused (tests/files).
READ = {FileKind.MANIFEST: 1, FileKind.RESULTS: 49}

TIMES = ["", "2026-11-19", "2026-11-19T08:30", "2026-11-19 08:30:59", "2026-11-20T13:00", "2026-11-20T13:01", "2026-11-21", "2026-10-20",
         "2026-10-21", "2026-02-29", "2024-02-29", "19/11/2026", "2026-11-19T24:00", "2026-11-19T23:59:60", "0999-01-01", "2026-W47-4", "46345"]  # fmt: skip
CODES = ["", "T-0001", "t 0001", "T0001", "T-0002", "S-01", "S01", "S02", "AB", "T０００１", "ſ0001", "ı001", "K001", "UPHN0042", "UPHN0042S",
         "UPHN-0042 s", "A" * 33, "T0001\u00a0", "\n", "T\t0001", "T\v0001"]  # fmt: skip
CTS = ["", "23.1", "23,1", "N=23.1;ORF1ab=24", "N=41350", "45", "45.1", "N=46;S=", "undetermıned", "NaN", "n/a", "a=b=3", "1e1", "٢٣",
       "50000.0", "50000.1", ";", "N=20;41350 "]  # fmt: skip
POOLS: dict[FileKind, dict[str, list[str]]] = {
    FileKind.MANIFEST: {
        "problem": ["", "", "", "", "", "", "ragged_row", "number_as_code:tube_code", "merged_cells:problem"],
        "tube_code": CODES,
        "collected_at": TIMES,
        "full_name": ["", "Một Người", "MỘT  người", "Đỗ Đạt", "do dat", "O'Brien", "İstanbul"],
        "birth_date": ["", "1986", "1986-05-17", "1879", "2026-11-20", "2027", "1986-02-30", "1986-W05-1", "17/05/1986", "86"],
        "sex": ["", "Nam", "NỮ", "Nữ", "M", "f", "Khác", "nma", "İ"],
        "phone": ["", "0901234567", "+84 90 123 4567", "024 (3825) 1234", "O901234567", "٠٩٠١٢٣٤٥٦٧", "0901"],
        "citizen_id": ["", "", "", "079186001234", "079086001234", "003186001234", "07918600123", "138386001234", "07918600123٤"],
        "person_code": ["", "", "P1", "P2"],
        "pool_size": ["", "", "2", "02", "4", "5", "0", "2x5", "٣", "9999999"],
        "specimen_code": CODES,
        "replaces_tube": ["", "", *CODES],
        "pooling_mode": ["", "", "field", "Lab", "double", "gộp"],
    },
    FileKind.RESULTS: {
        "problem": ["", "", "", "", "", "", "ragged_row", "number_as_code:tube_code", "merged_cells:problem"],
        "tube_code": CODES,
        "result": ["", "Âm tính", "neg"],
        "call": ["", "detected", "not_detected", "rejected", "Detected"],
        "status": ["P", "F", "C", "W", "X", "", "f"],
        "tested_at": TIMES,
        "resulted_at": TIMES,
        "collected_at": TIMES,
        "reject_reason": ["", "leaked", "dirty", "-"],
        "ct": CTS,
    },
}


def agree(kind: FileKind, cells: pd.DataFrame) -> dict[str, int]:
    """How many rows each rule found, after asserting that both engines found the same."""
    places = list(zip(cells["receipt_no"].tolist(), cells["row_no"].tolist(), strict=True))
    by_gx = {(one.meta["rule"], *places[place]) for one in row_findings(cells, kind, PARAMS) for place in one.failing}
    by_sql = problems(kind, cells)
    assert by_sql - by_gx == set(), "found by SQL alone"
    assert by_gx - by_sql == set(), "found by Great Expectations alone"
    return {rule.code: sum(found == rule.code for found, _, _ in by_sql) for rule in rule_codes(kind)}


def known_cases(kind: FileKind) -> pd.DataFrame:
    """Every case of the rule tables in tests/sql, a file each."""
    module = test_checks_manifest if kind is FileKind.MANIFEST else test_checks_results
    groups = [[row] for bad, good in module.CELLS.values() for row in (*bad, *good)]
    groups += [rows for cases in getattr(module, "TUBES", {}).values() for rows, _ in cases]
    frames = [
        table(kind, [row | {"receipt_no": 2 * number + row.get("receipt_no", 1)} for row in rows]) for number, rows in enumerate(groups)
    ]
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize("kind", FileKind)
def test_they_agree_on_every_known_case_and_every_rule_is_among_them(kind: FileKind) -> None:
    found = agree(kind, known_cases(kind))
    assert [rule for rule, count in found.items() if count == 0] == []


@needs_data
@pytest.mark.real_data
def test_F20_they_agree_on_every_row_that_is_read_of_every_real_file() -> None:
    """Each file a receipt of its own."""
    frames: dict[FileKind, list[pd.DataFrame]] = {kind: [] for kind in FileKind}
    formats = (*EVERY, *(one for one in load_formats(load_programme("floodlamp")) if one.name not in {known.name for known in EVERY}))
    paths = [
        path
        for folder in ("lab_exports", "submissions", "corpora", "floodlamp_cosp")
        for path in sorted((DATA / folder).rglob("*"))
        if path.is_file()
    ]
    for number, path in enumerate(paths):
        found = outcome(path.read_bytes(), path.name, formats)
        if isinstance(found, Reading):
            cells = found.table.to_pandas().assign(receipt_no=number)
            frames[found.kind].append(cells.reindex(columns=list(GOOD[found.kind]), fill_value=""))
    assert (len(frames[FileKind.MANIFEST]), len(frames[FileKind.RESULTS])) == (READ[FileKind.MANIFEST], READ[FileKind.RESULTS])
    for kind, of_kind in frames.items():
        if of_kind:
            found_in = agree(kind, pd.concat(of_kind, ignore_index=True).astype({"receipt_no": "int64", "row_no": "int32"}))
            assert sum(found_in.values()) > 0, "a comparison in which no rule finds anything says little"


def tables(kind: FileKind) -> st.SearchStrategy[pd.DataFrame]:
    """Tables of many small files. Half of a row's cells stay good, or no rule beyond the first would ever be reached."""
    cells = {name: st.one_of(st.just(GOOD[kind][name]), st.sampled_from(values)) for name, values in POOLS[kind].items()}

    def frame(files: list[list[dict[str, Any]]]) -> pd.DataFrame:
        made = []
        for number, rows in enumerate(files, start=1):
            for place, row in enumerate(rows):
                row = GOOD[kind] | row | {"receipt_no": number, "row_no": place + 2}
                if row["problem"] == "ragged_row":
                    row |= {name: "" for name in GOOD[kind] if name not in ("receipt_no", "row_no", "problem")}
                made.append(row)
        return pd.DataFrame(made, columns=list(GOOD[kind])).astype({"receipt_no": "int64", "row_no": "int32"})

    one_file = st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=ROWS)
    return st.lists(one_file, min_size=FILES, max_size=FILES).map(frame)


SLOW = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))


@SLOW
@given(tables(FileKind.MANIFEST))
def test_they_agree_on_generated_manifests(cells: pd.DataFrame) -> None:
    agree(FileKind.MANIFEST, cells)


@SLOW
@given(tables(FileKind.RESULTS))
def test_they_agree_on_generated_results(cells: pd.DataFrame) -> None:
    agree(FileKind.RESULTS, cells)


ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)


@SLOW
@given(st.lists(st.tuples(*[ANY_TEXT] * 6), min_size=200, max_size=200))
def test_F21_they_agree_on_any_text_in_the_cells_that_are_parsed(texts: list[tuple[str, ...]]) -> None:
    names = ("tube_code", "collected_at", "birth_date", "citizen_id", "pool_size", "phone")
    agree(
        FileKind.MANIFEST, table(FileKind.MANIFEST, [dict(zip(names, row, strict=True)) | {"receipt_no": n} for n, row in enumerate(texts)])
    )


@pytest.mark.parametrize("kind", FileKind)
def test_a_rule_that_one_engine_lacks_is_noticed(kind: FileKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard itself: with one expectation switched off, agreement fails."""
    import pipeline.quality.judge as judge

    whole = judge.validate
    monkeypatch.setattr(judge, "validate", lambda *given: [one for one in whole(*given) if one.meta["rule"] != "bad_tube_code"])
    with pytest.raises(AssertionError, match="found by SQL alone"):
        agree(kind, known_cases(kind))
