"""People: the accounts, for admins. Made, changed and shut as by `unpool account`, and in the audit as there.

Nobody changes their own role or shuts their own account: so there is always an admin left.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.domain.words import Role
from pipeline.errors import ActionNeeded
from pipeline.ledger import accounts as known
from pipeline.ledger.accounts import Account
from pipeline.ledger.engine import Ledger
from pipeline.ledger.sessions import Person
from pipeline.stages import accounts
from pipeline.stages.accounts import AccountWrong, Clerk
from pipeline.vault.passwords import LONGEST, SHORTEST
from pipeline.web.base.forms import read_form
from pipeline.web.desk.desk import Room

LARGEST_FORM: Final = 4096
# As long as a reason in the audit may be.
LONGEST_WHY: Final = 500
HOME: Final = "/people"
# What the stages do not know of: passwords that differ or are none, a reason that is too long, one's own account.
PASSWORD, WHY, OWN = "password", "why", "own"  # names of texts
Change = Callable[[Ledger, str, Clerk, datetime], None]


def routes(room: Room) -> None:
    @room.doors.get(HOME, Role.ADMIN, menu="menu.people")
    async def people(request: Request, person: Person) -> Response:
        return await _listing(room, request, person)

    @room.doors.post(HOME, Role.ADMIN)
    async def make(request: Request, person: Person) -> Response:
        form = await read_form(request, LARGEST_FORM)
        login, role, place = form.get("login", "").strip().lower(), _role(form), _place(form)

        def add(ledger: Ledger, new: str, by: Clerk, now: datetime) -> None:
            accounts.add_account(ledger, new, _hashed(room, form), role, place, by, now)

        if problem := await _done(room, person, login, form, add):
            return await _listing(room, request, person, problem=problem, given=form)
        return RedirectResponse(HOME, 303)

    @room.doors.get(HOME + "/{login}", Role.ADMIN)
    async def one(request: Request, person: Person) -> Response:
        return _account_page(room, request, person, await _of_address(room, request, person))

    _changes(room)


def _changes(room: Room) -> None:
    async def changed(request: Request, person: Person, of_form: Callable[[dict[str, str]], Change], *, own: bool) -> Response:
        """`own`: whether somebody may do it to themselves."""
        account = await _of_address(room, request, person)
        form = await read_form(request, LARGEST_FORM)
        change, is_own = of_form(form), account.login == person.login
        problem = OWN if is_own and not own else await _done(room, person, account.login, form, change)
        if problem:
            return _account_page(room, request, person, account, problem=problem)
        # A new password of one's own ends one's session: the next page is the sign-in.
        return RedirectResponse(f"{HOME}/{account.login}", 303)

    @room.doors.post(HOME + "/{login}/role", Role.ADMIN)
    async def role(request: Request, person: Person) -> Response:
        def of_form(form: dict[str, str]) -> Change:
            role, place = _role(form), _place(form)
            return lambda ledger, login, by, now: accounts.set_role(ledger, login, role, place, by, now)

        return await changed(request, person, of_form, own=False)

    @room.doors.post(HOME + "/{login}/password", Role.ADMIN)
    async def password(request: Request, person: Person) -> Response:
        def of_form(form: dict[str, str]) -> Change:
            return lambda ledger, login, by, now: accounts.set_password(ledger, login, _hashed(room, form), by, now)

        return await changed(request, person, of_form, own=True)

    @room.doors.post(HOME + "/{login}/shut", Role.ADMIN)
    async def shut(request: Request, person: Person) -> Response:
        def of_form(form: dict[str, str]) -> Change:
            is_disabled = {"shut": True, "open": False}.get(form.get("do", ""))
            if is_disabled is None:
                raise HTTPException(400)
            return lambda ledger, login, by, now: accounts.set_disabled(ledger, login, is_disabled, by, now)

        return await changed(request, person, of_form, own=False)


class _PasswordWrong(ActionNeeded):
    """Not typed twice alike, or too short or long."""


def _hashed(room: Room, form: dict[str, str]) -> str:
    if form.get("password") != form.get("again"):
        raise _PasswordWrong("The two passwords differ.")
    try:
        return room.desk.passwords.hash(form.get("password", ""))
    except ActionNeeded as wrong:
        raise _PasswordWrong(wrong.message) from None


async def _done(room: Room, person: Person, login: str, form: dict[str, str], change: Change) -> str:
    """Do it in the person's name; '' or the name of what was wrong."""
    why = form.get("why", "").strip()
    if len(why) > LONGEST_WHY:
        return WHY
    try:
        await run_in_threadpool(change, room.house.ledger, login, Clerk(person.login, why), room.now())
    except _PasswordWrong:
        return PASSWORD
    except AccountWrong as wrong:
        return wrong.problem
    return ""


def _role(form: dict[str, str]) -> Role:
    try:
        return Role(form.get("role", ""))
    except ValueError:
        raise HTTPException(400) from None


def _place(form: dict[str, str]) -> str | None:
    return form.get("place", "").strip() or None


async def _of_address(room: Room, request: Request, person: Person) -> Account:
    """The account that the address names."""

    def find(login: str) -> Account | None:
        with room.house.ledger.begin() as conn:
            return known.find(conn, login)

    login = request.path_params["login"]
    # A NUL is in no login, and no text of the ledger's.
    found = None if "\x00" in login else await run_in_threadpool(find, login)
    if found is None:
        await room.doors.refuse(person, f"{request.method} {HOME}")
    return found


async def _listing(room: Room, request: Request, person: Person, *, problem: str = "", given: dict[str, str] | None = None) -> Response:
    def all_of_them() -> list[Account]:
        with room.house.ledger.begin() as conn:
            return known.listing(conn)

    found = await run_in_threadpool(all_of_them)
    page = partial(_page, room, request, person, "people.html", problem)
    return page(accounts=found, given=dict.fromkeys(("login", "role", "place", "why"), "") | (given or {}))


def _account_page(room: Room, request: Request, person: Person, account: Account, *, problem: str = "") -> Response:
    return _page(room, request, person, "account.html", problem, one=account, is_own=account.login == person.login)


def _page(room: Room, request: Request, person: Person, template: str, problem: str, **values: object) -> Response:
    limits = {"shortest": SHORTEST, "longest": LONGEST, "longest_why": LONGEST_WHY}
    status = 400 if problem else 200
    return room.page(request, person, template, status, problem=problem, roles=list(Role), now=room.now(), **limits, **values)
