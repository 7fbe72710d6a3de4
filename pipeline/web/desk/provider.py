"""An OpenID provider that vouches for people of the desk: authorization code with PKCE, state and nonce, by Authlib.

Source: OpenID Connect Core 1.0 (3.1), RFC 7636, RFC 9207. What the provider says of itself, and its keys, are read at each sign-in,
so that a change of them needs nothing here.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pipeline.errors import ProviderFails
from pipeline.log import warning
from pipeline.settings import ProviderSettings
from pipeline.vault.sessions import session, token_in

TIMEOUT_S: Final = 10.0
# By a key that is the provider's alone: neither `none` nor a secret that two have.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# Seconds by which the provider's clock and ours may differ.
LEEWAY_S: Final = 60
# What is asked for beside `openid`, by the claim that is wanted; any other claim is thought to be of the profile.
_SCOPES: Final = {"sub": "openid", "email": "openid email"}
_BYTES: Final = 32


class _NotBelieved(Exception):
    """What came back is no answer to what this browser began, or vouches for nobody."""


@dataclass(frozen=True)
class Provider:
    """`back`: our address to which it sends people back; `key` seals what a browser keeps meanwhile; `clock` is the real time."""

    settings: ProviderSettings
    back: str
    key: bytes = field(repr=False)
    clock: Callable[[], datetime]

    def begin(self) -> tuple[str, str]:
        """The provider's address to go to, and what this browser must bring along when it comes back. Raises ProviderFails."""
        state, nonce, verifier = (secrets.token_hex(_BYTES) for _ in range(3))
        with self._conversation() as client:
            address = _text(self._self_description(client), "authorization_endpoint")
            url, _ = client.create_authorization_url(address, state=state, nonce=nonce, code_verifier=verifier)
        return str(url), session(self.key, f"{state}-{nonce}-{verifier}", self.clock())

    def vouched(self, kept: str, answer: Mapping[str, str]) -> str | None:
        """The login of whom the provider vouches for; None for every reason not to believe it. Raises ProviderFails.

        `kept`: what `begin` gave to this browser; `answer`: the query with which it came back.
        """
        try:
            nonce, verifier = self._begun(kept, answer)
            with self._conversation() as client:
                known = self._self_description(client)
                given = client.fetch_token(_text(known, "token_endpoint"), code=answer["code"], code_verifier=verifier)
                return self._login(_text(given, "id_token"), _read(client, _text(known, "jwks_uri")), nonce)
        except (_NotBelieved, OAuthError, JoseError) as error:
            warning("provider_not_believed", why=type(error).__name__)
            return None

    def _begun(self, kept: str, answer: Mapping[str, str]) -> tuple[str, str]:
        """Nonce and verifier of what this browser began, if the answer is one to that."""
        begun = token_in(self.key, kept, self.clock())
        if begun is None:
            raise _NotBelieved
        state, nonce, verifier = begun.split("-")
        is_ours = hmac.compare_digest(state.encode(), answer.get("state", "").encode())
        if not is_ours or answer.get("iss", self.settings.issuer) != self.settings.issuer or not answer.get("code"):
            raise _NotBelieved
        return nonce, verifier

    def _login(self, id_token: str, keys: Any, nonce: str) -> str:
        token = jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=list(ALGORITHMS))
        wanted = {"iss": self.settings.issuer, "aud": self.settings.client_id}
        options = {name: {"essential": True, "value": value} for name, value in wanted.items()}
        claims = CodeIDToken(token.claims, token.header, options, {"nonce": nonce, "client_id": self.settings.client_id})
        claims.validate(now=int(self.clock().timestamp()), leeway=LEEWAY_S)
        login = claims.get(self.settings.claim)
        # An address that somebody merely typed there is nobody's.
        if not isinstance(login, str) or (self.settings.claim == "email" and claims.get("email_verified") is not True):
            raise _NotBelieved
        return login

    def _self_description(self, client: OAuth2Session) -> Mapping[str, Any]:
        found: Mapping[str, Any] = _read(client, f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        if _text(found, "issuer") != self.settings.issuer:
            raise ProviderFails("The OpenID provider says that it is another than UNPOOL_OIDC_ISSUER.")
        return found

    @contextmanager
    def _conversation(self) -> Iterator[OAuth2Session]:
        """Whatever goes wrong on the way is the provider's failure, and is told without its words: an address holds a code."""
        settings = self.settings
        try:
            with OAuth2Session(
                settings.client_id,
                settings.client_secret,
                scope=_SCOPES.get(settings.claim, "openid profile"),
                redirect_uri=self.back,
                code_challenge_method="S256",
                default_timeout=TIMEOUT_S,
            ) as client:
                yield client
        except (requests.RequestException, ValueError, KeyError) as error:
            raise ProviderFails(f"The OpenID provider does not answer as one: {type(error).__name__}.") from None


def _read(client: OAuth2Session, url: str) -> Any:
    """JSON of an address that says it at once: where we are sent on, somebody else would be vouching."""
    answer = client.get(url, withhold_token=True, allow_redirects=False)
    if answer.status_code != requests.codes.ok:
        raise ProviderFails(f"The OpenID provider answers {answer.status_code}.")
    return answer.json()


def _text(values: Any, name: str) -> str:
    value = values.get(name) if isinstance(values, Mapping) else None
    if not isinstance(value, str):
        raise ProviderFails(f"The OpenID provider says no {name}.")
    return value
