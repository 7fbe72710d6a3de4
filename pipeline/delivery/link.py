"""The link of a message: a locator, not the key. The page behind it still asks for the birth date."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

TOKEN_BYTES = 16


def token(token_key: bytes, specimen_id: str) -> str:
    """32 hexadecimal characters: the first 128 bits of SHA-256 over the key and the specimen id's text.

    The warehouse computes the same in SQL for the result cards, and keeps only the SHA-256 of this text.
    """
    return hashlib.sha256(token_key + specimen_id.encode()).hexdigest()[: 2 * TOKEN_BYTES]


def links(result_url: str, token_key: bytes) -> Callable[[str], str]:
    """A function from specimen id to link. The token stands behind '#': a browser never sends it, so no access log holds it."""
    return partial(_link, result_url, token_key)


def _link(result_url: str, token_key: bytes, specimen_id: str) -> str:
    return f"{result_url}#{token(token_key, specimen_id)}"
