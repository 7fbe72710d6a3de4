"""Judges mutants one after the other in a copy of the tree, each in a fork of one warm process.

What costs seconds in a fresh pytest, the libraries' imports, is done once: the unmutated run tells what it imported from elsewhere,
and only that. The product and its tests are imported by each fork for itself, so that it runs what lies in the tree. `Nursery` is the
other end of the pipe; this module run by name (in the copy) is the process that forks. One JSON line asks, one answers:
{"tests": [...], "limit_s": s} → {"fate": "survived" | "killed" | "unreadable", "by": test or how, "ran": tests, "wall_s": s}.
"""

from __future__ import annotations

import compileall
import contextlib
import importlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from tests.tries import BEGAN

FOLDERS = ("pipeline", "sql", "tests", "data_samples", "expectations", "dags")
# Names that every fork imports for itself. The product's own modules may be warm where no mutant is of them.
COLD = ("tests", "__main__", "__mp_main__")
POSTGRES = "UNPOOL_TESTS_POSTGRES"
UNREADABLE = {"ParserException", "BinderException", "CatalogException", "SyntaxException"}
# What the first, unmutated run may take.
PATIENCE_S = 600.0
# Beside three times what the unmutated run took.
SLACK_S = 20.0


class Unsound(Exception):
    """The unmutated tree does not pass its tests: nothing can be said about a mutant."""


class Nursery:
    """A copy of the tree and the process that judges in it.

    stages: sets of tests; a mutant that survives one goes to the next. examples: so many of Hypothesis's are tried at most.
    is_python: whether mutants may be of the product's modules, and not of what these read when they run.
    """

    def __init__(self, root: Path, stages: Sequence[Sequence[str]], examples: int = 45, *, is_python: bool = True) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="unpool-mutants-")
        self.tree = Path(self._folder.name) / "tree"
        self._stages = stages
        self._whole_s: dict[int, float] = {}
        self.tree.mkdir()
        for name in FOLDERS:
            shutil.copytree(root / name, self.tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(root / "pyproject.toml", self.tree)
        for folder in (self.tree.parent, self.tree):
            folder.chmod(0o755)
        compileall.compile_dir(self.tree, quiet=2)
        environment = os.environ | {POSTGRES: str(self.tree.parent / "pg"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        # Whoever judges takes his time.
        environment.pop(BEGAN, None)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.mutants.nursery", str(examples), *(["pipeline"] if is_python else [])],
            cwd=self.tree, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            # What ends the one who asks, as Ctrl-C, does not end this one: it cleans up when the pipe does.
            start_new_session=True,
        )  # fmt: skip
        try:
            # Cold: it says what to import. A later stage is measured before its first mutant.
            self._whole_s[0] = self._unmutated(0)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()

    def fate(self, file: str, text: str, first: Sequence[str] = ()) -> dict[str, Any]:
        """Judge the tree with `text` in the place of `file`, which is put back. first: tests that are likely to notice."""
        found: dict[str, Any] = {}
        for stage, tests in enumerate(self._stages):
            if stage not in self._whole_s:
                self._whole_s[stage] = self._unmutated(stage)
            with self._in_place(self.tree / file, text):
                found = self._ask([*first, *tests] if stage == 0 else tests, 3 * self._whole_s[stage] + SLACK_S)
            if found["fate"] != "survived":
                break
        return found

    @contextlib.contextmanager
    def _in_place(self, path: Path, text: str) -> Iterator[None]:
        before = path.read_text(encoding="utf-8")
        # No byte code of it may be there: Python tells it from the source by size and second only.
        for stale in path.parent.glob(f"__pycache__/{path.stem}.*"):
            stale.unlink()
        path.write_text(text, encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(before, encoding="utf-8")

    def _unmutated(self, stage: int) -> float:
        found = self._ask(self._stages[stage], PATIENCE_S)
        if found["fate"] != "survived" or not found["ran"]:
            raise Unsound(f"without any mutant: {found}")
        return float(found["wall_s"])

    def _ask(self, tests: Sequence[str], limit_s: float) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"tests": list(tests), "limit_s": limit_s}) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))


class _Seen:
    """A pytest plugin: what the run showed, and fewer examples, the same ones for every mutant, without looking for smaller ones."""

    def __init__(self, examples: int) -> None:
        self.examples = examples
        self.ran, self.by, self.error = 0, "", ""

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        from hypothesis import Phase, settings

        for item in items:
            if (given := getattr(item.obj, "_hypothesis_internal_use_settings", None)) is not None:
                item.obj._hypothesis_internal_use_settings = settings(
                    given, max_examples=min(given.max_examples, self.examples), derandomize=True, database=None,
                    phases=(Phase.explicit, Phase.generate),
                )  # fmt: skip

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and not self.by:
            self.by = f"{report.nodeid}: not imported"

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        self.ran += call.when == "call"
        if call.excinfo is not None and not self.by and call.excinfo.typename != "Skipped":
            self.by, self.error = item.nodeid, call.excinfo.typename


def main() -> None:
    examples, cold = int(sys.argv[1]), {*COLD, *sys.argv[2:]}
    # Standard output is the pipe; whoever prints, prints to nobody.
    answers = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        _answer_all(answers, examples, cold)
    finally:
        _forked(_stop_postgres, PATIENCE_S)
        # Whoever asked may be dead, and then nobody else removes the copy.
        shutil.rmtree(Path.cwd().parent, ignore_errors=True)


def _answer_all(answers: IO[str], examples: int, cold: set[str]) -> None:
    is_warm = False
    for line in sys.stdin:
        asked = json.loads(line)
        found = _forked(lambda asked=asked: _judged(asked["tests"], examples), asked["limit_s"])
        names = found.pop("imported", [])
        if not is_warm:
            is_warm = True
            _warm([name for name in names if name.partition(".")[0] not in cold])
        answers.write(json.dumps(found) + "\n")
        answers.flush()


def _judged(tests: Sequence[str], examples: int) -> dict[str, Any]:
    import pytest

    seen = _Seen(examples)
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", f"timeout={PATIENCE_S:.0f}"]
    code = pytest.main([*options, *tests], plugins=[seen])
    where = Path(sys.modules["pipeline"].__file__ or "").resolve()
    if not where.is_relative_to(Path.cwd().resolve()):
        raise Unsound(f"another tree's code was judged: {where}")
    fate = "survived" if code == 0 else "unreadable" if seen.error in UNREADABLE else "killed"
    by = seen.by or ("" if code == 0 else f"pytest {int(code)}")
    return {"fate": fate, "by": by, "ran": seen.ran, "imported": list(sys.modules)}


def _warm(names: Sequence[str]) -> None:
    for name in names:
        # What cannot be imported on its own is imported by each fork.
        with contextlib.suppress(BaseException):
            importlib.import_module(name)


def _stop_postgres() -> dict[str, Any]:
    from pipeline.ledger import server

    server.stop(Path(os.environ[POSTGRES]))
    return {}


def _forked(work: Any, limit_s: float) -> dict[str, Any]:
    """`work()`'s answer from a fork in a process group of its own. No answer is a death, and none in time another."""
    began = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.close(reading)
        try:
            told = json.dumps(work()).encode()
        except BaseException as error:
            told = json.dumps({"fate": "killed", "by": f"{type(error).__name__}: {error}", "ran": 0}).encode()
        with contextlib.suppress(OSError), os.fdopen(writing, "wb") as pipe:
            pipe.write(told + b"\n")
        os._exit(0)
    os.close(writing)
    told = b"".join(_line(reading, began + limit_s))
    os.close(reading)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    wall_s = time.monotonic() - began
    if not told.endswith(b"\n"):
        how = "not done in time" if wall_s >= limit_s else "the process died"
        return {"fate": "killed", "by": how, "ran": 0, "wall_s": wall_s}
    return {**json.loads(told), "wall_s": wall_s}


def _line(reading: int, until: float) -> Iterator[bytes]:
    """Until a line's end, the end of all, or the time. Grandchildren may hold the pipe open."""
    while select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
        if not (piece := os.read(reading, 1 << 16)):
            return
        yield piece
        if piece.endswith(b"\n"):
            return


if __name__ == "__main__":
    main()
