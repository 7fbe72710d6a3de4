"""`unpool account`: who may sign in at the desk."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline.domain.words import Role
from pipeline.settings import Settings

if TYPE_CHECKING:
    from pipeline.stages.house import House

account = typer.Typer(name="account", no_args_is_help=True, rich_markup_mode=None, help="Who may sign in at the desk.")
out = Console()

Login = Annotated[str, typer.Argument(metavar="LOGIN")]
RoleOption = Annotated[Role, typer.Option("--role", help="What it may do.")]
Place = Annotated[str | None, typer.Option("--place", help="Code of the team or lab; none for operators and admins.", metavar="CODE")]
By = Annotated[str, typer.Option("--by", help="Who does this, for the audit.", metavar="NAME")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the audit.", metavar="TEXT")]


@account.command()
def add(
    login: Login,
    role: RoleOption,
    by: By,
    place: Place = None,
    why: Why = "",
    no_password: Annotated[bool, typer.Option("--no-password", help="It signs in by the OpenID provider alone.")] = False,
) -> None:
    """Make an account. The password is asked for, or is the first line of standard input; never an argument.

    Example: unpool account add lan --role team --place TEAM1 --by admin
    """
    from pipeline.stages.accounts import NO_PASSWORD, Clerk, add_account

    hashed = NO_PASSWORD if no_password else _new_password()
    _do(lambda house, now: add_account(house.ledger, login, hashed, role, place, Clerk(by, why), now))
    out.print(f"{login} may sign in as {role}{f' of {place}' if place else ''}.", highlight=False)


@account.command("list")
def listing() -> None:
    """All accounts.

    Example: unpool account list
    """
    from pipeline.ledger.accounts import listing as found

    table = Table("login", "role", "place", "state", box=None, header_style="dim", pad_edge=False)

    def fill(house: House, now: datetime) -> None:
        with house.ledger.begin() as conn:
            for one in found(conn):
                locked = f"locked until {one.locked_until:%H:%M %Z}" if one.locked_until and one.locked_until > now else ""
                table.add_row(one.login, one.role, one.place or "-", "disabled" if one.is_disabled else locked)

    _do(fill)
    out.print(table)


@account.command()
def disable(
    login: Login, by: By, why: Why = "", undo: Annotated[bool, typer.Option("--undo", help="Let it sign in again.")] = False
) -> None:
    """Shut an account, at once.

    Example: unpool account disable lan --by admin --why "left the team"
    """
    from pipeline.stages.accounts import Clerk, set_disabled

    _do(lambda house, now: set_disabled(house.ledger, login, not undo, Clerk(by, why), now))
    out.print(f"{login} {'may sign in again' if undo else 'is signed out and may not sign in'}.", highlight=False)


@account.command()
def password(login: Login, by: By, why: Why = "") -> None:
    """Give a new password, which also opens a locked account. Asked for, or the first line of standard input.

    Example: unpool account password lan --by admin
    """
    from pipeline.stages.accounts import Clerk, set_password

    hashed = _new_password()
    _do(lambda house, now: set_password(house.ledger, login, hashed, Clerk(by, why), now))
    out.print(f"{login} has a new password, and is signed out everywhere.", highlight=False)


@account.command()
def role(login: Login, role: RoleOption, by: By, place: Place = None, why: Why = "") -> None:
    """Change what an account may do, from its next request on.

    Example: unpool account role lan --role lab --place LAB1 --by admin
    """
    from pipeline.stages.accounts import Clerk, set_role

    _do(lambda house, now: set_role(house.ledger, login, role, place, Clerk(by, why), now))
    out.print(f"{login} is {role}{f' of {place}' if place else ''} from now on.", highlight=False)


def _do(work: Callable[[House, datetime], None]) -> None:
    from pipeline.stages.house import open_house

    settings = Settings.from_env(os.environ)
    with open_house(settings) as house:
        work(house, settings.clock(datetime.now(UTC)))


def _new_password() -> str:
    """The hash of what somebody types, twice, or pipes in."""
    from pipeline.vault.passwords import Passwords

    if sys.stdin.isatty():
        given = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    return Passwords().hash(given)
