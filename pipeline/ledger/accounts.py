"""Accounts of the desk: who may sign in, as what, for which place, and how many tries went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, case, literal, select, update

from pipeline.domain.words import Role
from pipeline.ledger.columns import Moment, insert_into
from pipeline.ledger.tables import account

# How long an account is closed after so many wrong passwords in a row. It opens by itself: whoever shuts others out by wrong
# passwords must go on doing so.
WAITS: Final = {10: 1, 11: 2, 12: 4, 13: 8, 14: 16, 15: 32, 16: 60}
_MINUTES: Final = {failures: timedelta(minutes=minutes) for failures, minutes in WAITS.items()}
FREE_TRIES: Final = min(WAITS)


@dataclass(frozen=True)
class Account:
    """`place`: the code of its team or lab, as files from there are named by; None for operators and admins."""

    login: str
    role: Role
    place: str | None
    is_disabled: bool
    failures: int
    locked_until: datetime | None
    created_at: datetime


_COLUMNS = [account.c[name] for name in Account.__dataclass_fields__]


def add(conn: Connection, login: str, password_hash: str, role: Role, place: str | None, now: datetime) -> bool:
    """Make an account; False where the login is taken."""
    row = {"login": login, "password_hash": password_hash, "role": role, "place": place, "created_at": now}
    statement = insert_into(conn, account).values(row).on_conflict_do_nothing(index_elements=["login"])
    return bool(conn.execute(statement, execution_options={"preserve_rowcount": True}).rowcount)


def find(conn: Connection, login: str) -> Account | None:
    return _account(conn.execute(select(*_COLUMNS).where(account.c.login == login)).mappings().one_or_none())


def listing(conn: Connection) -> list[Account]:
    """All accounts, by login."""
    return [Account(**row) for row in conn.execute(select(*_COLUMNS).order_by(account.c.login)).mappings()]


def set_password(conn: Connection, login: str, password_hash: str) -> bool:
    """A new password opens a locked account. False: no such account."""
    return _change(conn, login, password_hash=password_hash, failures=0, locked_until=None)


def set_role(conn: Connection, login: str, role: Role, place: str | None) -> bool:
    """False: no such account."""
    return _change(conn, login, role=role, place=place)


def set_disabled(conn: Connection, login: str, is_disabled: bool) -> bool:
    """False: no such account."""
    return _change(conn, login, is_disabled=is_disabled)


def take_try(conn: Connection, login: str, now: datetime) -> tuple[str, int] | None:
    """Spend a try: the password's hash and the failures so far, this try among them; None for unknown, disabled and locked.

    One statement, and it counts before anybody looks at the password: tries at the same moment never pass the limit. The last free
    try, and each one after it, closes the account until its wait is over.
    """
    failures = account.c.failures + 1
    waits = [(failures >= count, literal(now + wait, Moment)) for count, wait in sorted(_MINUTES.items(), reverse=True)]
    is_open = account.c.locked_until.is_(None) | (account.c.locked_until <= now)
    statement = (
        update(account)
        .where(account.c.login == login, account.c.is_disabled.is_(False), is_open)
        .values(failures=failures, locked_until=case(*waits, else_=None))
        .returning(account.c.password_hash, account.c.failures)
    )
    taken = conn.execute(statement).one_or_none()
    return None if taken is None else (taken.password_hash, int(taken.failures))


def note_right(conn: Connection, login: str) -> None:
    """The password was right: all tries are back."""
    _change(conn, login, failures=0, locked_until=None)


def _change(conn: Connection, login: str, **values: Any) -> bool:
    return bool(conn.execute(update(account).where(account.c.login == login).values(values)).rowcount)


def _account(row: RowMapping | None) -> Account | None:
    return None if row is None else Account(**row)
