"""`unpool account`: the accounts of the desk, whose passwords come from standard input alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from pipeline.__main__ import app
from pipeline.commands.account import account
from pipeline.domain.words import FileKind, Role
from pipeline.errors import ActionNeeded
from pipeline.launcher.demo_people import add_people
from pipeline.launcher.scenario import Scenario
from pipeline.ledger import receipts
from pipeline.ledger.receipts import Arrival
from pipeline.ledger.tables import account as accounts
from pipeline.ledger.tables import audit, receipt
from pipeline.stages.accounts import sign_in, sign_in_vouched
from pipeline.stages.house import open_house
from pipeline.vault.passwords import Passwords
from tests.homes import Installation

NOW = datetime.fromisoformat("2026-11-20T18:00:00+07:00")
PASSWORD = "a password of the tests"
CHEAP = Passwords(time_cost=1, memory_cost=8, lanes=1)
Unpool = Callable[..., Result]


@pytest.fixture
def here(installation: Callable[..., Installation]) -> Installation:
    return installation(now=NOW)


@pytest.fixture
def unpool(here: Installation, monkeypatch: pytest.MonkeyPatch) -> Unpool:
    """`unpool account ...` with this installation's settings; `given` is standard input. A refusal is raised."""
    settings = here.settings
    for name, value in {
        "UNPOOL_HOME": settings.home, "UNPOOL_DATABASE_URL": settings.database_url, "UNPOOL_MASTER_KEY": settings.master_key,
        "UNPOOL_NOW": NOW.isoformat(),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr("pipeline.vault.passwords.Passwords", lambda: CHEAP)

    def run(*arguments: str, given: str = "") -> Result:
        return CliRunner().invoke(app, ["account", *arguments], input=given, catch_exceptions=False)

    return run


def test_an_account_is_made_changed_shut_and_listed(unpool: Unpool, here: Installation) -> None:
    assert "team of team-a" in unpool("add", "lan", "--role", "team", "--place", "team-a", "--by", "an", given=f"{PASSWORD}\n").output
    assert "team-a" in unpool("list").output
    unpool("role", "lan", "--role", "lab", "--place", "lab-1", "--by", "an", "--why", "moved")
    unpool("password", "lan", "--by", "an", given="quite another one\n")
    assert "signed out" in unpool("disable", "lan", "--by", "an").output
    assert "disabled" in unpool("list").output
    assert "may sign in again" in unpool("disable", "lan", "--by", "an", "--undo").output
    with open_house(here.settings) as house:
        assert sign_in(house.ledger, CHEAP, "lan", "quite another one", NOW)
        with house.ledger.begin() as conn:
            entries = [tuple(row) for row in conn.execute(select(audit.c.who, audit.c.what, audit.c.subject, audit.c.why))]
            stored = str(conn.execute(select(accounts)).all())
    assert entries[:5] == [
        ("an", "account_added", "lan team team-a", ""),
        ("an", "account_role", "lan lab lab-1", "moved"),
        ("an", "account_password", "lan", ""),
        ("an", "account_disabled", "lan", ""),
        ("an", "account_enabled", "lan", ""),
    ]
    for secret in (PASSWORD, "quite another one"):
        assert secret not in stored + str(entries)


def test_an_account_without_a_password_has_none_that_fits(unpool: Unpool, here: Installation) -> None:
    """Not even an empty one; its person signs in by the provider."""
    unpool("add", "lan", "--role", "operator", "--by", "admin", "--no-password")
    with open_house(here.settings) as house:
        for tried in ("", "\n", "None", PASSWORD):
            assert sign_in(house.ledger, CHEAP, "lan", tried, NOW) is None
        assert sign_in_vouched(house.ledger, "lan", NOW) is not None


def test_what_is_wrong_makes_no_account(unpool: Unpool) -> None:
    with pytest.raises(ActionNeeded, match="12 to 200"):
        unpool("add", "lan", "--role", "admin", "--by", "an", given="short\n")
    with pytest.raises(ActionNeeded, match="--place"):
        unpool("add", "lan", "--role", "team", "--by", "an", given=f"{PASSWORD}\n")
    with pytest.raises(ActionNeeded, match="no account"):
        unpool("disable", "lan", "--by", "an")
    assert "lan" not in unpool("list").output


def test_no_command_takes_a_password_as_an_argument() -> None:
    for command in account.registered_commands:
        name = command.name or command.callback.__name__  # type: ignore[union-attr]
        told = CliRunner().invoke(app, ["account", name, "--help"]).output
        assert "--password" not in told and "Example:" in told


def test_the_demo_has_a_person_of_a_team_of_a_lab_and_two_operators(here: Installation) -> None:
    played = Scenario("a day", "vietnam", NOW, ())
    with open_house(here.settings) as house:
        with house.ledger.begin() as conn:
            receipts.record(
                conn, [Arrival(f"c{n}", "a.csv", sender, None, "0" * 64, 1) for n, sender in enumerate(("team-a", "lab-1"))], NOW
            )
            for sender, kind in (("team-a", FileKind.MANIFEST), ("lab-1", FileKind.RESULTS)):
                conn.execute(receipt.update().where(receipt.c.sender == sender).values(kind=kind))
        made = add_people(played, house, CHEAP)
        operators = [(login, Role.OPERATOR, None) for login in ("operator", "second")]
        assert [one[:3] for one in made] == [("team", Role.TEAM, "team-a"), ("lab", Role.LAB, "lab-1"), *operators]
        assert all(sign_in(house.ledger, CHEAP, login, password, NOW) for login, _, _, password in made)
        assert len({password for *_, password in made}) == 4
