"""TCVN3: each byte is one letter or refuses the text."""

from __future__ import annotations

import pytest

from pipeline.domain.tcvn3 import decode, encode

# ASCII, 67 small letters with a mark, 7 capitals without a tone.
USED = 128 + 67 + 7


def test_a_byte_is_a_letter_or_nothing() -> None:
    letters: dict[int, str] = {}
    for byte in range(0x100):
        try:
            letters[byte] = decode(bytes([byte]))
        except UnicodeDecodeError:
            continue
    assert len(letters) == len(set(letters.values())) == USED
    assert all(encode(letter) == bytes([byte]) for byte, letter in letters.items())
    assert [byte for byte, letter in letters.items() if letter == "."] == [0x2E]


@pytest.mark.parametrize("text", ["€", "Ấ", "\ufffe", "Nguyễn Ánh"])
def test_a_letter_that_it_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        encode(text)
