"""What a task makes of a stage's end: counts, a skip, a retry, or a failure that is not retried. And what it never tells."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from pipeline.errors import ActionNeeded, Broken, SettingsError, WarehouseBusy

SECRET = "Nguyen Van A"


@dataclass(frozen=True)
class Summary:
    batches: int = 0
    violations: int = 0
    by_state: dict[str, int] = field(default_factory=dict)
    note: str = SECRET

    @property
    def is_anything(self) -> bool:
        return self.batches > 0


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """Stands in for the house: notes that it was opened and closed."""
    seen: list[str] = []

    @contextmanager
    def open_house(settings):
        seen.append("opened")
        try:
            yield settings
        finally:
            seen.append("closed")

    monkeypatch.setattr("pipeline.stages.house.open_house", open_house)
    return seen


def run(stage, environ=None, **options):
    from unpool_airflow.stage_task import run_stage

    return run_stage(stage, environ or {}, **options)


def raising(error):
    def stage(house, now):
        raise error

    return stage


def test_only_numbers_reach_xcom(opened):
    assert run(lambda house, now: Summary(2, by_state={"sent": 3})) == {"batches": 2, "violations": 0, "by_state": {"sent": 3}}
    assert opened == ["opened", "closed"]


def test_nothing_to_do_is_a_skip_so_that_no_asset_is_told(opened):
    from airflow.sdk.exceptions import AirflowSkipException

    with pytest.raises(AirflowSkipException):
        run(lambda house, now: Summary())


def test_a_count_that_must_be_nought_fails_the_task_even_when_nothing_was_done(opened):
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match="violations: 2"):
        run(lambda house, now: Summary(violations=2), fails_on="violations")


@pytest.mark.parametrize("error", [ActionNeeded("a"), SettingsError("a"), Broken("a")], ids=lambda error: type(error).__name__)
def test_what_waiting_does_not_mend_is_not_retried(opened, error):
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match="a"):
        run(raising(error))
    assert opened == ["opened", "closed"]


def test_a_wrong_setting_is_not_retried(opened):
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match="UNPOOL_NOW"):
        run(lambda house, now: Summary(1), {"UNPOOL_NOW": "yesterday"})


def test_what_waiting_mends_is_retried(opened):
    with pytest.raises(WarehouseBusy):
        run(raising(WarehouseBusy("Another process writes.")))


def test_a_foreign_error_is_retried_and_says_where_but_not_what(opened):
    from airflow.sdk.exceptions import AirflowException, AirflowFailException

    with pytest.raises(AirflowException) as caught:
        run(raising(ValueError(f"could not convert {SECRET!r}")))
    assert not isinstance(caught.value, AirflowFailException)
    assert str(caught.value).startswith("ValueError at ") and "test_stage_task.py:" in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_the_moment_is_the_settings_one_or_the_clock(opened):
    seen = []

    def stage(house, now):
        seen.append(now)
        return Summary(1)

    run(stage, {"UNPOOL_NOW": "2026-11-12T20:00:00+07:00"})
    before = datetime.now(UTC)
    run(stage)
    assert seen[0] == datetime.fromisoformat("2026-11-12T20:00:00+07:00")
    assert before <= seen[1] <= datetime.now(UTC)


def test_the_twilio_connection_replaces_the_whole_account(monkeypatch):
    from airflow.sdk import Connection

    from pipeline.settings import Settings
    from unpool_airflow.twilio_connection import environ_with_twilio

    monkeypatch.setenv("AIRFLOW_CONN_TWILIO", '{"conn_type": "http", "login": "AC9", "password": "t", "extra": {"from": "CLINIC"}}')
    assert Connection.get("twilio").login == "AC9"
    stand_in = {"TWILIO_ACCOUNT_SID": "AC0", "TWILIO_AUTH_TOKEN": "x", "TWILIO_FROM": "y", "UNPOOL_TWILIO_URL": "http://127.0.0.1:1"}
    found = Settings.from_env(environ_with_twilio({**stand_in, "UNPOOL_HOME": "/home", "UNPOOL_CALLBACK_URL": "http://127.0.0.1:2"}))
    assert (found.twilio.account_sid, found.twilio.auth_token, found.twilio.sender, found.twilio.api_base_url) == (
        "AC9",
        "t",
        "CLINIC",
        None,
    )
    assert found.callback_url is None and str(found.home) == "/home"
