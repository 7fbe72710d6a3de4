"""What the tests of row rules share: a good row of each kind, a programme's parameters, and the rules run over given rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import duckdb
import pandas as pd

from pipeline.domain.words import FileKind
from pipeline.quality.checks import run_checks

AS_OF = datetime(2026, 11, 20, 12, 0)

PARAMS: dict[str, Any] = {
    "as_of": AS_OF,
    "required": ["full_name", "birth_date", "phone"],
    "max_pool_size": 4,
    "modes": ["double", "field", "lab"],
    "default_mode": "field",
    "own_prefix": "UP",
    "max_cycles": 45,
    "max_collected_age_days": 30,
    "mobile_pattern": r"(?:0|\+?84)(?:3[2-9]|5[25689]|7[06-9]|8[1-9]|9[0-46-9])[0-9]{7}",
}

GOOD: dict[FileKind, dict[str, Any]] = {
    FileKind.MANIFEST: {
        "receipt_no": 1,
        "row_no": 2,
        "problem": "",
        "tube_code": "T-0001",
        "collected_at": "2026-11-19T08:30",
        "full_name": "Đỗ Thị Ánh",
        "birth_date": "1986-05-17",
        "sex": "Nữ",
        "phone": "0901234567",
        "citizen_id": "",
        "address": "",
        "person_code": "",
        "pool_size": "",
        "specimen_code": "",
        "replaces_tube": "",
        "pooling_mode": "",
        "site_code": "",
    },
    FileKind.RESULTS: {
        "receipt_no": 1,
        "row_no": 2,
        "problem": "",
        "tube_code": "T-0001",
        "result": "Âm tính",
        "call": "not_detected",
        "status": "F",
        "tested_at": "2026-11-19T14:00",
        "resulted_at": "",
        "collected_at": "",
        "reject_reason": "",
        "ct": "",
        "plate_code": "",
    },
}


def table(kind: FileKind, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Good rows of one file with the given cells changed, numbered from 2; two rows are two people unless they say otherwise."""
    made = []
    for place, changes in enumerate(rows):
        row = GOOD[kind] | {"row_no": place + 2}
        if kind is FileKind.MANIFEST:
            row["full_name"] = f"Người {place}"
        if changes.get("problem") == "ragged_row":
            row = {name: value if name in ("receipt_no", "row_no") else "" for name, value in row.items()}
        made.append(row | dict(changes))
    frame = pd.DataFrame(made, columns=list(GOOD[kind]))
    return frame.astype({"receipt_no": "int64", "row_no": "int32"})


def checked(kind: FileKind, frame: pd.DataFrame, **params: Any) -> duckdb.DuckDBPyConnection:
    """A connection whose temp table `problem` holds what the rules found in `frame`."""
    connection = duckdb.connect()
    connection.register("incoming", frame)
    run_checks(connection, kind, PARAMS | params)
    return connection


def problems(kind: FileKind, frame: pd.DataFrame, **params: Any) -> set[tuple[str, int, int]]:
    """(rule, receipt_no, row_no) of every finding."""
    with checked(kind, frame, **params) as connection:
        found = connection.execute("SELECT rule, receipt_no, row_no FROM problem").fetchall()
    assert len(found) == len(set(found)), "a row breaks a rule at most once"
    return set(found)


def broken(kind: FileKind, *rows: Mapping[str, Any], **params: Any) -> list[set[str]]:
    """The rules that each of these rows of one file breaks."""
    found = problems(kind, table(kind, rows), **params)
    return [{rule for rule, _, row_no in found if row_no == place + 2} for place in range(len(rows))]
