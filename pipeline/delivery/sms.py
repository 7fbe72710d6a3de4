"""Twilio's client behind four answers. Whatever goes wrong, the caller learns one thing: may this message exist at Twilio?

- `Accepted`: it does.  `Refused`, `BackOff`: it does not.  `Unknown`: nobody can say; look it up before sending again.

Creating a message has no idempotency key, so that no request is ever repeated here. The async client is not used: it ignores
its time-out and posts again after a 500.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import MaxRetryError, NewConnectionError

from pipeline.delivery.codes import RefusalKind, kind_of, stops_the_line
from pipeline.errors import TryAgain
from pipeline.settings import TwilioSettings

TIMEOUT_S: Final = 10.0
PAGE: Final = 1_000
INBOUND: Final = "inbound"
# Twilio's client logs request addresses, and listing carries the number in its query: its log goes nowhere.
_SILENT = logging.Logger("twilio, silenced", level=logging.CRITICAL + 1)


@dataclass(frozen=True)
class Accepted:
    """Twilio has the message. `status` is Twilio's word."""

    sid: str
    status: str


@dataclass(frozen=True)
class Refused:
    """Twilio said no, and sending the same again would get the same. `stops_the_line`: so would every other message."""

    kind: RefusalKind
    code: int
    stops_the_line: bool = False


@dataclass(frozen=True)
class BackOff:
    """Not taken, and waiting helps. `retry_after_s` is Twilio's own wish, None if it gave none."""

    retry_after_s: float | None


@dataclass(frozen=True)
class Unknown:
    """Nobody can say whether Twilio took it. `reason` is the exception's class or `http_<status>`, never its text."""

    reason: str


Answer = Accepted | Refused | BackOff | Unknown


@dataclass(frozen=True)
class Found:
    """A message that Twilio has. `body` is empty where Twilio redacted it; `created_at` is aware."""

    sid: str
    status: str
    body: str
    created_at: datetime | None
    error_code: int | None


class Provider(Protocol):
    """What a stage needs of Twilio. `Sms` is it; tests write their own."""

    def send(self, to: str, body: str, *, status_callback: str | None = None, validity_s: int | None = None) -> Answer: ...

    def find(self, to: str, since: datetime) -> list[Found]: ...

    def fetch(self, sid: str) -> Found | None: ...


class LookupFailed(TryAgain):
    """Twilio could not be asked. What is unknown stays unknown."""


class _TooManyRequests(Exception):
    """A 429 with what Twilio's own exception drops: the Retry-After header."""

    def __init__(self, retry_after_s: float | None) -> None:
        super().__init__("429")
        self.retry_after_s = retry_after_s


# ValueError: an answer that is no JSON.
_FAILURES = (TwilioException, requests.RequestException, _TooManyRequests, ValueError)


class _Http(TwilioHttpClient):  # type: ignore[misc]  # twilio carries no types
    """Twilio's own HTTP client with a connection for every thread, without its log, and with an eye for Retry-After."""

    def __init__(self, timeout_s: float, threads: int) -> None:
        super().__init__(timeout=timeout_s, logger=_SILENT)
        # At DEBUG it would write request addresses, and the one of a listing holds a number.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.WARNING)
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=threads)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def request(self, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().request(*args, **kwargs)
        if response.status_code == 429:
            raise _TooManyRequests(_seconds(response.headers))
        return response


class Sms:
    """One account. Safe to share between threads."""

    def __init__(self, settings: TwilioSettings, timeout_s: float = TIMEOUT_S, threads: int = 64) -> None:
        self._client = Client(settings.account_sid, settings.auth_token, http_client=_Http(timeout_s, threads))
        # The client takes both from the environment, and would rewrite the address with them.
        self._client.edge = self._client.region = None
        if settings.api_base_url:
            self._client.api.base_url = settings.api_base_url
        by_service = settings.sender.startswith("MG")
        self._sender = {"messaging_service_sid" if by_service else "from_": settings.sender}

    def send(self, to: str, body: str, *, status_callback: str | None = None, validity_s: int | None = None) -> Answer:
        """Ask Twilio to send `body` to `to` (E.164), once. Never raises: an exception is an answer too."""
        options: dict[str, Any] = dict(self._sender)
        if status_callback:
            options["status_callback"] = status_callback
        if validity_s:
            options["validity_period"] = validity_s
        try:
            message = self._client.messages.create(to=to, body=body, **options)
        except Exception as error:  # noqa: BLE001 - any of them may have come after Twilio took the message
            return _answer(error)
        if not message.sid or not message.status:
            return Unknown("answer_without_sid")
        return Accepted(str(message.sid), str(message.status))

    def find(self, to: str, since: datetime) -> list[Found]:
        """All messages to `to` that Twilio created at or after `since` (aware). Raises LookupFailed.

        Not filtered by Twilio's DateSent: a message that still queues there has none, and would be missed and sent twice.
        """
        try:
            found = [_found(message) for message in self._client.messages.stream(to=to, page_size=PAGE)]
        except _FAILURES as error:
            raise _lookup_failed(error) from None
        return [message for message in found if message.created_at is None or message.created_at >= since]

    def since(self, moment: datetime) -> Iterator[Found]:
        """All outgoing messages that Twilio created at or after `moment` (aware), as it lists them. Raises LookupFailed.

        Twilio sorts by the time of sending, the newest first, so that one that queued there for long stands among younger ones: the
        end is a whole page of messages that were both created and sent before.
        """
        older = 0
        try:
            for message in self._client.messages.stream(page_size=PAGE):
                times = [one for one in (message.date_created, message.date_sent) if one is not None]
                older = older + 1 if times and max(times) < moment else 0
                if older == PAGE:
                    return
                is_wanted = message.date_created is None or message.date_created >= moment
                if is_wanted and message.direction != INBOUND:
                    yield _found(message)
        except _FAILURES as error:
            raise _lookup_failed(error) from None

    def fetch(self, sid: str) -> Found | None:
        """The message as it stands at Twilio, None if there is none of this SID. Raises LookupFailed."""
        try:
            return _found(self._client.messages(sid).fetch())
        except TwilioRestException as error:
            if error.status == 404:
                return None
            raise _lookup_failed(error) from None
        except _FAILURES as error:
            raise _lookup_failed(error) from None


def _answer(error: Exception) -> Answer:
    """What an exception while creating a message means. A 4xx is a no; all that is not surely a no is Unknown."""
    match error:
        case _TooManyRequests(retry_after_s=seconds):
            return BackOff(seconds)
        case TwilioRestException(status=status, code=code) | TwilioServiceException(status=status, code=code) if 400 <= status < 500:
            # 408 is a proxy's or Twilio's time-out: the request may have gone through.
            return Unknown("http_408") if status == 408 else _refusal(int(status), int(code or status))
        case TwilioRestException(status=status) | TwilioServiceException(status=status):
            return Unknown(f"http_{status}")
        case TwilioException():
            return Unknown("client")
        case requests.exceptions.ConnectTimeout():
            return BackOff(None)
        case requests.exceptions.ConnectionError() if _never_connected(error):
            return BackOff(None)
        case json.JSONDecodeError():
            return Unknown("answer_not_json")
        case _:
            return Unknown(type(error).__name__)


def _refusal(status: int, code: int) -> Answer:
    kind = kind_of(code)
    if kind is RefusalKind.BACK_OFF:
        return BackOff(None)
    stops = stops_the_line(status, code)
    return Refused(RefusalKind.CONFIGURATION if stops else kind, code, stops)


def _never_connected(error: requests.exceptions.ConnectionError) -> bool:
    """No connection, so no message: the one network failure that is not Unknown."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _seconds(headers: Mapping[str, str] | None) -> float | None:
    """Retry-After in seconds. Its other form, a date, is rare and read as no wish at all."""
    text = (headers or {}).get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _found(message: Any) -> Found:
    return Found(
        sid=str(message.sid),
        status=str(message.status),
        body=message.body or "",
        created_at=message.date_created,
        error_code=message.error_code,
    )


def _lookup_failed(error: Exception) -> LookupFailed:
    """Without the exception's own text: it holds the address, and that the number."""
    return LookupFailed("Twilio could not be asked for messages; what is unknown stays so until it answers.", cause=type(error).__name__)
