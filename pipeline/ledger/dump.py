"""The whole ledger into one file and back, by the programs that come with the embedded PostgreSQL.

The password never stands on a command line, where everybody on the machine could read it.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from pipeline.errors import LedgerUnavailable
from pipeline.ledger import journal, outbox, receipts
from pipeline.ledger.engine import translated
from pipeline.ledger.server import BARE_ENVIRONMENT, program

# Owners and rights are the business of the server that it comes to.
_PLAIN = ("--no-owner", "--no-privileges", "--no-password")


@dataclass(frozen=True)
class Counted:
    """What a ledger holds: the batches that are done, messages by state, files that ever arrived."""

    done: frozenset[int]
    messages: dict[str, int]
    receipts: int


def counted(conn: Connection) -> Counted:
    done = frozenset(batch.batch_no for batch in journal.all_done(conn))
    messages = {str(state): number for state, number in outbox.counts(conn).items()}
    return Counted(done, messages, receipts.counts(conn)["files"]["received"])


def dump(engine: Engine, path: Path) -> Counted:
    """Write the ledger as it stands at this moment to `path`, and return what it holds at the very same moment.

    Others go on writing meanwhile. Raises LedgerUnavailable.
    """
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
            snapshot = conn.execute(text("SELECT pg_export_snapshot()")).scalar_one()
            answer = counted(conn)
            _run(engine, "pg_dump", "--format=custom", *_PLAIN, f"--snapshot={snapshot}", f"--file={path}")
            return answer
    except DBAPIError as error:
        raise translated(error) from None


def load(engine: Engine, path: Path) -> None:
    """Fill an empty database from what `dump` wrote: all of it or nothing. Raises LedgerUnavailable."""
    _run(engine, "pg_restore", *_PLAIN, "--single-transaction", "--exit-on-error", str(path))


def is_empty(engine: Engine) -> bool:
    """Whether the database holds no table yet. Raises LedgerUnavailable."""
    try:
        return not inspect(engine).get_table_names()
    except DBAPIError as error:
        raise translated(error) from None


def _run(engine: Engine, name: str, *arguments: str) -> None:
    url = engine.url
    where: dict[str, Any] = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database, **url.query}
    password = where.pop("password", url.password)
    done = subprocess.run(
        [program(name), f"--dbname={make_conninfo(**where)}", *arguments],
        env=BARE_ENVIRONMENT | ({"PGPASSWORD": str(password)} if password else {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        # Its words may quote rows.
        stderr=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        raise LedgerUnavailable(
            f"{name} ended with {done.returncode}: the ledger's database does not answer, refuses it or is newer than this {name}, "
            "or the disk is full."
        )
