"""Settings of one installation. `Settings.from_env` is the only reader of the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.errors import SettingsError


@dataclass(frozen=True)
class TwilioSettings:
    """Twilio's account. `sender` is a number, an alphanumeric sender or a messaging service (`MG...`)."""

    account_sid: str
    auth_token: str = field(repr=False)
    sender: str
    # Only the stand-in and a proxy change this; None is Twilio itself.
    api_base_url: str | None = None


@dataclass(frozen=True)
class ProviderSettings:
    """An OpenID provider that vouches for people at the desk. `claim`: the one of its ID token that is an account's login."""

    issuer: str
    client_id: str
    # None: a public client, whose proof is PKCE alone.
    client_secret: str | None = field(default=None, repr=False)
    # The only claim that a provider promises to be one person's for ever; the others are as good as its house rules.
    claim: str = "sub"


@dataclass(frozen=True)
class Settings:
    """One installation. Paths are absolute; `now` and `now_since` are for demos, replays and tests (see `clock`)."""

    home: Path
    programme: str
    database_url: str | None = field(default=None, repr=False)
    master_key: str | None = field(default=None, repr=False)
    # A second folder for the day keys, on another disk.
    keys_mirror: Path | None = None
    twilio: TwilioSettings | None = None
    callback_url: str | None = None
    result_url: str = "https://kq.unpool.example/r"
    # Where people reach the desk; by https, its cookie needs that.
    desk_url: str = "http://127.0.0.1:8084"
    # Where operators find Airflow's own pages; None: nowhere that the desk could lead to.
    airflow_url: str | None = None
    # None: people sign in by password alone.
    provider: ProviderSettings | None = None
    # Of DuckDB, such as "2GB"; None is half the machine, at most 4 GiB.
    memory_limit: str | None = None
    run_files: int = 8_000
    batch_files: int = 2_000
    batch_bytes: int = 256 * 1024 * 1024
    send_threads: int = 16
    now: datetime | None = None
    now_since: datetime | None = None

    def clock(self, real: datetime) -> datetime:
        """The time to work by: `real`, unless `now` is set. Then `now` at the real moment `now_since`, and running on from there.

        With `now` alone time stands still. Two runs of a service would then have one time, and what came later seem to come before.
        """
        if self.now is None:
            return real
        return self.now + (real - self.now_since) if self.now_since else self.now

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read UNPOOL_* and TWILIO_* from `environ`. Raises SettingsError, naming the variable."""
        get = environ.get
        return cls(
            home=Path(get("UNPOOL_HOME") or "var").absolute(),
            programme=get("UNPOOL_PROGRAMME") or "vietnam",
            database_url=get("UNPOOL_DATABASE_URL") or None,
            master_key=get("UNPOOL_MASTER_KEY") or None,
            keys_mirror=Path(mirror).absolute() if (mirror := get("UNPOOL_KEYS_MIRROR")) else None,
            twilio=_twilio(environ),
            callback_url=get("UNPOOL_CALLBACK_URL") or None,
            result_url=get("UNPOOL_RESULT_URL") or cls.result_url,
            desk_url=get("UNPOOL_DESK_URL") or cls.desk_url,
            airflow_url=_page(environ, "UNPOOL_AIRFLOW_URL"),
            provider=_provider(environ),
            memory_limit=_size(environ, "UNPOOL_MEMORY_LIMIT"),
            run_files=_count(environ, "UNPOOL_RUN_FILES", cls.run_files),
            batch_files=_count(environ, "UNPOOL_BATCH_FILES", cls.batch_files),
            batch_bytes=_count(environ, "UNPOOL_BATCH_BYTES", cls.batch_bytes),
            send_threads=_count(environ, "UNPOOL_SEND_THREADS", cls.send_threads),
            now=_moment(environ, "UNPOOL_NOW"),
            now_since=_moment(environ, "UNPOOL_NOW_SINCE"),
        )


def _twilio(environ: Mapping[str, str]) -> TwilioSettings | None:
    """All three or none: half an account is a mistake, not a choice."""
    names = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM")
    values = [environ.get(name) or "" for name in names]
    if not any(values):
        return None
    if missing := [name for name, value in zip(names, values, strict=True) if not value]:
        raise SettingsError(f"{', '.join(missing)} is not set, though other TWILIO_ settings are: set all three or none.")
    account_sid, auth_token, sender = values
    return TwilioSettings(account_sid, auth_token, sender, environ.get("UNPOOL_TWILIO_URL") or None)


def _provider(environ: Mapping[str, str]) -> ProviderSettings | None:
    """Who vouches must be who we think: by https, or on this machine."""
    issuer, client_id = environ.get("UNPOOL_OIDC_ISSUER") or "", environ.get("UNPOOL_OIDC_CLIENT_ID") or ""
    if not issuer and not client_id:
        return None
    if not issuer or not client_id:
        raise SettingsError("UNPOOL_OIDC_ISSUER and UNPOOL_OIDC_CLIENT_ID go together: set both or none.")
    address = urlsplit(issuer)
    if address.scheme != "https" and (address.scheme != "http" or address.hostname not in ("127.0.0.1", "localhost")):
        raise SettingsError("UNPOOL_OIDC_ISSUER must be an https address.")
    return ProviderSettings(
        issuer,
        client_id,
        environ.get("UNPOOL_OIDC_CLIENT_SECRET") or None,
        environ.get("UNPOOL_OIDC_CLAIM") or ProviderSettings.claim,
    )


def _page(environ: Mapping[str, str], name: str) -> str | None:
    """The address of a page that we lead people to: nothing that a browser would run."""
    text = environ.get(name) or ""
    if not text:
        return None
    address = urlsplit(text)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise SettingsError(f"{name} must be an http or https address.")
    return text.rstrip("/")


def _count(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or ""
    if not text:
        return default
    if not re.fullmatch(r"[1-9][0-9]{0,11}", text):
        raise SettingsError(f"{name} must be a whole number above 0.")
    return int(text)


def _size(environ: Mapping[str, str], name: str) -> str | None:
    text = environ.get(name) or ""
    if not text:
        return None
    if not re.fullmatch(r"[1-9][0-9]*(MB|GB)", text):
        raise SettingsError(f"{name} must be a size such as 512MB or 4GB.")
    return text


def _moment(environ: Mapping[str, str], name: str) -> datetime | None:
    text = environ.get(name) or ""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise SettingsError(f"{name} must be a moment with its offset, such as 2026-11-20T18:00:00+07:00.")
    return moment
