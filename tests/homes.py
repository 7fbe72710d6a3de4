"""Installations for tests: a home folder of their own, a ledger of their own on one server, and work done in a process that may die.

The process of the tests itself opens no warehouse: `in_child` forks, so that a kill is a kill and no thread of DuckDB is copied.
"""

from __future__ import annotations

import base64
import faulthandler
import os
import pickle
import shutil
import traceback
import uuid
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import NullPool, create_engine, select, text

from pipeline.delivery.pace import Pace
from pipeline.domain.words import FileKind, Verdict
from pipeline.ledger import receipts
from pipeline.ledger.server import Server
from pipeline.ledger.tables import message
from pipeline.quality.judge import Judgement
from pipeline.settings import Settings
from pipeline.stages.house import House, open_house
from pipeline.stages.receive import receive
from pipeline.stages.run import RunSummary, run_all
from pipeline.stages.status import status
from pipeline.stages.verify import verify

Answer = TypeVar("Answer")
# One key for all: the same facts then have the same pseudonyms, and homes can be compared by their state hash.
MASTER_KEY = base64.b64encode(b"unpool tests: no secret at all.!").decode()
KILLED = 70
# In the place of intake's judge: every file passes. Great Expectations takes most of a run's time, reads only, and has tests of its own.
TRUSTING: Mapping[str, Callable[..., Any]] = {
    "judge_files": lambda profiles, *_: {int(number): Judgement(Verdict.ACCEPTED, "") for number in profiles["receipt_no"]},
    "judge_rows": lambda *_: [],
}


def a_thousand_a_second(_: float, **given: Any) -> Pace:
    """In the place of notify's pace."""
    return Pace(1_000.0, **given)


_FAILED = 71


class Killed(Exception):
    """The child died where it was told to."""


class ChildFailed(Exception):
    """The child raised; its traceback is the message."""


class ChildCrashed(ChildFailed):
    """The child ended without a word, by a signal that no test sent; where it stood is the message."""


def in_child(work: Callable[[], Answer]) -> Answer:
    """Do `work` in a fork and return its answer (which must pickle). Raises Killed or ChildFailed."""
    return start_child(work)()


def start_child(work: Callable[[], Answer]) -> Callable[[], Answer]:
    """Begin `work` in a fork; what is returned waits for its answer, as `in_child` does. Several may work side by side."""
    reading, writing = os.pipe()
    last_words = os.memfd_create("last words")
    child = os.fork()
    if child == 0:
        os.close(reading)
        faulthandler.enable(last_words)
        code = _FAILED
        try:
            try:
                answer = (True, work())
                code = 0
            except BaseException:
                answer = (False, traceback.format_exc())
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(pickle.dumps(answer))
        finally:
            os._exit(code)
    os.close(writing)
    return lambda: _answer(child, reading, last_words)


def _answer(child: int, reading: int, last_words: int) -> Any:
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    with os.fdopen(last_words, "rb") as pipe:
        pipe.seek(0)
        words = pipe.read().decode(errors="replace")
    _, status_word = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status_word)
    if code == KILLED:
        raise Killed
    if not told:
        raise ChildCrashed(f"ended with {code} (below zero: the signal)\n{words}")
    good, answer = pickle.loads(told)
    if not good:
        raise ChildFailed(answer)
    return answer


@dataclass(frozen=True)
class Figures:
    """What must be the same however often a crash came between."""

    state_hash: str
    violations: list[str]
    status: dict[str, Any]
    receipts: list[tuple[object, ...]]
    messages: list[tuple[str, int, str, str]]
    returns: dict[str, bytes]


@dataclass(frozen=True)
class Installation:
    """One home with its ledger. All that opens its stores happens in a child."""

    settings: Settings
    server: Server

    @property
    def home(self) -> Path:
        return self.settings.home

    def do(self, work: Callable[[House], Answer]) -> Answer:
        """Run `work` on the opened house, in a child."""
        return self.start(work)()

    def start(self, work: Callable[[House], Answer]) -> Callable[[], Answer]:
        """Begin `work` on the opened house, in a child; what is returned waits for its answer."""

        def opened() -> Answer:
            with open_house(self.settings) as house:
                return work(house)

        return start_child(opened)

    def receive(self, sender: str, *files: Path, kind: FileKind | None = None) -> None:
        self.do(lambda house: receive(house.home, files, sender, kind) and None)

    def run(self, now: datetime) -> RunSummary:
        """What `unpool run` does."""
        return self.do(lambda house: run_all(house, now, lambda *_: None))

    def figures(self) -> Figures:
        try:
            return self.do(figures)
        except ChildCrashed as crash:
            # A reading changes nothing, and is done again; but nobody's crash is passed over in silence.
            warnings.warn(f"figures of {self.home.name}: {crash}", stacklevel=2)
            return self.do(figures)

    def copy(self, home: Path) -> Installation:
        """The same installation again, elsewhere: its files and its ledger as they stand."""
        shutil.copytree(self.home, home)
        name = new_database(self.server, self.database)
        mirror = copied_mirror(self.settings, home)
        return replace(self, settings=replace(self.settings, home=home, database_url=self.server.url_for(name), keys_mirror=mirror))

    @property
    def database(self) -> str:
        return str(self.settings.database_url).rpartition("/")[2]

    def drop(self) -> None:
        admin(self.server, f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")


def figures(house: House) -> Figures:
    with house.ledger.begin() as conn:
        files = receipts.listing(conn)
        columns = (message.c.specimen_id, message.c.version, message.c.purpose, message.c.state)
        messages = [(specimen, version, str(purpose), str(state)) for specimen, version, purpose, state in conn.execute(select(*columns))]
    counted = status(house)
    return Figures(
        state_hash=counted["state_hash"],
        violations=verify(house),
        status=counted,
        receipts=sorted((one.file_name, one.sender, one.verdict.value, one.reason, *row_counts(one)) for one in files),
        messages=sorted(messages),
        returns=returned(house),
    )


def row_counts(one: receipts.Receipt) -> tuple[int, int, int, int, int]:
    """received, accepted, duplicate, rejected, held."""
    return one.rows_received, one.rows_accepted, one.rows_duplicate, one.rows_rejected, one.rows_held


def returned(house: House) -> dict[str, bytes]:
    """What lies in the senders' folders, by sender and file without the receipt's number, which is the order of arrival."""
    # A killed writer leaves its temporary file, whose dot-name nobody reads.
    files = [path for path in house.home.returns.rglob("[!.]*") if path.is_file()]
    return {f"{path.parent.name}/{path.name.partition('-')[2]}": path.read_bytes() for path in files}


def new_installation(home: Path, server: Server, template: str, **changes: Any) -> Installation:
    """An installation on a migrated ledger. `changes` are of Settings."""
    given: Mapping[str, Any] = {"programme": "vietnam", "master_key": MASTER_KEY, "memory_limit": "1GB", "send_threads": 4}
    url = server.url_for(new_database(server, template))
    mirror = home.with_name(f"{home.name}.keys")
    mirror.mkdir(parents=True, exist_ok=True)
    return Installation(Settings(home=home, database_url=url, **{"keys_mirror": mirror, **given, **changes}), server)


def copied_mirror(settings: Settings, home: Path) -> Path | None:
    """A copy of the mirror of the day keys, for the copy of an installation at `home`: each drops its own keys."""
    if settings.keys_mirror is None:
        return None
    return shutil.copytree(settings.keys_mirror, home.with_name(f"{home.name}.keys"))


def new_database(server: Server, template: str) -> str:
    name = f"copy_{uuid.uuid4().hex}"
    admin(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    return name


def admin(server: Server, statement: str) -> None:
    engine = create_engine(server.url_for("postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as conn:
        conn.execute(text(statement))


def databases(server: Server) -> set[str]:
    engine = create_engine(server.url_for("postgres"), poolclass=NullPool)
    with engine.connect() as conn:
        return set(conn.scalars(text("SELECT datname FROM pg_database")))
