"""The row rules as they stand in `sql/checks/<kind>/<rule code>.sql`: a file is a rule, its name is the code that senders read.

First line `-- reject` or `-- warn`, second `-- column: <canonical column>` (`*`: the SELECT names it as `column_name`), then why, then
one SELECT of the offending (receipt_no, row_no), each once. A file whose name begins with `_` prepares what rules share.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from pipeline.domain.words import FileKind
from pipeline.errors import Broken

SQL_ROOT = Path(__file__).parents[2] / "sql"

# A rule whose SELECT names the column itself.
NAMED_BY_QUERY = "*"

_HEADER = re.compile(r"-- (reject|warn)\n-- column: (\*|[a-z_]+)\n")
_PARAMETER = re.compile(r"\$([a-z_]+)")


class Severity(StrEnum):
    """Whether a row with this finding comes back to the sender, or is accepted and counted as warned."""

    REJECT = "reject"
    WARN = "warn"


@dataclass(frozen=True)
class Rule:
    """`column` is the canonical column that the sender should look at, or `NAMED_BY_QUERY`."""

    code: str
    severity: Severity
    column: str
    sql: str

    @property
    def parameters(self) -> frozenset[str]:
        return parameters_of(self.sql)


def parameters_of(sql: str) -> frozenset[str]:
    """The `$names` that a statement binds: DuckDB refuses a parameter too many as it does one too few."""
    code = "\n".join(line for line in sql.splitlines() if not line.startswith("--"))
    return frozenset(_PARAMETER.findall(code))


@cache
def rule_codes(kind: FileKind, sql_root: Path = SQL_ROOT) -> tuple[Rule, ...]:
    """All rules of a kind, by code. Raises Broken where a file lacks its header or the kind has no rules."""
    files = sorted(file for file in _folder(kind, sql_root).glob("*.sql") if not file.name.startswith("_"))
    if not files:
        raise Broken("no row rules found: sql/checks is missing from this installation", kind=kind.value)
    return tuple(_rule(file) for file in files)


@cache
def preparations(kind: FileKind, sql_root: Path = SQL_ROOT) -> tuple[str, ...]:
    """Statements to run before the rules, in order: shared macros, then the temp tables of this kind."""
    files = [sql_root / "checks" / "_macros.sql", *sorted(_folder(kind, sql_root).glob("_*.sql"))]
    return tuple(file.read_text(encoding="utf-8") for file in files)


def _folder(kind: FileKind, sql_root: Path) -> Path:
    return sql_root / "checks" / kind.value


def _rule(file: Path) -> Rule:
    sql = file.read_text(encoding="utf-8")
    header = _HEADER.match(sql)
    if header is None:
        raise Broken("a rule file must begin with `-- reject` or `-- warn`, then `-- column: <name>`", rule=file.stem)
    return Rule(file.stem, Severity(header[1]), header[2], sql)
