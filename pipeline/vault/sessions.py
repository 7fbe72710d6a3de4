"""A short session on a person's page: a text that says whose page until when, under a seal. Nothing is stored for it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

LASTS: Final = timedelta(minutes=15)


def session(key: bytes, token: str, now: datetime) -> str:
    """`<token>.<end, seconds of the epoch>.<seal>`."""
    claim = f"{token}.{int((now + LASTS).timestamp())}"
    return f"{claim}.{_seal(key, claim)}"


def token_in(key: bytes, text: str, now: datetime) -> str | None:
    """The token of a session that is ours and still lasts, else None."""
    claim, _, seal = text.rpartition(".")
    if not hmac.compare_digest(seal.encode(), _seal(key, claim).encode()):
        return None
    token, _, end = claim.partition(".")
    return token if now.timestamp() < int(end) else None


def _seal(key: bytes, claim: str) -> str:
    return hashlib.blake2b(claim.encode(), key=key, digest_size=32).hexdigest()
