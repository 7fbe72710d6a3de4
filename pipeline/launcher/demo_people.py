"""Made-up people at the demo's desk: a team's, a lab's, two operators who let go together. Their passwords are made for this demo alone."""

from __future__ import annotations

import secrets

from rich.console import Console
from rich.table import Table

from pipeline.domain.words import FileKind, Role
from pipeline.launcher.scenario import Scenario
from pipeline.ledger import receipts
from pipeline.stages.accounts import Clerk, add_account
from pipeline.stages.house import House
from pipeline.vault.passwords import Passwords

PASSWORD_BYTES = 12
BY = Clerk("demo", "a made-up account")


def show_people(scenario: Scenario, house: House, desk_url: str, out: Console) -> None:
    """Make the accounts and print them."""
    title = f"accounts of the desk, {desk_url}"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, header_style="dim", pad_edge=False)
    for heading in ("login", "password", "role", "place"):
        table.add_column(heading, no_wrap=True)
    for login, role, place, password in add_people(scenario, house, Passwords()):
        table.add_row(login, password, role, place or "-")
    out.print("\n", table, sep="")


def add_people(scenario: Scenario, house: House, passwords: Passwords) -> list[tuple[str, Role, str | None, str]]:
    """(login, role, place, password) of each: of the first team and the first lab that sent a file in the scenario, and two operators."""
    with house.ledger.begin() as conn:
        first = {one.kind: one.sender for one in reversed(receipts.listing(conn))}
    wanted = [("team", Role.TEAM, first.get(FileKind.MANIFEST)), ("lab", Role.LAB, first.get(FileKind.RESULTS))]
    made: list[tuple[str, Role, str | None, str]] = []
    for login, role, place in [*(one for one in wanted if one[2]), ("operator", Role.OPERATOR, None), ("second", Role.OPERATOR, None)]:
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        add_account(house.ledger, login, passwords.hash(password), role, place, BY, scenario.as_of)
        made.append((login, role, place, password))
    return made
