"""What may stand where: rules of the house as functions over the repository's files. Each rule is broken once to see it fail."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_MODULE, LONGEST_FUNCTION, LONGEST_DAG = 500, 60, 120

# Which rooms may use a library, beside import-linter's contracts: these look at every file, also at those that no contract lists.
ROOMS = {
    "duckdb": ("pipeline/warehouse/",),
    "sqlalchemy": ("pipeline/ledger/",),
    "alembic": ("pipeline/ledger/",),
    "psycopg": ("pipeline/ledger/",),
    "twilio": ("pipeline/delivery/",),
    "great_expectations": ("pipeline/quality/",),
    "airflow": ("dags/",),
    "reportlab": ("pipeline/papers/",),
    "cryptography": ("pipeline/vault/", "pipeline/intake/archive.py"),
    "fastapi": ("pipeline/delivery/stand_in.py", "pipeline/web/"),
    "typer": ("pipeline/__main__.py", "pipeline/commands/"),
    "argon2": ("pipeline/vault/",),
    "authlib": ("pipeline/web/desk/provider.py",),
}
# Who reads the environment: the settings are handed on from there. GX can be silenced in no other way.
ENVIRONMENT = ("pipeline/__main__.py", "pipeline/commands/", "pipeline/launcher/", "dags/", "pipeline/quality/suites.py")
SQL_IN_PYTHON = ("pipeline/ledger/", "pipeline/quality/")
# Not statements about anybody's data: what a transaction and a temporary table need.
SQL_OF_THE_CONNECTION = ('DROP TABLE IF EXISTS temp."',)
_STATEMENT = re.compile(
    r"\s*(SELECT\s|INSERT INTO\s|UPDATE \S+ SET\s|DELETE FROM\s|CREATE (OR REPLACE )?(TEMP|TABLE|VIEW)|DROP\s|ALTER\s|COPY\s|ATTACH\s|WITH \S+ AS\s)"
)
_ADDRESS = re.compile(r"https?://([^\s\"'/:)>]+)")
# This machine, names that are nobody's (RFC 2606 and our sample's), and pages that a person is told to read.
HOSTS = re.compile(r"127\.0\.0\.1|localhost|([a-z.-]+\.)?example(\.vn|\.com|\.org)?|www\.twilio\.com|www\.w3\.org")
# Any package index: by the words that bring one in, since no host of one is named here either.
INDEX_HOSTS = re.compile(r"(PIP|UV)_[A-Z_]*IND[E]X|--(extra-)?index[-]url|--find[-]links|/sim[p]le/")
# What stands for a part of a name that is put in.
_ANY = "[a-z_]+"
# Found by listing their folder.
LISTED = ("sql/verify/", "sql/checks/")


def files(root: Path, *patterns: str) -> Iterator[tuple[str, str]]:
    """(path from the root, text) of the product's files."""
    for pattern in patterns:
        for path in sorted(root.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                # Some are no text (the reader's wasm): an address in one is found all the same.
                yield path.relative_to(root).as_posix(), path.read_text(encoding="utf-8", errors="replace")


def code(root: Path) -> Iterator[tuple[str, ast.Module, str]]:
    for path, text in files(root, "pipeline/**/*.py", "dags/**/*.py"):
        yield path, ast.parse(text), text


def long_modules(root: Path) -> Iterator[str]:
    for path, text in files(root, "pipeline/**/*.py", "dags/**/*.py", "tests/**/*.py", "data_samples/**/*.py"):
        if len(text.splitlines()) > LONGEST_MODULE:
            yield path


def long_functions(root: Path) -> Iterator[str]:
    for path, tree, _ in code(root):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _lines(node) > LONGEST_FUNCTION:
                yield f"{path}:{node.lineno} {node.name} has {_lines(node)} lines"


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The function's own lines: one that holds others, as an application's factory does, is as long as what is not in them."""
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    inner = [one for one in ast.walk(node) if one is not node and isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    return whole - sum((one.end_lineno or one.lineno) - one.lineno + 1 for one in inner)


def long_dags(root: Path) -> Iterator[str]:
    for path, text in files(root, "dags/*.py"):
        if len(text.splitlines()) > LONGEST_DAG:
            yield path


def modules_without_a_word(root: Path) -> Iterator[str]:
    for path, tree, text in code(root):
        if text.strip() and not ast.get_docstring(tree):
            yield path


def libraries_in_the_wrong_room(root: Path) -> Iterator[str]:
    for path, tree, _ in code(root):
        for name, line in _imported(tree):
            package = name.partition(".")[0]
            if package in ROOMS and not path.startswith(ROOMS[package]):
                yield f"{path}:{line} {package}"


def great_expectations_at_import(root: Path) -> Iterator[str]:
    """It takes seconds: only inside functions."""
    for path, tree, _ in code(root):
        for node in tree.body:
            if any(name.startswith("great_expectations") for name, _ in _imported(ast.Module([node], []))) and isinstance(
                node, ast.Import | ast.ImportFrom
            ):
                yield f"{path}:{node.lineno}"


def _imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno


def sql_in_python(root: Path) -> Iterator[str]:
    for path, tree, _ in code(root):
        if path.startswith(SQL_IN_PYTHON):
            continue
        for text, line in _texts(tree):
            if _STATEMENT.match(text) and not text.startswith(SQL_OF_THE_CONNECTION):
                yield f"{path}:{line}"


def readers_of_the_environment(root: Path) -> Iterator[str]:
    for path, tree, _ in code(root):
        for node in ast.walk(tree):
            reads = isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
            if reads and isinstance(node.value, ast.Name) and node.value.id == "os" and not path.startswith(ENVIRONMENT):
                yield f"{path}:{node.lineno}"


def foreign_hosts(root: Path) -> Iterator[str]:
    patterns = ("pipeline/**/*.*", "dags/*.py", "sql/**/*.sql", "expectations/*", "Makefile", "pyproject.toml", "constraints.txt", ".ci/*")
    for path, text in files(root, *patterns):
        for number, line in enumerate(text.splitlines(), 1):
            hosts = [host for host in _ADDRESS.findall(line) if not host.startswith("{") and not HOSTS.fullmatch(host)]
            if hosts or INDEX_HOSTS.search(line):
                yield f"{path}:{number} {hosts}"


def unused_sql(root: Path) -> Iterator[str]:
    """A statement is named where it is run: whole ("intake/batches"), in part (f"intake/{word}_typed"), or by itself (f"decide/{step}")."""
    texts, patterns = _names(root)
    for path, _ in files(root, "sql/**/*.sql"):
        name = path.removeprefix("sql/").removesuffix(".sql")
        folder, _, stem = name.rpartition("/")
        named_in_part = any(re.fullmatch(pattern, name) for pattern in patterns if not pattern.endswith(f"/{_ANY}"))
        named_by_itself = stem in texts and f"{folder}/{_ANY}" in patterns
        if not (name in texts or named_in_part or named_by_itself or path.startswith(LISTED)):
            yield path


def missing_sql(root: Path) -> Iterator[str]:
    """Every name that code runs is a file."""
    there = {path.removeprefix("sql/").removesuffix(".sql") for path, _ in files(root, "sql/**/*.sql")}
    folders = {name.partition("/")[0] for name in there}
    for path, tree, _ in code(root):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args and isinstance(node.args[0], ast.Constant):
                name = str(node.args[0].value)
                if re.fullmatch(r"[a-z]+/[a-z_]+", name) and name.partition("/")[0] in folders and name not in there:
                    yield f"{path}:{node.lineno} {name}"


def _names(root: Path) -> tuple[set[str], set[str]]:
    """Texts of the code, and f-strings as patterns."""
    whole: set[str] = set()
    patterns: set[str] = set()
    for _, tree, _ in code(root):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [re.escape(str(one.value)) if isinstance(one, ast.Constant) else _ANY for one in node.values]
                if "/" in "".join(parts):
                    patterns.add("".join(parts))
    return whole, patterns


def _texts(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Texts that are no docstring; of an f-string its beginning."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)]
    docstrings = {id(node.body[0].value) for node in nodes if node.body and isinstance(node.body[0], ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value, node.lineno


Rule = Callable[[Path], Iterator[str]]
# Each rule, and a file that breaks it.
RULES: dict[Rule, tuple[str, str]] = {
    long_modules: ("pipeline/long.py", "x = 1\n" * 501),
    long_functions: ("pipeline/long.py", "def long():\n" + "    pass\n" * 60),
    long_dags: ("dags/long.py", "x = 1\n" * 121),
    modules_without_a_word: ("pipeline/mute.py", "x = 1\n"),
    libraries_in_the_wrong_room: ("pipeline/show.py", "def f():\n    from duckdb.functional import x\n"),
    great_expectations_at_import: ("pipeline/quality/heavy.py", "import great_expectations as gx\n"),
    sql_in_python: ("pipeline/stages/sly.py", "def f(c):\n    c.execute(f'SELECT {c} FROM outcome')\n"),
    readers_of_the_environment: ("pipeline/stages/sly.py", "import os\nHOME = os.environ['HOME']\n"),
    foreign_hosts: ("pipeline/web/page.html", "<script src='https://cdn.evil.net/x.js'></script>"),
    unused_sql: ("sql/decide/forgotten.sql", "SELECT 1"),
    missing_sql: ("pipeline/stages/lost.py", "def f(warehouse):\n    warehouse.rows('decide/nowhere')\n"),
}


@cache
def broken_by(rule: Rule) -> list[str]:
    return list(rule(ROOT))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_holds(rule: Rule) -> None:
    assert broken_by(rule) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_can_fail(rule: Rule, tmp_path: Path) -> None:
    path, text = RULES[rule]
    for one in (tmp_path / path, tmp_path / "sql" / "decide" / "touched.sql"):
        one.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "sql" / "decide" / "touched.sql").write_text("SELECT 1")
    (tmp_path / "pipeline").mkdir(exist_ok=True)
    (tmp_path / "pipeline" / "good.py").write_text('"""A word."""\n\n\ndef f(warehouse):\n    warehouse.run("decide/touched")\n')
    assert list(rule(tmp_path)) == []
    (tmp_path / path).write_text(text)
    assert len(list(rule(tmp_path))) == 1


@pytest.mark.parametrize("line", ["UV_{}=x", "pip install --extra-{}-url x", "curl http://get.evil.org"])
def test_no_index_host_may_stand_in_the_makefile(tmp_path: Path, line: str) -> None:
    word = "INDEX" if "UV" in line else "index"
    (tmp_path / "Makefile").write_text(f"x:\n\t{line.format(word)}\n")
    assert len(list(foreign_hosts(tmp_path))) == 1
