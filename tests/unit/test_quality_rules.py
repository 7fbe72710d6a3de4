"""Rule files: how they are read, how they are run, and that none is without its texts. Write here what is true of rules as such."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline.domain.words import FileKind
from pipeline.errors import Broken
from pipeline.quality import suites
from pipeline.quality.checks import run_checks
from pipeline.quality.rules import NAMED_BY_QUERY, SQL_ROOT, Severity, parameters_of, rule_codes
from tests.sql.checks_kit import GOOD, PARAMS, checked, table

KINDS = pytest.mark.parametrize("kind", FileKind)


@KINDS
def test_every_rule_names_a_canonical_column(kind: FileKind) -> None:
    assert [rule.code for rule in rule_codes(kind) if rule.column not in (*GOOD[kind], NAMED_BY_QUERY)] == []


@KINDS
def test_rules_use_only_the_parameters_of_the_contract(kind: FileKind) -> None:
    assert frozenset().union(*(rule.parameters for rule in rule_codes(kind))) <= PARAMS.keys()


@KINDS
def test_every_rule_has_an_expectation_and_no_expectation_a_rule_that_is_none(kind: FileKind) -> None:
    suite = suites.load_suite("manifest_rows" if kind is FileKind.MANIFEST else "result_rows")
    stated = {one["meta"]["rule"] for one in suite["expectations"]} - {"no_rows"}
    assert stated == {rule.code for rule in rule_codes(kind)}


def test_the_header_gives_severity_and_column() -> None:
    rules = {rule.code: rule for rule in rule_codes(FileKind.MANIFEST)}
    assert (rules["no_mobile"].severity, rules["no_mobile"].column) == (Severity.WARN, "phone")
    assert (rules["bad_tube_code"].severity, rules["bad_tube_code"].column) == (Severity.REJECT, "tube_code")


def test_parameters_in_comments_do_not_count() -> None:
    assert parameters_of("-- $not_this\nSELECT $this -- \n") == {"this"}


@pytest.mark.parametrize("text", ["SELECT 1", "-- rejct\n-- column: a\nSELECT 1", "-- reject\nSELECT 1"])
def test_a_rule_without_its_header_is_refused(text: str, tmp_path: Path) -> None:
    folder = tmp_path / "checks" / "manifest"
    folder.mkdir(parents=True)
    (folder / "some_rule.sql").write_text(text, encoding="utf-8")
    with pytest.raises(Broken) as error:
        rule_codes(FileKind.MANIFEST, tmp_path)
    assert error.value.fields == {"rule": "some_rule"}


def test_an_installation_without_rules_is_not_one_that_accepts_everything(tmp_path: Path) -> None:
    with pytest.raises(Broken):
        rule_codes(FileKind.RESULTS, tmp_path)


def test_a_missing_parameter_is_named_with_its_rule() -> None:
    frame = table(FileKind.RESULTS, [{}])
    with duckdb.connect() as connection:
        connection.register("incoming", frame)
        with pytest.raises(Broken) as error:
            run_checks(connection, FileKind.RESULTS, {name: value for name, value in PARAMS.items() if name != "as_of"})
    assert error.value.fields == {"rule": "bad_resulted_at", "missing": ["as_of"]}


def test_a_finding_carries_rule_severity_and_column_and_identity_names_its_columns() -> None:
    frame = table(FileKind.MANIFEST, [{"full_name": "", "phone": ""}, {"phone": "024 3825 1234"}])
    with checked(FileKind.MANIFEST, frame) as connection:
        found = connection.execute("SELECT row_no, rule, severity, column_name FROM problem ORDER BY row_no").fetchall()
    assert found == [(2, "missing_identity", "reject", "full_name, phone"), (3, "no_mobile", "warn", "phone")]


@KINDS
def test_only_the_findings_are_left_behind_and_a_second_run_begins_anew(kind: FileKind) -> None:
    frame = table(kind, [{"tube_code": ""}])
    with checked(kind, frame) as connection:
        run_checks(connection, kind, PARAMS)
        tables = connection.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()
        found = connection.execute("SELECT rule FROM problem").fetchall()
    assert (tables, found) == ([("problem",)], [("missing_tube_code",)])


class Counting:
    """A connection that counts what it is asked."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection, self.calls = connection, 0

    def execute(self, query: str, parameters: object = None) -> object:
        self.calls += 1
        return self.connection.execute(query, parameters)


def test_the_number_of_engine_calls_does_not_grow_with_the_files() -> None:
    calls = []
    for files in (1, 50):
        frame = table(FileKind.MANIFEST, [{"receipt_no": number, "tube_code": ""} for number in range(files)])
        with duckdb.connect() as connection:
            connection.register("incoming", frame)
            counting = Counting(connection)
            run_checks(counting, FileKind.MANIFEST, PARAMS)
            calls.append(counting.calls)
    assert calls[0] == calls[1]


def test_sql_of_the_checks_never_matches_in_part() -> None:
    """In DuckDB 2.0 `~` and regexp_matches look for a piece: 'T0001; DROP' would be a code."""
    texts = {file.name: file.read_text(encoding="utf-8") for file in (SQL_ROOT / "checks").rglob("*.sql")}
    assert [name for name, text in texts.items() if "regexp_matches" in text or " ~ " in text] == []


@KINDS
def test_a_null_is_refused_since_no_rule_would_see_it(kind: FileKind) -> None:
    frame = table(kind, [{}, {"tube_code": None}])
    with pytest.raises(Broken, match="NULL"):
        checked(kind, frame)
