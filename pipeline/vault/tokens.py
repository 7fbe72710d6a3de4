"""The token of a person's link: the specimen's id under AES-256, one block of 128 bits onto one block.

So no two specimens share a token, nobody finds one without the key, and nothing about tokens has to be stored or indexed for a day
of millions.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOKEN_BYTES = 16


def token(token_key: bytes, specimen_id: str) -> str:
    """32 hexadecimal characters. token_key: 32 bytes. Raises ValueError when `specimen_id` is no UUID."""
    encryptor = _permutation(token_key).encryptor()
    return (encryptor.update(uuid.UUID(specimen_id).bytes) + encryptor.finalize()).hex()


def specimen_of(token_key: bytes, text: str) -> str | None:
    """The id of the specimen that a token is for, whether or not there is one; None for what is no token."""
    return specimens_of(token_key, [text]).get(text)


def specimens_of(token_key: bytes, texts: Sequence[str]) -> dict[str, str]:
    """As `specimen_of`, by token and with one run of the cipher for all; what is no token is left out."""
    blocks = {text: block for text in texts if (block := _block(text)) is not None}
    decryptor = _permutation(token_key).decryptor()
    plain = (decryptor.update(b"".join(blocks.values())) + decryptor.finalize()).hex()
    ids = (plain[begin : begin + 2 * TOKEN_BYTES] for begin in range(0, len(plain), 2 * TOKEN_BYTES))
    return {text: f"{one[:8]}-{one[8:12]}-{one[12:16]}-{one[16:20]}-{one[20:]}" for text, one in zip(blocks, ids, strict=True)}


def _block(text: str) -> bytes | None:
    try:
        block = bytes.fromhex(text)
    except ValueError:
        return None
    return block if len(block) == TOKEN_BYTES and block.hex() == text else None


def _permutation(token_key: bytes) -> Cipher[modes.ECB]:
    # One block under one key is a permutation of the ids; there is no second block that ECB could betray.
    return Cipher(algorithms.AES256(token_key), modes.ECB())  # noqa: S305
