"""The mark of a phone number: the same for the same number, and nobody finds the number by it without the key."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

MARK_BYTES = 16


def mark(number_key: bytes, number: str) -> str:
    """32 hexadecimal characters. number_key: 32 bytes; number: as it goes to Twilio (E.164)."""
    keyed = HMAC(number_key, SHA256())
    keyed.update(number.encode())
    return keyed.finalize()[:MARK_BYTES].hex()
