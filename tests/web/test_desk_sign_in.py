"""Signing in at the desk: sessions that end, one answer for every refusal, and a lock that many tries at once do not pass."""

from __future__ import annotations

import asyncio
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from pipeline.domain.words import Role
from pipeline.errors import ActionNeeded
from pipeline.ledger import accounts, audit
from pipeline.ledger.accounts import FREE_TRIES, WAITS
from pipeline.ledger.sessions import IDLE, WHOLE
from pipeline.ledger.tables import account, session
from pipeline.stages.accounts import Clerk, add_account, set_disabled, set_password, set_role
from pipeline.vault.passwords import LONGEST, SHORTEST, Passwords
from tests.web.desk import CHEAP, PASSWORD, Town

BY = Clerk("an", "a test")
ACCEPTS = {"Accept": "text/html"}
WRONG = "not the password at all"


def try_in(client: TestClient, login: str, password: str) -> int:
    return client.post("/sign-in", data={"login": login, "password": password}).status_code


def is_in(client: TestClient) -> bool:
    return client.get("/").headers.get("location") != "/sign-in"


def test_W11_signing_in_makes_a_new_id_and_ends_the_one_that_was_there(town: Town) -> None:
    client = town.client("lan")
    first = client.cookies["desk"]
    assert try_in(client, "lan", PASSWORD) == 303
    second = client.cookies["desk"]
    assert first != second and re.fullmatch(r"[0-9a-f]{32}", second)
    assert not is_in(TestClient(town.app, cookies={"desk": first}, headers={"Accept": "text/html"}, follow_redirects=False))


@pytest.mark.parametrize(
    ("login", "agent", "first"),
    [
        (
            "lan",
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
            "/phone/",
        ),
        (
            "lan",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
            "/phone/",
        ),
        ("lan", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "/files"),
        (
            "hoa",
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
            "/files",
        ),
    ],
)
def test_a_team_with_a_telephone_begins_at_the_page_that_is_made_for_it(town: Town, login: str, agent: str, first: str) -> None:
    assert town.client(login).get("/", headers={"User-Agent": agent}).headers["location"] == first


def test_W11_an_id_that_somebody_brings_along_is_never_taken(town: Town) -> None:
    planted = "0" * 32
    client = town.visitor()
    client.cookies.set("desk", planted)
    assert try_in(client, "lan", PASSWORD) == 303
    assert not is_in(TestClient(town.app, cookies={"desk": planted}, headers={"Accept": "text/html"}, follow_redirects=False))


def test_W11_the_ledger_knows_only_the_hash_of_a_session(town: Town) -> None:
    secret = town.client("lan").cookies["desk"]
    with town.house.ledger.begin() as conn:
        kept = list(conn.execute(select(session.c.session_hash)).scalars())
    assert len(kept) == 1 and secret not in kept[0]


def test_W11_after_signing_out_the_session_is_nobodys(town: Town) -> None:
    client = town.client("lan")
    kept = dict(client.cookies)
    assert is_in(client)
    assert client.post("/sign-out").headers["location"] == "/sign-in"
    assert not is_in(TestClient(town.app, cookies=kept, headers={"Accept": "text/html"}, follow_redirects=False))
    assert ("lan", "signed_out", "lan") in town.audited()


def test_W11_a_role_that_is_taken_acts_at_once(town: Town) -> None:
    client = town.client("an")
    assert client.get("/people").status_code == 200
    set_role(town.house.ledger, "an", Role.OPERATOR, None, BY, town.now)
    assert client.get("/people").status_code == 404
    set_role(town.house.ledger, "an", Role.ADMIN, None, BY, town.now)
    assert client.get("/people").status_code == 200
    with town.house.ledger.begin() as conn:
        accounts.set_disabled(conn, "an", True)
    assert not is_in(client)


def test_W11_shutting_an_account_and_a_new_password_end_its_sessions(town: Town) -> None:
    lan, minh = town.client("lan"), town.client("minh")
    set_disabled(town.house.ledger, "lan", True, BY, town.now)
    set_disabled(town.house.ledger, "lan", False, BY, town.now)
    set_password(town.house.ledger, "minh", CHEAP.hash("another password"), BY, town.now)
    assert not is_in(lan) and not is_in(minh)
    assert try_in(town.visitor(), "lan", PASSWORD) == 303
    assert try_in(town.visitor(), "minh", PASSWORD) == 403
    assert try_in(town.visitor(), "minh", "another password") == 303


def test_W11_a_session_that_nobody_uses_ends_and_one_in_use_does_not(town: Town) -> None:
    client = town.client("lan")
    for _ in range(3):
        town.now += IDLE - timedelta(seconds=1)
        assert is_in(client)
    town.now += IDLE
    assert not is_in(client)


def test_W11_a_session_ends_however_busy_it_is(town: Town) -> None:
    client = town.client("lan")
    began = town.now
    while town.now + timedelta(minutes=20) < began + WHOLE:
        town.later(minutes=20)
        assert is_in(client)
    town.now = began + WHOLE
    assert not is_in(client)


def test_W11_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(town: Town) -> None:
    answer = town.visitor().post("/sign-in", data={"login": "lan", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/" in cookie and "Domain" not in cookie


def test_W05_unknown_wrong_locked_and_shut_get_one_answer(town: Town) -> None:
    set_disabled(town.house.ledger, "tam", True, BY, town.now)
    with town.house.ledger.begin() as conn:
        conn.execute(
            update(account).where(account.c.login == "minh").values(failures=FREE_TRIES, locked_until=town.now + timedelta(hours=1))
        )
    tries = {"nobody": PASSWORD, "lan": WRONG, "minh": PASSWORD, "tam": PASSWORD, "": "", "x' OR 1=1 --": WRONG}
    answers = [town.visitor().post("/sign-in", data={"login": login, "password": password}) for login, password in tries.items()]
    assert {(one.status_code, one.text) for one in answers} == {(403, answers[0].text)}
    assert "do not open the desk" in answers[0].text


def test_W05_a_refusal_costs_the_same_work_whatever_its_reason(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    fits = Passwords.fits
    monkeypatch.setattr(Passwords, "fits", lambda self, hashed, password: asked.append(password) or fits(self, hashed, password))
    for login in ("nobody", "lan"):
        try_in(town.visitor(), login, WRONG)
    assert asked == [WRONG, WRONG]
    assert CHEAP.fits(None, "nobody's password") is False


def test_W04_ten_wrong_passwords_close_an_account_for_ever_longer(town: Town) -> None:
    for _ in range(FREE_TRIES):
        assert try_in(town.visitor(), "lan", WRONG) == 403
    assert try_in(town.visitor(), "lan", PASSWORD) == 403
    for minutes in list(WAITS.values())[:4]:
        town.later(minutes=minutes, seconds=-1)
        assert try_in(town.visitor(), "lan", PASSWORD) == 403
        town.later(seconds=1)
        assert try_in(town.visitor(), "lan", WRONG) == 403
    town.later(hours=1)
    assert try_in(town.visitor(), "lan", PASSWORD) == 303
    with town.house.ledger.begin() as conn:
        found = accounts.find(conn, "lan")
    assert found and (found.failures, found.locked_until) == (0, None)
    assert [entry for entry in town.audited() if entry[1] == "sign_in_locked"] == [("lan", "sign_in_locked", "lan")] * 5


def test_W04_fifty_wrong_passwords_at_once_never_pass_the_limit(town: Town) -> None:
    taken: list[bool] = []

    def once(_: int) -> None:
        with town.house.ledger.begin() as conn:
            taken.append(accounts.take_try(conn, "lan", town.now) is not None)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(once, range(50)))
    assert sum(taken) == FREE_TRIES


def test_W12_a_crowd_at_the_door_keeps_nobody_who_is_in_from_working(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    session_id = town.client("an").cookies["desk"]
    opened, knocked = threading.Event(), threading.Event()

    def fits(self: Passwords, hashed: str | None, password: str) -> bool:
        knocked.set()
        return not opened.wait(30)

    monkeypatch.setattr(Passwords, "fits", fits)

    async def crowd() -> tuple[int, set[int]]:
        transport = httpx.ASGITransport(app=town.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=ACCEPTS) as client:
            form = {"login": "nobody", "password": WRONG}
            knocking = [asyncio.create_task(client.post("/sign-in", data=form)) for _ in range(60)]
            await asyncio.to_thread(knocked.wait, 30)
            inside = await asyncio.wait_for(client.get("/people", headers={"Cookie": f"desk={session_id}"}), 20)
            opened.set()
            return inside.status_code, {answer.status_code for answer in await asyncio.gather(*knocking)}

    assert asyncio.run(crowd()) == (200, {403})


def test_W04_an_address_that_is_refused_too_often_is_asked_to_wait_and_nothing_is_looked_at(town: Town) -> None:
    town.limits.each = 3
    logins = ("nobody", "lan", "minh", "hoa", "lan")
    answers = [town.visitor(address="192.0.2.1").post("/sign-in", data={"login": login, "password": WRONG}) for login in logins]
    assert [one.status_code for one in answers] == [403] * 3 + [429] * 2
    # From then on alike for every login and password, and no try of an account is spent.
    late = [try_in(town.visitor(address="192.0.2.1"), login, password) for login in ("nobody", "hoa") for password in (WRONG, PASSWORD)]
    assert late == [429] * 4 and "Too many tries" in answers[-1].text
    with town.house.ledger.begin() as conn:
        assert {one.login: one.failures for one in accounts.listing(conn) if one.failures} == {"lan": 1, "minh": 1}
    assert try_in(town.visitor(address="192.0.2.2"), "hoa", PASSWORD) == 303


def test_W04_who_is_right_spends_nothing_of_an_address_that_many_share(town: Town) -> None:
    town.limits.each = 2
    assert [try_in(town.visitor(address="192.0.2.1"), "lan", PASSWORD) for _ in range(5)] == [303] * 5
    assert try_in(town.visitor(address="192.0.2.1"), "lan", WRONG) == 403


def test_accounts_and_places_go_together_and_every_change_is_audited(town: Town) -> None:
    ledger = town.house.ledger
    for role, place in ((Role.TEAM, None), (Role.LAB, None), (Role.OPERATOR, "team-a"), (Role.TEAM, "../etc")):
        with pytest.raises(ActionNeeded):
            add_account(ledger, "new", CHEAP.hash(PASSWORD), role, place, BY, town.now)
    for login in ("x", "Upper", "with space", "lan"):
        with pytest.raises(ActionNeeded):
            add_account(ledger, login, CHEAP.hash(PASSWORD), Role.ADMIN, None, BY, town.now)
    with pytest.raises(ActionNeeded, match="no account"):
        set_role(ledger, "nobody", Role.ADMIN, None, BY, town.now)
    with pytest.raises(ActionNeeded, match="--by"):
        add_account(ledger, "new", CHEAP.hash(PASSWORD), Role.ADMIN, None, Clerk(" ", ""), town.now)
    assert town.audited() == []
    add_account(ledger, "new", CHEAP.hash(PASSWORD), Role.LAB, "lab-a", BY, town.now)
    set_role(ledger, "new", Role.TEAM, "team-a", BY, town.now)
    set_password(ledger, "new", CHEAP.hash(PASSWORD), BY, town.now)
    set_disabled(ledger, "new", True, BY, town.now)
    assert [entry[1:] for entry in town.audited()] == [
        ("account_added", "new lab lab-a"),
        ("account_role", "new team team-a"),
        ("account_password", "new"),
        ("account_disabled", "new"),
    ]
    with ledger.begin() as conn:
        assert audit.verify(conn) == []
        assert conn.execute(select(func.count()).select_from(account).where(account.c.password_hash.like("$argon2id$%"))).scalar_one() == 7


@pytest.mark.parametrize("password", ["", "x" * (SHORTEST - 1), "x" * (LONGEST + 1)])
def test_a_password_has_a_length(password: str) -> None:
    with pytest.raises(ActionNeeded, match=str(SHORTEST)):
        CHEAP.hash(password)


def test_a_password_is_the_same_however_its_accents_are_typed() -> None:
    assert CHEAP.fits(CHEAP.hash("mật khẩu tiếng Việt"), "mật khẩu tiếng Việt")
    assert not CHEAP.fits("no hash at all", PASSWORD)
