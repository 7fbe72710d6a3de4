"""Row rules over a whole batch: the number of engine calls is the number of rules, however many files the batch has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from pipeline.domain.words import FileKind
from pipeline.errors import Broken
from pipeline.quality.rules import NAMED_BY_QUERY, SQL_ROOT, Rule, parameters_of, preparations, rule_codes

_PROBLEM = """
CREATE OR REPLACE TEMP TABLE problem (
    receipt_no BIGINT NOT NULL, row_no INTEGER NOT NULL, rule VARCHAR NOT NULL, severity VARCHAR NOT NULL, column_name VARCHAR NOT NULL
)
"""

_PREPARED = re.compile(r"^CREATE OR REPLACE TEMP TABLE ([a-z_]+)", re.MULTILINE)


class Connection(Protocol):
    """What is needed of a DuckDB connection: DuckDB itself is opened by `pipeline.warehouse` only."""

    def execute(self, query: str, parameters: Any = None) -> Any: ...


def run_checks(connection: Connection, kind: FileKind, params: Mapping[str, object], sql_root: Path = SQL_ROOT) -> None:
    """Run every rule of `kind` over the table `incoming` and leave its findings in the temp table `problem`.

    `incoming` has the canonical columns of `kind`, with receipt_no, row_no and problem; results also have `call`. No cell is NULL.
    `params`: as_of (naive local time), required, max_pool_size, modes, default_mode, own_prefix, max_cycles,
    max_collected_age_days, mobile_pattern; more than a rule names is fine. Raises Broken, naming rule and parameter, on one too few,
    and on a NULL.
    A row breaks a rule at most once; a row may break several rules.
    """
    _refuse_nulls(connection, kind)
    connection.execute(_PROBLEM)
    for statement in preparations(kind, sql_root):
        connection.execute(statement, _bound(statement, params, "preparation"))
    for rule in rule_codes(kind, sql_root):
        statement = _insert(rule)
        bound = {"rule": rule.code, "severity": rule.severity.value} | _bound(rule.sql, params, rule.code)
        connection.execute(statement, bound if rule.column == NAMED_BY_QUERY else bound | {"column": rule.column})
    for table in _prepared_tables(kind, sql_root):
        connection.execute(f"DROP TABLE temp.{table}")


def _refuse_nulls(connection: Connection, kind: FileKind) -> None:
    """A comparison with NULL is neither true nor false: no rule would reject such a cell, so it must not come this far."""
    rows, *filled = connection.execute("SELECT count(*), count(COLUMNS(*)) FROM incoming").fetchone()
    if any(count != rows for count in filled):
        raise Broken("the table `incoming` holds a NULL: an empty cell is ''", kind=kind.value, rows=rows)


def _insert(rule: Rule) -> str:
    """The rule's own SELECT in brackets. Rule files are ours and part of the installation; every value stays a parameter."""
    column = "column_name" if rule.column == NAMED_BY_QUERY else "$column"
    return f"INSERT INTO problem SELECT receipt_no, row_no, $rule, $severity, {column} FROM (\n{rule.sql}\n)"  # noqa: S608


def _prepared_tables(kind: FileKind, sql_root: Path) -> list[str]:
    """What only the rules read: they end with them, since they hold codes and hashes of people."""
    return [name for statement in preparations(kind, sql_root) for name in _PREPARED.findall(statement)]


def _bound(sql: str, params: Mapping[str, object], rule: str) -> dict[str, object]:
    names = parameters_of(sql)
    if missing := names - params.keys():
        raise Broken("a row rule names a parameter that is not given", rule=rule, missing=sorted(missing))
    return {name: params[name] for name in names}
