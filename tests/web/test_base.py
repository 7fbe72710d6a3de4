"""The base of every page: headers on each answer, languages alike, failures in words without a person's data."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pipeline.errors import LedgerUnavailable, SettingsError
from pipeline.web.base.app import new_app
from pipeline.web.base.languages import BASE_TEXTS, load_languages
from pipeline.web.base.pages import load_pages
from pipeline.web.base.shield import HEADERS, Shield

SECRET = "Nguyen Thi Canary"


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    app = new_app(load_pages(tmp_path, "Unpool"))

    @app.get("/broken")
    def broken() -> None:
        raise ValueError(SECRET)

    @app.get("/away")
    def away() -> None:
        raise LedgerUnavailable("The ledger is away.")

    @app.post("/change")
    def change() -> str:
        return "done"

    return TestClient(Shield(app), raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("path", "status"), [("/broken", 500), ("/away", 503), ("/nowhere", 404), ("/change", 405), ("/static/unpool.css", 200)]
)
def test_W07_every_answer_has_every_header(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_a_failure_is_told_in_words_and_quotes_nobody(client: TestClient, capfd: pytest.CaptureFixture[str]) -> None:
    answer = client.get("/broken", headers={"Accept-Language": "en"})
    assert "Something went wrong on our side" in answer.text
    printed = capfd.readouterr()
    assert SECRET not in answer.text + printed.out + printed.err


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Origin": "http://testserver"}, 200),
        ({}, 200),
    ],
)
def test_W06_a_foreign_site_changes_nothing(client: TestClient, headers: dict[str, str], status: int) -> None:
    answer = client.post("/change", headers=headers)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_the_language_is_asked_for_then_kept_then_the_browsers(client: TestClient) -> None:
    assert 'lang="vi"' in client.get("/nowhere", headers={"Accept-Language": "fr"}).text
    assert '<html lang="en">' in client.get("/nowhere", headers={"Accept-Language": "en-GB,vi;q=0.5"}).text
    assert '<html lang="en">' in client.get("/nowhere?lang=en").text
    assert '<html lang="en">' in client.get("/nowhere", headers={"Accept-Language": "vi"}).text


def test_all_languages_hold_the_same_keys(tmp_path: Path) -> None:
    assert list(load_languages(BASE_TEXTS)) == ["vi", "en"]
    (tmp_path / "en.toml").write_text('only = "here"', encoding="utf-8")
    with pytest.raises(SettingsError, match="only"):
        load_languages(BASE_TEXTS, tmp_path)
