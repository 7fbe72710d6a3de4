"""An OpenID provider that we did not write (oidc-provider-mock), on this machine, whose requests and answers a test may change on their way."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import flask
import httpx
import oidc_provider_mock
from httpx import Response
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.testclient import TestClient
from werkzeug.serving import make_server

from pipeline.settings import ProviderSettings
from pipeline.web.desk.provider import Provider

CLIENT = "unpool-desk"
DESK = "http://testserver"
KEY = b"k" * 32


@dataclass
class Elsewhere:
    """`forms`: of each request for a token. `client_id`, where set, is who asks for the token; `forged` changes the ID token."""

    issuer: str = ""
    forms: list[dict[str, str]] = field(default_factory=list)
    client_id: str | None = None
    forged: Callable[[str], str] | None = None
    keys: Any = None
    later: timedelta = timedelta()

    def settings(self, claim: str = "sub", issuer: str | None = None) -> ProviderSettings:
        return ProviderSettings(issuer or self.issuer, CLIENT, "a secret of the tests", claim)

    def provider(self, claim: str = "sub", *, desk: str = DESK, issuer: str | None = None) -> Provider:
        return Provider(self.settings(claim, issuer), f"{desk}/sign-in/vouched", KEY, lambda: datetime.now(UTC) + self.later)

    def allow(self, url: str, sub: str, **changes: str) -> str:
        """What a person does who says yes there: the address to which they are sent back. `changes` are of the query of `url`."""
        at = urlsplit(url)
        query = dict(parse_qsl(at.query)) | changes
        answer = httpx.post(at._replace(query=urlencode(query)).geturl(), data={"sub": sub})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def knows(self, sub: str, **claims: object) -> None:
        httpx.put(f"{self.issuer}/users/{sub}", json=claims).raise_for_status()


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    app, made = oidc_provider_mock.app(), Elsewhere()

    @app.before_request
    def note() -> None:
        if flask.request.path == "/oauth2/token":
            if made.client_id:
                flask.request.environ["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(f"{made.client_id}:x".encode()).decode()
            made.forms.append(dict(flask.request.form))

    @app.after_request
    def change(answer: flask.Response) -> flask.Response:
        told = answer.get_json(silent=True)
        if made.forged and isinstance(told, dict) and "id_token" in told:
            answer.set_data(json.dumps(told | {"id_token": made.forged(told["id_token"])}))
        return answer

    server = make_server("127.0.0.1", 0, app, threaded=True)
    # A site of another name than the desk's: for a browser, ports make no other site.
    made.issuer = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        made.keys = httpx.get(f"{made.issuer}/jwks").json()
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def begun(client: TestClient) -> str:
    """The address to which the desk sends who wants to be vouched for."""
    answer = client.get("/sign-in/provider")
    assert answer.status_code == 303
    return answer.headers["location"]


def come_back(client: TestClient, address: str) -> Response:
    return client.get(address.removeprefix(DESK))


def _parts(id_token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in id_token.split(".")[:2])
    return header, claims


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(id_token: str) -> str:
    _, claims = _parts(id_token)
    return f"{_encoded({'alg': 'none'})}.{_encoded(claims)}."


def signed_by_anybody(id_token: str) -> str:
    """By a key that is not the provider's, under the name of one that is."""
    header, claims = _parts(id_token)
    return jwt.encode(header, claims, RSAKey.generate_key(2048))


def signed_by_what_all_know(elsewhere: Elsewhere) -> Callable[[str], str]:
    """With the public key as if it were a shared secret."""

    def sign(id_token: str) -> str:
        header, claims = _parts(id_token)
        public = KeySet.import_key_set(elsewhere.keys).keys[0].as_pem(private=False)
        signed = f"{_encoded(header | {'alg': 'HS256'})}.{_encoded(claims)}"
        seal = base64.urlsafe_b64encode(hmac.digest(public, signed.encode(), "sha256")).rstrip(b"=").decode()
        return f"{signed}.{seal}"

    return sign


def another_person(id_token: str) -> str:
    """The claims changed under the signature as it was."""
    header, claims = _parts(id_token)
    return f"{_encoded(header)}.{_encoded(claims | {'sub': 'an'})}.{id_token.split('.')[2]}"
