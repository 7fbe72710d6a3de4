"""Accounts: who may sign in at the desk. Every change is in the audit; a password is in none of it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from pipeline.domain.words import Role
from pipeline.errors import ActionNeeded
from pipeline.intake.inbox import is_sender
from pipeline.ledger import accounts, audit, sessions
from pipeline.ledger.engine import Ledger, Transaction
from pipeline.ledger.sessions import Person
from pipeline.log import event, warning
from pipeline.vault.passwords import Passwords


class Problem(StrEnum):
    """What keeps an account from being made or changed."""

    LOGIN = "login"
    TAKEN = "taken"
    PLACE = "place"
    NOBODY = "nobody"
    WHO = "who"


class AccountWrong(ActionNeeded):
    """An account cannot be made or changed so."""

    def __init__(self, problem: Problem, message: str) -> None:
        super().__init__(message, problem=problem)
        self.problem = problem


LOGIN: Final = r"[a-z0-9][a-z0-9._@-]{1,63}"
SESSION_BYTES: Final = 16


@dataclass(frozen=True)
class Clerk:
    """Who changes an account, and why: both go into the audit, so neither is anybody's data."""

    who: str
    why: str


# Of an account without a password: no password is that of it. Only an OpenID provider vouches for its person.
NO_PASSWORD: Final = ""


def add_account(ledger: Ledger, login: str, password_hash: str, role: Role, place: str | None, by: Clerk, now: datetime) -> None:
    """Make an account. Raises ActionNeeded: a login that is taken or none, a place that does not go with the role."""
    if not re.fullmatch(LOGIN, login):
        raise AccountWrong(Problem.LOGIN, "A login has 2 to 64 of a-z, 0-9, dot, dash, underscore, @, and starts with a letter or digit.")
    _check_place(role, place)
    with ledger.begin() as conn:
        if not accounts.add(conn, login, password_hash, role, place, now):
            raise AccountWrong(Problem.TAKEN, f"There is an account {login} already.")
        _note(conn, by, "account_added", login, now, f"{role} {place or ''}".strip())


def set_password(ledger: Ledger, login: str, password_hash: str, by: Clerk, now: datetime) -> None:
    """Give a new password, which opens a locked account. Its sessions end. Raises ActionNeeded: no such account."""
    with ledger.begin() as conn:
        _there(accounts.set_password(conn, login, password_hash), login)
        sessions.end_all(conn, login)
        _note(conn, by, "account_password", login, now)


def set_role(ledger: Ledger, login: str, role: Role, place: str | None, by: Clerk, now: datetime) -> None:
    """Change what an account may do, from its next request on. Raises ActionNeeded as `add_account`, or for no such account."""
    _check_place(role, place)
    with ledger.begin() as conn:
        _there(accounts.set_role(conn, login, role, place), login)
        _note(conn, by, "account_role", login, now, f"{role} {place or ''}".strip())


def set_disabled(ledger: Ledger, login: str, is_disabled: bool, by: Clerk, now: datetime) -> None:
    """Shut an account, at once, or open it again. Raises ActionNeeded: no such account."""
    with ledger.begin() as conn:
        _there(accounts.set_disabled(conn, login, is_disabled), login)
        if is_disabled:
            sessions.end_all(conn, login)
        _note(conn, by, "account_disabled" if is_disabled else "account_enabled", login, now)


def sign_in(ledger: Ledger, passwords: Passwords, login: str, password: str, now: datetime) -> str | None:
    """A new session's id; None, after the same work, for unknown, wrong, locked and disabled."""
    with ledger.begin() as conn:
        taken = accounts.take_try(conn, login, now)
    # Outside of the transaction: the try is spent whatever happens now.
    if not passwords.fits((taken[0] or None) if taken else None, password):
        warning("sign_in_refused")
        if taken and taken[1] >= accounts.FREE_TRIES:
            # Tries while it is closed are not counted, so a crowd at the door does not fill the audit.
            with ledger.begin() as conn:
                audit.append(conn, login, "sign_in_locked", login, f"{taken[1]} wrong passwords", now)
        return None
    with ledger.begin() as conn:
        accounts.note_right(conn, login)
        return _begin(conn, login, "", now)


def sign_in_vouched(ledger: Ledger, login: str, now: datetime) -> str | None:
    """A new session's id for whom the provider vouches; None where no such account was made, or it is disabled.

    What is closed by wrong passwords is open here: nobody guesses one.
    """
    with ledger.begin() as conn:
        # What is no login may be any text, also one that the ledger takes for none.
        known = accounts.find(conn, login) if re.fullmatch(LOGIN, login) else None
        if known is not None and not known.is_disabled:
            return _begin(conn, login, "vouched for by the provider", now)
    warning("sign_in_refused")
    return None


def _begin(conn: Transaction, login: str, how: str, now: datetime) -> str:
    session_id = secrets.token_hex(SESSION_BYTES)
    sessions.begin(conn, session_id, login, now)
    audit.append(conn, login, "signed_in", login, how, now)
    event("signed_in")
    return session_id


def sign_out(ledger: Ledger, session_id: str, now: datetime) -> None:
    """End a session; one that is none is no matter."""
    with ledger.begin() as conn:
        person = sessions.who(conn, session_id, now)
        sessions.end(conn, session_id)
        if person:
            audit.append(conn, person.login, "signed_out", person.login, "", now)


def person_of(ledger: Ledger, session_id: str, now: datetime) -> Person | None:
    """Whose session it is now; None where it ended."""
    with ledger.begin() as conn:
        return sessions.who(conn, session_id, now)


def note_refused(ledger: Ledger, person: Person, what: str, now: datetime) -> None:
    """Somebody asked for what is not theirs. `what`: a route and an object's number, never the text of an address."""
    with ledger.begin() as conn:
        audit.append(conn, person.login, "refused", what, f"{person.role} {person.place or ''}".strip(), now)
    warning("desk_refused", what=what)


def _check_place(role: Role, place: str | None) -> None:
    if role.has_place != (place is not None):
        lacks = f"The role {role} needs the code of its {role} (--place)." if role.has_place else f"The role {role} is bound to no place."
        raise AccountWrong(Problem.PLACE, lacks)
    if place is not None and not is_sender(place):
        raise AccountWrong(
            Problem.PLACE, "A place is the code by which its files come: 1 to 64 letters, digits, dots, dashes or underscores."
        )


def _there(found: bool, login: str) -> None:
    if not found:
        raise AccountWrong(Problem.NOBODY, f"There is no account {login}: `unpool account list`.")


def _note(conn: Transaction, by: Clerk, what: str, login: str, now: datetime, detail: str = "") -> None:
    if not by.who.strip():
        raise AccountWrong(Problem.WHO, "Say who does it (--by): it goes into the audit.")
    audit.append(conn, by.who.strip(), what, f"{login} {detail}".strip(), by.why.strip(), now)
