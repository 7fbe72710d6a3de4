"""The token of a link leads to one specimen, and only with the key."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.vault.tokens import specimen_of, token


def test_the_token_is_the_cipher_that_nist_documents() -> None:
    # FIPS 197, appendix C.3: AES-256, one block.
    key, block = bytes(range(32)), bytes.fromhex("00112233445566778899aabbccddeeff")
    assert token(key, str(uuid.UUID(bytes=block))) == "8ea2b7ca516745bfeafc49904b496089"


@given(st.uuids(), st.binary(min_size=32, max_size=32))
def test_a_token_leads_back_to_its_specimen_and_only_with_its_key(specimen: uuid.UUID, key: bytes) -> None:
    text = token(key, str(specimen))
    assert specimen_of(key, text) == str(specimen)
    assert specimen_of(bytes(byte ^ 1 for byte in key), text) != str(specimen)


@pytest.mark.parametrize(
    "text", ["", "8ea2", "8ea2b7ca516745bfeafc49904b49608", "z" * 32, "8EA2B7CA516745BFEAFC49904B496089", " " * 32, "00" * 17]
)
def test_what_is_no_token_leads_nowhere(text: str) -> None:
    assert specimen_of(b"k" * 32, text) is None
