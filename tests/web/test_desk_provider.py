"""Signing in by an OpenID provider: it vouches for accounts that we made, for nobody else, and is believed in nothing that was tampered with."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from pipeline.domain.words import Role
from pipeline.ledger import accounts
from pipeline.ledger.sessions import IDLE
from pipeline.ledger.tables import audit
from pipeline.stages.accounts import Clerk, set_disabled, set_role
from pipeline.stages.house import open_house
from tests.homes import Installation
from tests.web import screens
from tests.web.desk import NOW, PAGE, PEOPLE, Town
from tests.web.elsewhere import (
    DESK,
    Elsewhere,
    another_person,
    begun,
    come_back,
    elsewhere,
    signed_by_anybody,
    signed_by_what_all_know,
    unsigned,
)

BY = Clerk("an", "a test")
SIGNED_IN_LIMIT_MS = 60_000


@pytest.fixture(scope="module")
def running() -> Iterator[Elsewhere]:
    with elsewhere() as made:
        yield made


@pytest.fixture
def there(running: Elsewhere) -> Elsewhere:
    running.forms.clear()
    running.client_id = running.forged = None
    running.later = timedelta()
    return running


@pytest.fixture
def town(installation: Callable[..., Installation], there: Elsewhere) -> Iterator[Town]:
    """A desk whose people may come by the provider too."""
    made = installation(now=NOW)
    with open_house(made.settings) as house:
        yield Town(house, made, there.provider())


def test_who_is_vouched_for_has_a_session_as_with_a_password(town: Town, there: Elsewhere) -> None:
    client = town.visitor()
    assert 'href="/sign-in/provider"' in client.get("/sign-in").text
    answer = come_back(client, there.allow(begun(client), "hoa"))
    assert answer.status_code == 200 and "Signed in" in answer.text
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("desk="))
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/" in cookie
    assert client.get("/worklist").status_code == 200 and client.get("/people").status_code == 404
    with town.house.ledger.begin() as conn:
        assert conn.execute(select(audit.c.what, audit.c.subject, audit.c.why)).first() == (
            "signed_in",
            "hoa",
            "vouched for by the provider",
        )
    set_role(town.house.ledger, "hoa", Role.ADMIN, None, BY, town.now)
    assert client.get("/people").status_code == 200
    town.now += IDLE
    assert client.get("/people").headers["location"] == "/sign-in"


def test_the_code_is_asked_for_with_proofs_that_are_new_each_time(town: Town, there: Elsewhere) -> None:
    client = town.visitor()
    asked = [parse_qs(urlsplit(begun(client)).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[0][name][0]) >= 43 and asked[0][name] != asked[1][name]
    assert {name: asked[0][name] for name in ("response_type", "code_challenge_method", "redirect_uri", "scope")} == {
        "response_type": ["code"], "code_challenge_method": ["S256"], "redirect_uri": [f"{DESK}/sign-in/vouched"], "scope": ["openid"],
    }  # fmt: skip
    url = begun(client)
    come_back(client, there.allow(url, "hoa"))
    told = there.forms[-1]
    digest = hashlib.sha256(told["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == parse_qs(urlsplit(url).query)["code_challenge"][0]
    assert "client_secret" not in told


def test_unknown_and_disabled_get_the_words_of_a_wrong_password_and_no_account_is_made(town: Town, there: Elsewhere) -> None:
    set_disabled(town.house.ledger, "hoa", True, BY, town.now)
    wrong = town.visitor().post("/sign-in", data={"login": "lan", "password": "not the password at all"})
    for sub in ("nobody", "hoa", "LAN", "lan ", "x' OR 1=1 --"):
        client = town.visitor()
        answer = come_back(client, there.allow(begun(client), sub))
        assert (answer.status_code, answer.text) == (403, wrong.text), sub
        assert "desk" not in client.cookies
    with town.house.ledger.begin() as conn:
        assert {one.login for one in accounts.listing(conn)} == set(PEOPLE)


def test_wrong_passwords_close_the_way_by_password_alone(town: Town, there: Elsewhere) -> None:
    with town.house.ledger.begin() as conn:
        for _ in range(accounts.FREE_TRIES):
            accounts.take_try(conn, "hoa", town.now)
    client = town.visitor()
    assert come_back(client, there.allow(begun(client), "hoa")).status_code == 200
    with town.house.ledger.begin() as conn:
        found = accounts.find(conn, "hoa")
    assert found and found.failures == accounts.FREE_TRIES


def _other_audience(there: Elsewhere, url: str) -> str:
    """A token that the provider made for another application, and signed."""
    there.client_id = "another"
    return there.allow(url, "hoa", client_id="another")


def _expired(there: Elsewhere, url: str) -> str:
    def late(id_token: str) -> str:
        there.later = timedelta(hours=1, seconds=61)
        return id_token

    there.forged = late
    return there.allow(url, "hoa")


def _forged(how: Callable[[Elsewhere], Callable[[str], str]]) -> Callable[[Elsewhere, str], str]:
    def forge(there: Elsewhere, url: str) -> str:
        there.forged = how(there)
        return there.allow(url, "hoa")

    return forge


def _too_late(there: Elsewhere, url: str) -> str:
    there.later = timedelta(minutes=15)
    return there.allow(url, "hoa")


UNTRUE: dict[str, Callable[[Elsewhere, str], str]] = {
    "state of another": lambda there, url: there.allow(url, "hoa", state="0" * 64),
    "no state": lambda there, url: there.allow(url, "hoa").partition("&state=")[0],
    "nonce of another": lambda there, url: there.allow(url, "hoa", nonce="0" * 64),
    "another audience": _other_audience,
    "expired": _expired,
    "alg none": _forged(lambda there: unsigned),
    "the public key as a secret": _forged(signed_by_what_all_know),
    "another key": _forged(lambda there: signed_by_anybody),
    "claims changed": _forged(lambda there: another_person),
    "no token at all": _forged(lambda there: lambda id_token: "nonsense"),
    "another issuer answers": lambda there, url: there.allow(url, "hoa") + "&iss=https%3A%2F%2Fevil.example",
    "a code of nobody": lambda there, url: there.allow(url, "hoa").replace("code=", "code=x"),
    "no code": lambda there, url: there.allow(url, "hoa").replace("code=", "error=access_denied&x="),
    "begun too long ago": _too_late,
}  # fmt: skip


@pytest.mark.parametrize("untrue", UNTRUE)
def test_W11_what_is_not_the_answer_to_what_this_browser_began_opens_nothing(
    town: Town, there: Elsewhere, untrue: str, capfd: pytest.CaptureFixture[str]
) -> None:
    client = town.visitor()
    address = UNTRUE[untrue](there, begun(client))
    answer = come_back(client, address)
    assert answer.status_code == 403 and "do not open the desk" in answer.text
    assert "desk" not in client.cookies and "desk-begun" not in client.cookies
    assert not [entry for entry in town.audited() if entry[1] == "signed_in"]
    printed = capfd.readouterr()
    assert not any(code in printed.out + printed.err for code in parse_qs(urlsplit(address).query).get("code", []))
    # The same browser, and nothing tampered with: it was for that reason alone.
    there.client_id = there.forged = None
    there.later = timedelta()
    assert come_back(client, there.allow(begun(client), "hoa")).status_code == 200


def test_W06_nobody_is_signed_in_by_an_address_that_another_began(town: Town, there: Elsewhere) -> None:
    """Else somebody could have people work, unknowing, under an account of his."""
    attacker = town.visitor()
    address = there.allow(begun(attacker), "hoa")
    victim = town.visitor()
    assert come_back(victim, address).status_code == 403
    begun(victim)
    assert come_back(victim, address).status_code == 403
    assert come_back(attacker, address).status_code == 200


def test_an_answer_is_taken_once(town: Town, there: Elsewhere) -> None:
    client = town.visitor()
    url = begun(client)
    kept, address = client.cookies["desk-begun"], there.allow(url, "hoa")
    assert come_back(client, address).status_code == 200
    assert come_back(client, address).status_code == 403
    again = town.visitor()
    again.cookies.set("desk-begun", kept)
    assert come_back(again, address).status_code == 403


def test_W04_answers_that_are_not_believed_count_for_their_address(town: Town, there: Elsewhere) -> None:
    town.limits.each = 2
    client = town.visitor(address="192.0.2.1")
    assert [come_back(client, f"{DESK}/sign-in/vouched?state=x&code=y").status_code for _ in range(3)] == [403, 403, 429]
    other = town.visitor(address="192.0.2.2")
    assert [come_back(other, there.allow(begun(other), "hoa")).status_code for _ in range(3)] == [200] * 3


def test_the_claim_that_the_settings_name_is_the_login(installation: Callable[..., Installation], there: Elsewhere) -> None:
    there.knows("7c1e", preferred_username="hoa", email="lan", email_verified=False)
    there.knows("8d2f", email="lan", email_verified=True)
    made = installation(now=NOW)
    with open_house(made.settings) as house:
        house_town = Town(house, made, there.provider("preferred_username"))
        client = house_town.visitor()
        assert come_back(client, there.allow(begun(client), "7c1e")).status_code == 200
        assert come_back(client, there.allow(begun(client), "8d2f")).status_code == 403, "it has no such claim"
    other = installation(now=NOW)
    with open_house(other.settings) as house:
        client = Town(house, other, there.provider("email")).visitor()
        assert come_back(client, there.allow(begun(client), "7c1e")).status_code == 403, "nobody has verified that address"
        assert come_back(client, there.allow(begun(client), "8d2f")).status_code == 200


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9", "{issuer}/users", "{issuer}/"])
def test_a_provider_that_does_not_answer_as_itself_is_told_as_that(
    installation: Callable[..., Installation], there: Elsewhere, issuer: str, capfd: pytest.CaptureFixture[str]
) -> None:
    made = installation(now=NOW)
    with open_house(made.settings) as house:
        answer = Town(house, made, there.provider(issuer=issuer.format(issuer=there.issuer))).visitor().get("/sign-in/provider")
    assert answer.status_code == 503 and "Traceback" not in capfd.readouterr().err


def test_where_none_is_set_there_is_no_such_way(installation: Callable[..., Installation]) -> None:
    made = installation(now=NOW)
    with open_house(made.settings) as house:
        client = Town(house, made).visitor()
        assert "/sign-in/provider" not in client.get("/sign-in").text
        assert {client.get(path).status_code for path in ("/sign-in/provider", "/sign-in/vouched")} == {404}


@pytest.mark.slow
@screens.NEEDS_CHROMIUM
@pytest.mark.parametrize("scripts", [True, False])
def test_a_browser_comes_back_from_another_site_and_is_in(
    installation: Callable[..., Installation], there: Elsewhere, chromium: Browser, scripts: bool
) -> None:
    """The session's cookie is strict: a browser that another site sent does not show it at once."""
    made = installation(now=NOW)
    with open_house(made.settings) as house:
        town = Town(house, made, there.provider())
        with screens.served(town.app) as address:
            provider = town.desk.provider
            assert provider
            object.__setattr__(provider, "back", f"{address}/sign-in/vouched")
            page = chromium.new_context(java_script_enabled=scripts, locale="en").new_page()
            # The provider's page wants its looks from a host that is none of ours.
            page.route(lambda url: not url.startswith((address, there.issuer)), lambda route: route.abort())
            page.goto(f"{address}/sign-in")
            page.get_by_text("your organisation's account").click()
            assert page.url.startswith(there.issuer)
            page.locator("input[name=sub]").fill("an")
            page.locator("input[name=sub]").press("Enter")
            expect(page.locator("h1")).to_have_text("Accounts", timeout=SIGNED_IN_LIMIT_MS)
            assert page.url == f"{address}/people"
            page.context.close()


def test_the_provider_of_an_installation_is_that_of_its_settings(installation: Callable[..., Installation], there: Elsewhere) -> None:
    from starlette.testclient import TestClient

    from pipeline.web.desk.serve import desk_of
    from tests.web.desk import CHEAP

    made = installation(now=NOW)
    settings = replace(made.settings, provider=there.settings(), desk_url="https://desk.example.vn/")
    with open_house(settings) as house:
        client = TestClient(desk_of(house, CHEAP), base_url="https://desk.example.vn", headers=PAGE, follow_redirects=False)
        answer = client.get("/sign-in/provider")
    assert parse_qs(urlsplit(answer.headers["location"]).query)["redirect_uri"] == ["https://desk.example.vn/sign-in/vouched"]
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-desk-begun=") and "Secure" in cookie and "SameSite=lax" in cookie and "HttpOnly" in cookie
