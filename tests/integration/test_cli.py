"""The command line as a stranger uses it: what each command prints, what a mistake gets, and that every command shows an example."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import traceback
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from pipeline import __main__ as command_line
from pipeline.__main__ import app, main
from pipeline.delivery.stand_in import ANYBODY, create_app, in_thread
from pipeline.domain.words import PersonState
from pipeline.errors import ActionNeeded
from pipeline.home import Home
from pipeline.ledger import cards, server
from pipeline.ledger.engine import open_ledger
from pipeline.settings import Settings
from pipeline.vault.keys import Keys, load_master
from pipeline.vault.tokens import token
from tests.faults.town import FIRST_DAY
from tests.homes import Installation, admin, in_child, new_installation

NOW = "2026-11-12T18:00:00+07:00"
COMMANDS = sorted(command.name or command.callback.__name__ for command in app.registered_commands if command.callback)
# What `unpool status --json` has at least (issue 2).
KEYS: dict[str, set[str]] = {
    "files": {"received", "accepted", "held", "refused"},
    "rows": {"received", "accepted", "duplicate", "rejected"},
    "tubes": {"pools", "singles"},
    "outcomes": set(),
    "holds": set(),
    "messages": set(),
}
NUMBERS = ("specimens", "worklist", "callback")


@dataclass(frozen=True)
class Told:
    """What a command said. `code` is its exit code."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """A terminal in which the settings are exported."""

    folder: Path
    environment: dict[str, str]

    def __call__(self, *arguments: str, typed: str = "", **more: str) -> Told:
        """Run `unpool` with `arguments` in a process of its own; `typed` is what somebody answers its questions."""
        out, err = self.folder / "out.txt", self.folder / "err.txt"

        def command() -> int:
            os.chdir(self.folder)
            for name in [name for name in os.environ if name.startswith(("UNPOOL_", "TWILIO_"))]:
                del os.environ[name]
            os.environ.update(self.environment | more)
            # Wide enough to fold nothing, whatever terminal the tests run in.
            command_line.out = Console(width=200)
            sys.argv = ["unpool", *arguments]
            sys.stdin = io.StringIO(typed)
            with out.open("w") as sys.stdout, err.open("w") as sys.stderr:
                try:
                    main()
                except SystemExit as end:
                    return end.code if isinstance(end.code, int) else int(bool(end.code))
                except BaseException:
                    traceback.print_exc(file=sys.stderr)
                    return 99
                return 0

        return Told(in_child(command), out.read_text(), err.read_text())

    @property
    def home(self) -> Path:
        return Path(self.environment["UNPOOL_HOME"])


def good(told: Told) -> str:
    assert (told.code, told.err.strip()) == (0, "")
    return told.out


@pytest.fixture(scope="module")
def shell(warm_judge: None, embedded: server.Server, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("shell")
    made: Installation = new_installation(folder / "home", embedded, ledger_template)
    where = {"UNPOOL_HOME": str(made.home), "UNPOOL_DATABASE_URL": str(made.settings.database_url)}
    yield Shell(folder, {**where, "UNPOOL_KEYS_MIRROR": str(made.settings.keys_mirror), "UNPOOL_NOW": NOW})
    made.drop()


@pytest.fixture(scope="module")
def day(shell: Shell) -> dict[str, Told]:
    """init, receive, run: what each said."""
    told = {"init": shell("init")}
    (shell.folder / "sang.csv").write_bytes(FIRST_DAY["TEAM1"]["sang.csv"])
    (shell.folder / "vong_1.csv").write_bytes(FIRST_DAY["LAB1"]["vong_1.csv"] + b"A!,negative,F,2026-11-12 14:00,,\n")
    (shell.folder / "kaputt.csv").write_bytes(b"tube_code,result,tested_at\n")
    told["receive"] = shell("receive", "sang.csv", "--from", "TEAM1", "--kind", "manifest")
    told["receive_more"] = shell("receive", "vong_1.csv", "kaputt.csv", "--from", "LAB1")
    told["run"] = shell("run")
    return told


def test_init_makes_a_key_and_says_so(shell: Shell, day: dict[str, Told]) -> None:
    told = good(day["init"])
    key = shell.home / "keys" / "master.key"
    assert str(key) in told
    assert "Keep a copy" in told
    assert key.stat().st_mode & 0o777 == 0o600
    assert "vietnam" in told


def test_init_twice_keeps_the_key(shell: Shell, day: dict[str, Told]) -> None:
    key = (shell.home / "keys" / "master.key").read_bytes()
    assert "new master key" not in good(shell("init"))
    assert (shell.home / "keys" / "master.key").read_bytes() == key


def test_receive_says_where_the_files_are(day: dict[str, Told]) -> None:
    assert "inbox/TEAM1/manifest/sang.csv" in good(day["receive"])
    assert good(day["receive_more"]).count("received: ") == 2


def test_run_says_what_each_stage_did(shell: Shell, day: dict[str, Told]) -> None:
    told = good(day["run"])
    assert "intake: 3 files, 14 rows received, 13 accepted" in told
    assert "decide: 5 tubes" in told
    assert "notify: 0 sent" in told
    assert "intake: 0 files" in good(shell("run"))


def test_nothing_moves_where_nobody_watches(shell: Shell, day: dict[str, Told]) -> None:
    assert {command: shell(command).err for command in ("run", "status", "verify")} == dict.fromkeys(("run", "status", "verify"), "")


def test_status_as_json_has_the_keys_of_the_issue(shell: Shell, day: dict[str, Told]) -> None:
    found = json.loads(good(shell("status", "--json")))
    for group, names in KEYS.items():
        assert names <= set(found[group])
        assert all(isinstance(count, int) for count in found[group].values())
    assert all(isinstance(found[name], int) for name in NUMBERS)
    assert len(found["state_hash"]) == 64
    assert found["files"] | {"waiting": 0} == {"received": 3, "waiting": 0, "accepted": 2, "held": 0, "refused": 1}
    assert (found["rows"]["received"], found["rows"]["rejected"], found["specimens"]) == (14, 1, 10)
    assert (found["tubes"], found["worklist"], found["callback"]) == ({"pools": 3, "singles": 2}, 3, 2)
    assert found["outcomes"] == {"awaiting": 2, "not_detected": 3, "recollect": 2, "retest": 3}
    assert found["messages"] == {"queued": 8}


def test_status_says_why_messages_wait(shell: Shell, day: dict[str, Told]) -> None:
    told = good(shell("status"))
    assert "no Twilio account is set" in told
    assert "not_detected" in told


def test_files_shows_verdict_counts_and_reason(shell: Shell, day: dict[str, Told]) -> None:
    told = good(shell("files"))
    lines = {name: line for line in told.splitlines() for name in ("sang.csv", "vong_1.csv", "kaputt.csv") if name in line}
    assert "accepted" in lines["sang.csv"]
    assert "refused" in lines["kaputt.csv"]
    assert {"TEAM1", "LAB1"} <= set(told.split())


def test_lists_are_written_where_one_wants_them(shell: Shell, day: dict[str, Told]) -> None:
    told = good(shell("lists", "--out", str(shell.folder / "usb")))
    names = ("worklist", "repeat", "callback", "no_phone", "unreached")
    for name in names:
        assert f"usb/{name}.csv" in told
        assert (shell.folder / "usb" / f"{name}.csv").is_file()
    assert "worklist: 3" in told
    assert "callback: 2" in told
    assert "Người" not in told
    good(shell("lists"))
    assert (shell.home / "lists" / "callback.csv").is_file()


def test_holds_says_when_there_are_none(shell: Shell, day: dict[str, Told]) -> None:
    assert "Nothing waits for a decision." in good(shell("holds"))


def test_verify_and_rebuild(shell: Shell, day: dict[str, Told]) -> None:
    assert good(shell("verify")) == "All invariants hold.\n"
    before = json.loads(good(shell("status", "--json")))["state_hash"]
    told = good(shell("rebuild"))
    assert f"before: {before}" in told
    assert f"after:  {before}" in told
    assert "batches replayed: 2" in told
    good(shell("verify"))


def test_verify_ends_with_1_and_says_what_is_broken(shell: Shell, day: dict[str, Told]) -> None:
    [kept] = [path for path in (shell.home / "archive").rglob("*") if path.is_file()][:1]
    away = shell.folder / "away"
    kept.rename(away)
    try:
        told = shell("verify")
    finally:
        away.rename(kept)
    assert (told.code, told.out.count("\n"), "archive" in told.out) == (1, 1, True)


def test_backup_restore_and_reconcile(shell: Shell, day: dict[str, Told], embedded: server.Server) -> None:
    told = good(shell("backup", "copy"))
    state = json.loads(good(shell("status", "--json")))["state_hash"]
    assert f"state {state}" in told
    assert (shell.folder / "copy" / "backup.json").is_file()
    name = f"restored_{uuid.uuid4().hex}"
    admin(embedded, f"CREATE DATABASE {name}")
    key = (shell.home / "keys" / "master.key").read_text().strip()
    there = {"UNPOOL_HOME": "restored", "UNPOOL_DATABASE_URL": embedded.url_for(name)}
    try:
        keyless = shell("restore", "copy", **there)
        assert (keyless.code, "UNPOOL_MASTER_KEY" in keyless.err, (shell.folder / "restored").exists()) == (1, True, False)
        there["UNPOOL_MASTER_KEY"] = key
        told = good(shell("restore", "copy", **there))
        assert f"state {state}" in told
        assert "unpool reconcile" in told
        assert "unpool reconcile" in good(shell("status", **there))
        good(shell("verify", **there))
        asked = shell("reconcile", **there)
        assert (asked.code, "TWILIO_ACCOUNT_SID" in asked.err) == (1, True)
        with in_thread(create_app(ANYBODY.account_sid, ANYBODY.auth_token)) as address:
            account = {"TWILIO_ACCOUNT_SID": ANYBODY.account_sid, "TWILIO_AUTH_TOKEN": ANYBODY.auth_token, "TWILIO_FROM": ANYBODY.sender}
            assert "asked: 0 messages" in good(shell("reconcile", **there, **account, UNPOOL_TWILIO_URL=address))
        assert "Nothing to reconcile" in good(shell("reconcile", **there))
        assert "unpool reconcile" not in good(shell("status", **there))
    finally:
        admin(embedded, f"DROP DATABASE {name} WITH (FORCE)")


def empty(_: Shell) -> dict[str, str]:
    return {"UNPOOL_HOME": "nowhere_yet"}


def as_it_is(_: Shell) -> dict[str, str]:
    return {}


# arguments, settings that differ, exit code, what the sentence names.
MISTAKES: dict[str, tuple[tuple[str, ...], Callable[[Shell], dict[str, str]], int, str]] = {
    "no init": (("status",), empty, 1, "unpool init"),
    "no init, run": (("run",), empty, 1, "unpool init"),
    "unknown programme": (("run",), lambda _: {"UNPOOL_PROGRAMME": "atlantis"}, 1, "UNPOOL_PROGRAMME"),
    "missing file": (("receive", "missing.csv", "--from", "TEAM1"), as_it_is, 1, "missing.csv"),
    "a folder as a file": (("receive", ".", "--from", "TEAM1"), as_it_is, 1, "file"),
    "bad sender": (("receive", "sang.csv", "--from", "../TEAM1"), as_it_is, 1, "code"),
    "bad setting": (("run",), lambda _: {"UNPOOL_BATCH_FILES": "many"}, 1, "UNPOOL_BATCH_FILES"),
    "half an account": (("run",), lambda _: {"TWILIO_FROM": "unpool"}, 1, "TWILIO_ACCOUNT_SID"),
    "bad moment": (("run",), lambda _: {"UNPOOL_NOW": "yesterday"}, 1, "UNPOOL_NOW"),
    "another key": (("status",), lambda _: {"UNPOOL_MASTER_KEY": "short"}, 1, "UNPOOL_MASTER_KEY"),
    "no database": (("status",), lambda _: {"UNPOOL_DATABASE_URL": "postgresql://x:y@127.0.0.1:9/none"}, 2, "ledger"),
    "no such database": (("status",), lambda shell: {"UNPOOL_DATABASE_URL": shell.environment["UNPOOL_DATABASE_URL"] + "x"}, 2, "ledger"),
    "a backup onto something": (("backup", "."), as_it_is, 1, "is there already"),
    "a backup to nowhere": (("backup", "nowhere/copy"), as_it_is, 1, "nowhere"),
    "no backup": (("restore", "."), as_it_is, 1, "backup.json"),
    "a programme that is no TOML": (("run",), lambda _: {"UNPOOL_PROGRAMME": "sang.csv"}, 1, "sang.csv"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_sentence_and_no_traceback(shell: Shell, day: dict[str, Told], mistake: str) -> None:
    arguments, settings, code, named = MISTAKES[mistake]
    told = shell(*arguments, **settings(shell))
    assert "Traceback" not in told.err, told.err
    assert (told.code, told.out) == (code, "")
    assert named in told.err
    assert len(told.err.strip().splitlines()) == 1, told.err
    assert told.err.strip().endswith(".")


def test_a_damaged_warehouse_is_one_sentence_too(shell: Shell, day: dict[str, Told]) -> None:
    path = shell.home / "warehouse.duckdb"
    whole = path.read_bytes()
    path.write_bytes(b"no warehouse at all")
    try:
        told = shell("status")
        assert (told.code, told.out, "Traceback" in told.err) == (3, "", False)
        assert "unpool rebuild" in told.err
        assert "no warehouse that opens" in good(shell("rebuild"))
    finally:
        path.write_bytes(whole)


def test_a_link_is_unlocked_by_what_somebody_types(shell: Shell, day: dict[str, Told]) -> None:
    home, ledger = Home(shell.home), open_ledger(shell.environment["UNPOOL_DATABASE_URL"])
    with ledger.begin() as conn:
        (one,) = cards.some(conn, PersonState.READY, 1)
    ledger.close()
    key = Keys(load_master(Settings(home=shell.home, programme="vietnam"), home), home).derive("token")
    asked = ("unlock-link", "--by", "lan", "--why", "called")
    told = shell(*asked, typed=f"https://kq.unpool.example/r/{token(key, one.specimen_id)}\n")
    assert told.code == 0 and "Unlocked: 0 tries" in told.out
    told = shell(*asked, typed=f"{'0' * 32}\n")
    assert told.code == ActionNeeded.exit_code and "no link of ours" in told.err and "0" * 32 not in told.err


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_has_an_example(command: str) -> None:
    told = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert told.exit_code == 0
    # A long one is folded.
    assert f"unpool {command}" in " ".join(told.output.partition("Example: ")[2].split())


def test_all_commands_of_the_issue_are_there() -> None:
    asked = {"init", "receive", "run", "status", "lists", "holds", "verify", "rebuild", "twilio-stand-in", "backup", "restore", "reconcile"}
    assert asked <= set(COMMANDS)
    told = CliRunner().invoke(app, [], env={"COLUMNS": "200"})
    assert all(command in told.output for command in COMMANDS)
    assert "Example" in told.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["receive", "x.csv"],
        ["receive", "--from", "A"],
        ["nonsense"],
        ["run", "--no-such-option"],
        ["receive", "x.csv", "--from", "A", "--kind", "poem"],
    ],
)
def test_wrong_usage_ends_with_2_and_a_hint(arguments: list[str]) -> None:
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 2
    assert "Usage: " in told.output
    assert "Traceback" not in told.output


def test_a_stranger_s_first_five_minutes(tmp_path: Path) -> None:
    """The installed program with no settings but its home: it starts its own PostgreSQL, and needs nothing else."""
    home = tmp_path / "home"
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("UNPOOL_", "TWILIO_"))}
    (tmp_path / "sang.csv").write_bytes(FIRST_DAY["TEAM1"]["sang.csv"])

    def unpool(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).parent / "unpool"
        return subprocess.run([program, *arguments], cwd=tmp_path, env=clean | {"UNPOOL_HOME": str(home), "UNPOOL_NOW": NOW},
                              capture_output=True, text=True, check=False)  # fmt: skip

    try:
        for arguments in (["init"], ["receive", "sang.csv", "--from", "TEAM1"], ["run"], ["verify"]):
            done = unpool(*arguments)
            assert done.returncode == 0, done.stderr
        figures = json.loads(unpool("status", "--json").stdout)
        assert (figures["specimens"], figures["outcomes"]) == (10, {"awaiting": 10})
    finally:
        server.stop(home)
