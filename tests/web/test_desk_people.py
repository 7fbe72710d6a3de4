"""Accounts at the desk: what `unpool account` does, by an admin on the screen, with the same audit, and never to one's own."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from pipeline.domain.words import Role
from pipeline.ledger import accounts
from pipeline.stages.accounts import Problem
from tests.web import screens
from tests.web.desk import PASSWORD, PEOPLE, Town
from tests.web.test_desk_sign_in import is_in, try_in

NEW = {"login": "Thu", "role": "lab", "place": "lab-a", "password": PASSWORD, "again": PASSWORD, "why": "a new colleague"}


def refused(client: TestClient, path: str, form: dict[str, str]) -> str:
    """The words of the refusal."""
    answer = client.post(path, data=form)
    assert answer.status_code == 400, (path, form)
    return re.findall(r'role="alert">([^<]+)<', answer.text)[0]


def test_an_account_is_made_changed_and_shut_and_each_is_in_the_audit(town: Town) -> None:
    an = town.client("an")
    assert an.post("/people", data=NEW).headers["location"] == "/people"
    assert "thu" in an.get("/people").text
    thu = town.client("thu")
    assert thu.get("/worklist").status_code == 200
    assert an.post("/people/thu/role", data={"role": "team", "place": "team-a", "why": ""}).headers["location"] == "/people/thu"
    assert thu.get("/worklist").status_code == 404 and thu.get("/call-backs").status_code == 200
    given = {"password": "another password", "again": "another password"}
    assert an.post("/people/thu/password", data=given).status_code == 303
    assert not is_in(thu) and try_in(town.visitor(), "thu", PASSWORD) == 403 and try_in(thu, "thu", "another password") == 303
    assert an.post("/people/thu/shut", data={"do": "shut", "why": "left"}).status_code == 303
    assert not is_in(thu) and try_in(town.visitor(), "thu", "another password") == 403
    assert "Shut." in an.get("/people/thu").text
    assert an.post("/people/thu/shut", data={"do": "open"}).status_code == 303
    assert try_in(town.visitor(), "thu", "another password") == 303
    assert [entry for entry in town.audited() if entry[1].startswith("account_")] == [
        ("an", "account_added", "thu lab lab-a"),
        ("an", "account_role", "thu team team-a"),
        ("an", "account_password", "thu"),
        ("an", "account_disabled", "thu"),
        ("an", "account_enabled", "thu"),
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"login": "x"}, "login"), ({"login": "with space"}, "login"), ({"login": ""}, "login"), ({"login": "lan"}, "taken"),
        ({"place": ""}, "place"), ({"role": "admin"}, "place"), ({"place": "../etc"}, "place"), ({"place": "a b"}, "place"),
        ({"again": "another password"}, "password"), ({"password": "short", "again": "short"}, "password"),
        ({"password": "x" * 201, "again": "x" * 201}, "password"), ({"why": "x" * 501}, "why"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_no_account_is_made(town: Town, changes: dict[str, str], problem: str) -> None:
    assert refused(town.client("an"), "/people", NEW | changes) == town.texts["en"][f"people.problem_{problem}"].replace("'", "&#39;")
    with town.house.ledger.begin() as conn:
        assert {one.login for one in accounts.listing(conn)} == set(PEOPLE)
    assert not [entry for entry in town.audited() if entry[1].startswith("account_")]


def test_nobody_changes_their_own_role_or_shuts_their_own_account(town: Town) -> None:
    an = town.client("an")
    own = town.texts["en"]["people.problem_own"]
    assert refused(an, "/people/an/role", {"role": "operator"}) == own
    assert refused(an, "/people/an/shut", {"do": "shut"}) == own
    page = an.get("/people/an").text
    assert "/people/an/role" not in page and "/people/an/shut" not in page and "/people/an/password" in page
    assert an.post("/people/an/password", data={"password": "another password", "again": "another password"}).status_code == 303
    assert not is_in(an)


@pytest.mark.parametrize("form", [{}, {"role": "king"}, {"do": "burn"}])
def test_what_no_form_of_ours_says_changes_nothing(town: Town, form: dict[str, str]) -> None:
    an = town.client("an")
    for path in ("/people", "/people/lan/role", "/people/lan/shut"):
        assert an.post(path, data=form).status_code == 400, path
    assert not [entry for entry in town.audited() if entry[1].startswith("account_")]


def test_no_password_comes_back_to_the_page(town: Town) -> None:
    answer = town.client("an").post("/people", data=NEW | {"login": "x"})
    assert PASSWORD not in answer.text and 'value="lab-a"' in answer.text


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_problem_and_role_has_its_words(town: Town, language: str) -> None:
    texts = town.texts[language]
    assert all(texts[f"people.problem_{one}"] for one in (*Problem, "password", "why", "own"))
    assert all(texts[f"role.{role}"] for role in Role)


@pytest.mark.slow
@screens.NEEDS_CHROMIUM
@pytest.mark.parametrize("language", ["vi", "en"])
def test_W13_the_rooms_of_an_admin_fit_320_px_and_axe_finds_nothing(chromium: Browser, town: Town, language: str) -> None:
    with screens.served(town.app) as site, screens.narrow(chromium, site, language) as page:
        screens.sign_in(page, site, "an")
        screens.good(page, f"desk-people-{language}")
        page.goto(f"{site}/people/lan")
        screens.good(page, f"desk-account-{language}")
