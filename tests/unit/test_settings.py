"""Settings: what the environment may say, and that a wrong word names its variable."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.settings import ProviderSettings, Settings

TWILIO = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t0ken", "TWILIO_FROM": "UNPOOL"}
OIDC = {"UNPOOL_OIDC_ISSUER": "https://id.example.vn", "UNPOOL_OIDC_CLIENT_ID": "desk", "UNPOOL_OIDC_CLIENT_SECRET": "0idc"}


def test_an_empty_environment_is_the_embedded_default() -> None:
    settings = Settings.from_env({})
    assert settings.home == Path("var").absolute()
    assert settings.programme == "vietnam"
    assert settings.twilio is None
    assert settings.database_url is None
    assert settings.keys_mirror is None


def test_the_mirror_of_the_keys_is_the_same_folder_wherever_it_is_asked_for() -> None:
    assert Settings.from_env({"UNPOOL_KEYS_MIRROR": "mirror"}).keys_mirror == Path("mirror").absolute()


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"UNPOOL_BATCH_FILES": "0"}, "UNPOOL_BATCH_FILES"),
        ({"UNPOOL_BATCH_BYTES": "many"}, "UNPOOL_BATCH_BYTES"),
        ({"UNPOOL_MEMORY_LIMIT": "2"}, "UNPOOL_MEMORY_LIMIT"),
        ({"UNPOOL_NOW": "2026-11-20"}, "UNPOOL_NOW"),
        ({"UNPOOL_NOW": "soon"}, "UNPOOL_NOW"),
        ({"UNPOOL_AIRFLOW_URL": "javascript:alert(1)"}, "UNPOOL_AIRFLOW_URL"),
        ({"UNPOOL_AIRFLOW_URL": "https:///runs"}, "UNPOOL_AIRFLOW_URL"),
        ({"UNPOOL_OIDC_ISSUER": "https://id.example.vn"}, "UNPOOL_OIDC_CLIENT_ID"),
        ({"UNPOOL_OIDC_CLIENT_ID": "desk"}, "UNPOOL_OIDC_ISSUER"),
        ({"UNPOOL_OIDC_ISSUER": "http://id.example.vn", "UNPOOL_OIDC_CLIENT_ID": "desk"}, "UNPOOL_OIDC_ISSUER"),
        ({"UNPOOL_OIDC_ISSUER": "id.example.vn", "UNPOOL_OIDC_CLIENT_ID": "desk"}, "UNPOOL_OIDC_ISSUER"),
        ({"TWILIO_ACCOUNT_SID": "AC1"}, "TWILIO_AUTH_TOKEN"),
        ({"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t"}, "TWILIO_FROM"),
    ],
)
def test_a_wrong_word_names_its_variable(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        Settings.from_env(environ)


def test_W16_secrets_do_not_show() -> None:
    given = {**TWILIO, **OIDC, "UNPOOL_MASTER_KEY": "k3y", "UNPOOL_DATABASE_URL": "postgresql://u:pa55@127.0.0.1/x"}
    settings = Settings.from_env(given)
    assert not any(secret in repr(settings) for secret in ("t0ken", "k3y", "pa55", "0idc"))


def test_a_provider_vouches_by_its_own_subjects_unless_told_otherwise() -> None:
    assert Settings.from_env({}).provider is None
    known = Settings.from_env(OIDC).provider
    assert known == ProviderSettings("https://id.example.vn", "desk", "0idc", "sub")
    here = {**OIDC, "UNPOOL_OIDC_ISSUER": "http://127.0.0.1:9000", "UNPOOL_OIDC_CLIENT_SECRET": "", "UNPOOL_OIDC_CLAIM": "email"}
    assert Settings.from_env(here).provider == ProviderSettings("http://127.0.0.1:9000", "desk", None, "email")


NOW, SINCE, REAL = "2026-11-12T18:00:00+07:00", "2026-11-22T10:00:00+00:00", datetime(2026, 11, 22, 10, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, REAL),
        ({"UNPOOL_NOW": NOW}, datetime.fromisoformat(NOW)),
        ({"UNPOOL_NOW": NOW, "UNPOOL_NOW_SINCE": SINCE}, datetime.fromisoformat("2026-11-12T18:05:00+07:00")),
        ({"UNPOOL_NOW_SINCE": SINCE}, REAL),
    ],
    ids=["real", "still", "running on", "since alone says nothing"],
)
def test_C15_clock(environ: dict[str, str], expected: datetime) -> None:
    assert Settings.from_env(environ).clock(REAL) == expected
