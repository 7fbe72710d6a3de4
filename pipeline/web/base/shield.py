"""The outermost layer of every application: headers on each response, no request from a foreign site, no word of a failure but its kind.

It must be outside of Starlette's own error handling: a middleware within it would not see the answer to a failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.log import warning

POLICY: Final = "Content-Security-Policy"
HEADERS: Final = {
    POLICY: (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; manifest-src 'self'; "
        "worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


# As they go out: every response gets them, whatever it says of its own.
_RAW: Final = _raw(HEADERS)
_NAMES: Final = frozenset(name for name, _ in _RAW)
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OURS: Final = frozenset({"same-origin", "none"})


class Shield:
    """An application behind the shield. `policies`: path → a Content-Security-Policy of its own, for the rare file that needs another; a
    path that ends in a slash is that of all below it."""

    def __init__(self, app: ASGIApp, policies: Mapping[str, str] = MappingProxyType({})) -> None:
        self.app = app
        self._of_path = {path: _raw(HEADERS | {POLICY: policy}) for path, policy in policies.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_shielded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                path = scope["path"]
                ours = self._of_path.get(path) or self._of_path.get(path[: path.rfind("/") + 1], _RAW)
                message["headers"] = [one for one in message["headers"] if one[0] not in _NAMES] + ours
            await send(message)

        if is_foreign(scope):
            warning("foreign_request")
            await PlainTextResponse("403", 403)(scope, receive, send_shielded)
            return
        try:
            await self.app(scope, receive, send_shielded)
        except Exception as error:  # noqa: BLE001  # its text may quote a person; what is said is its kind
            warning("request_failed", kind=type(error).__name__)
            if not started:
                await PlainTextResponse("500", 500)(scope, receive, send_shielded)


def is_foreign(scope: Scope) -> bool:
    """Whether a request that changes something comes from a page of another site.

    Our pages send no referrer, so their `Origin` is `null`: where the browser says `Sec-Fetch-Site`, that counts.
    """
    if scope["method"] in SAFE:
        return False
    headers = Headers(scope=scope)
    if site := headers.get("sec-fetch-site"):
        return site not in OURS
    origin = headers.get("origin", "null")
    return origin != "null" and urlsplit(origin).netloc != headers.get("host")
