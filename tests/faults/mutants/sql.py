"""Mutants of an SQL statement: one wrong word each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# What is written, and what a slip would write instead. Each place is a mutant of its own.
SLIPS: tuple[tuple[str, str], ...] = (
    (r"(?<=\s)=(?=\s)", "<>"),
    (r"(?<=\s)<>(?=\s)", "="),
    (r"(?<=\s)<(?=\s)", "<="),
    (r"(?<=\s)<=(?=\s)", "<"),
    (r"(?<=\s)>(?=\s)", ">="),
    (r"(?<=\s)>=(?=\s)", ">"),
    (r"\bAND\b", "OR"),
    (r"\bOR\b(?! REPLACE)", "AND"),
    (r"(?<!IS )\bNOT (?!NULL|MATERIALIZED|IN\b)", ""),
    (r"\bNOT IN\b", "IN"),
    (r"\bIS NOT NULL\b", "IS NULL"),
    (r"\bIS NULL\b", "IS NOT NULL"),
    (r"\bLEFT JOIN\b", "JOIN"),
    (r"\bFULL JOIN\b", "JOIN"),
    (r"\bSEMI JOIN\b", "ANTI JOIN"),
    (r"\bANTI JOIN\b", "SEMI JOIN"),
    (r"\bmin\(", "max("),
    (r"\bmax\(", "min("),
    (r"\bleast\(", "greatest("),
    (r"\bgreatest\(", "least("),
    (r"\bbool_or\(", "bool_and("),
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
    (r"'detected'", "'not_detected'"),
    (r"'not_detected'", "'detected'"),
    (r"'none'", "'repeat'"),
    (r"'invalid'", "'inconclusive'"),
    (r"'F'", "'P'"),
    (r"'C'", "'F'"),
    # EXISTS asks whether there is such a row, not what is selected of it.
    (r"(?<!\bEXISTS \(SELECT )(?<!\bEXISTS\(SELECT )\b1\b(?! (?:THEN|DAY|SECOND))", "2"),
)
# A whole branch, condition or part of a union left out.
_BRANCH = re.compile(r"^\s*WHEN .*?(?=^\s*(?:WHEN|ELSE|END))", re.MULTILINE | re.DOTALL)
_CONDITION = re.compile(r"^\s*(?:AND|OR) .*\n", re.MULTILINE)
_WHERE = re.compile(r"\bWHERE (?!rowid)[^()\n]+(?=\n|\))")
_COMMENT = re.compile(r"--.*")


@dataclass(frozen=True)
class Mutant:
    """`what` is the change; `text` is the whole changed source."""

    file: str
    line: int
    what: str
    text: str


def mutants(file: str, text: str) -> Iterator[Mutant]:
    """All mutants of one statement. Comments are left alone."""
    comments = [match.span() for match in _COMMENT.finditer(text)]

    def is_code(at: int) -> bool:
        return not any(start <= at < end for start, end in comments)

    for pattern, instead in SLIPS:
        for match in re.finditer(pattern, text):
            if is_code(match.start()):
                yield _made(file, text, match, instead, f"{match[0].strip()} → {instead or 'nothing'}")
    for pattern, what in ((_BRANCH, "a branch is missing"), (_CONDITION, "a condition is missing"), (_WHERE, "no WHERE")):
        for match in pattern.finditer(text):
            if is_code(match.start()):
                yield _made(file, text, match, "", what)


def _made(file: str, text: str, match: re.Match[str], instead: str, what: str) -> Mutant:
    line = text.count("\n", 0, match.start() + len(match[0]) - len(match[0].lstrip())) + 1
    return Mutant(file, line, what, text[: match.start()] + instead + text[match.end() :])
