"""The ledger into a file and back: whole, of one moment, and without a password where others could read it."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pipeline.errors import LedgerUnavailable
from pipeline.ledger import dump as dumping
from pipeline.ledger.dump import counted, dump, is_empty, load
from pipeline.ledger.engine import Ledger, open_ledger
from pipeline.ledger.server import Server
from pipeline.ledger.tables import message
from tests.homes import admin
from tests.integration.office import Office


@pytest.fixture
def empty(embedded: Server) -> Iterator[Ledger]:
    name = f"empty_{uuid.uuid4().hex}"
    admin(embedded, f"CREATE DATABASE {name}")
    opened = open_ledger(embedded.url_for(name))
    yield opened
    opened.close()
    admin(embedded, f"DROP DATABASE {name} WITH (FORCE)")


def rows(ledger: Ledger) -> list[tuple[Any, ...]]:
    with ledger.begin() as conn:
        return [tuple(row) for row in conn.execute(select(message).order_by(message.c.message_id))]


def test_O09_what_was_dumped_is_loaded_again(office: Office, empty: Ledger, tmp_path: Path) -> None:
    office.enqueue(20)
    office.run(limit=5)
    told = dump(office.ledger.engine, tmp_path / "dump")
    assert is_empty(empty.engine)
    load(empty.engine, tmp_path / "dump")
    assert not is_empty(empty.engine)
    assert rows(empty) == rows(office.ledger)
    with empty.begin() as conn:
        assert counted(conn) == told
    assert sum(told.messages.values()) == 20


def test_O09_the_counts_are_those_of_the_dump_s_own_moment(
    office: Office, empty: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody enqueues between the counting and the dump."""
    office.enqueue(3)
    run = dumping._run

    def later(*arguments: Any) -> None:
        office.enqueue(4)
        run(*arguments)

    monkeypatch.setattr(dumping, "_run", later)
    told = dump(office.ledger.engine, tmp_path / "dump")
    monkeypatch.undo()
    load(empty.engine, tmp_path / "dump")
    assert (told.messages, len(rows(empty)), len(rows(office.ledger))) == ({"queued": 3}, 3, 7)


def test_O09_all_or_nothing(office: Office, empty: Ledger, tmp_path: Path) -> None:
    office.enqueue(3)
    dump(office.ledger.engine, tmp_path / "dump")
    whole = (tmp_path / "dump").read_bytes()
    (tmp_path / "dump").write_bytes(whole[: len(whole) - len(whole) // 4])
    with pytest.raises(LedgerUnavailable, match="pg_restore"):
        load(empty.engine, tmp_path / "dump")
    assert is_empty(empty.engine)


@pytest.mark.parametrize("where", ["in front", "as an option"])
def test_the_password_is_on_no_command_line(
    embedded: Server, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    seen: list[str] = []
    run = subprocess.run

    def looked_at(command: list[Any], **options: Any) -> Any:
        seen.extend(str(word) for word in command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", looked_at)
    url = ledger.engine.url.update_query_dict({"application_name": "a name with blanks"})
    if where == "as an option":
        url = url.update_query_dict({"password": embedded.password})._replace(password=None)
    other = open_ledger(url.render_as_string(hide_password=False))
    dump(other.engine, tmp_path / "dump")
    other.close()
    assert any("a name with blanks" in word for word in seen)
    assert [word for word in seen if embedded.password in word] == []


def test_C14_a_database_that_is_away_means_try_again(embedded: Server, tmp_path: Path) -> None:
    away = open_ledger(Server(1, embedded.password).url_for("unpool"))
    for attempt in (lambda: dump(away.engine, tmp_path / "dump"), lambda: is_empty(away.engine)):
        with pytest.raises(LedgerUnavailable):
            attempt()
    (tmp_path / "dump").write_bytes(b"")
    with pytest.raises(LedgerUnavailable):
        load(away.engine, tmp_path / "dump")
