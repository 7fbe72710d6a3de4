"""The token of a person's link: the specimen's id under AES-256, one block of 128 bits onto one block.

So no two specimens share a token, nobody finds one without the key, and nothing about tokens has to be stored or indexed for a day
of millions.
"""

from __future__ import annotations

import uuid

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOKEN_BYTES = 16


def token(token_key: bytes, specimen_id: str) -> str:
    """32 hexadecimal characters. token_key: 32 bytes. Raises ValueError when `specimen_id` is no UUID."""
    encryptor = _permutation(token_key).encryptor()
    return (encryptor.update(uuid.UUID(specimen_id).bytes) + encryptor.finalize()).hex()


def specimen_of(token_key: bytes, text: str) -> str | None:
    """The id of the specimen that a token is for, whether or not there is one; None for what is no token."""
    try:
        block = bytes.fromhex(text)
    except ValueError:
        return None
    if len(block) != TOKEN_BYTES or block.hex() != text:
        return None
    decryptor = _permutation(token_key).decryptor()
    return str(uuid.UUID(bytes=decryptor.update(block) + decryptor.finalize()))


def _permutation(token_key: bytes) -> Cipher[modes.ECB]:
    # One block under one key is a permutation of the ids; there is no second block that ECB could betray.
    return Cipher(algorithms.AES256(token_key), modes.ECB())  # noqa: S305
