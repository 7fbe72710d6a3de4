"""Bytes to UTF-8 text, by rule and never by guess.

UTF-8 with or without a byte order mark; UTF-16 by its mark; else an encoding that a format profile declares. What is none of these,
or is no text at all, is refused with the place where it stops being readable.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.domain import tcvn3
from pipeline.errors import FileRefused

UTF_8 = "utf-8"
# One file's bytes are held in memory a few times over while it is read.
MAX_BYTES = 512 * 1024 * 1024
UTF_8_MARK = b"\xef\xbb\xbf"
UTF_16_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@dataclass(frozen=True)
class Text:
    """`utf8` is the file's text without its mark. `plain`: its letters are composed and its only white space is ASCII's."""

    utf8: bytes
    encoding: str
    plain: bool


def decode(data: bytes, name: str, declared: Iterable[str]) -> list[Text]:
    """The texts that `data` may be: one, unless it is not UTF-8 and several `declared` encodings read it.

    Raises FileRefused (too_large, not_text, not_utf8, empty).
    """
    _refuse_what_is_no_text(data, name)
    texts = _decoded(data, name, declared)
    if any(text.utf8 == b"" or text.utf8.isspace() for text in texts):
        raise FileRefused("empty", f"{name} is empty: send it again with a heading line and at least one row.", file=name)
    if any(b"\x00" in text.utf8 for text in texts):
        raise _not_text(name)
    return texts


def _refuse_what_is_no_text(data: bytes, name: str) -> None:
    if len(data) > MAX_BYTES:
        raise FileRefused("too_large", f"{name} is larger than {MAX_BYTES >> 20} MiB: send it in several files.", file=name)
    if b"\x00" in data and data[:2] not in UTF_16_MARKS:
        raise _not_text(name)


def _decoded(data: bytes, name: str, declared: Iterable[str]) -> list[Text]:
    if wide := UTF_16_MARKS.get(data[:2]):
        try:
            return [_text(data[2:].decode(wide).encode(), wide)]
        except UnicodeDecodeError as error:
            raise _not_utf8(name, error.start + 2) from None
    if is_utf8(data):
        return [_text(data[len(UTF_8_MARK) :] if data.startswith(UTF_8_MARK) else data, UTF_8)]
    others = [text for encoding in declared if encoding != UTF_8 and (text := _try(data, encoding))]
    if not others:
        raise _not_utf8(name, _first_bad_byte(data))
    return others


def _try(data: bytes, encoding: str) -> Text | None:
    try:
        return _text((tcvn3.decode(data) if encoding == tcvn3.NAME else data.decode(encoding)).encode(), encoding)
    except UnicodeDecodeError:
        return None


def _text(utf8: bytes, encoding: str) -> Text:
    return Text(utf8, encoding, is_plain(utf8))


def is_utf8(data: bytes) -> bool:
    """Arrow checks a hundred megabytes in 15 ms, and needs no copy; `bytes.decode` needs 300 ms."""
    if data.isascii():
        return True
    offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
    whole = pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(data)])
    try:
        whole.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def is_plain(utf8: bytes) -> bool:
    """Whether nothing is to be normalised (NFC) and no white space other than ASCII's is to be stripped.

    Quick for Vietnamese as keyboards write it: U+00C0 to U+02FF and U+1E00 to U+1EFF are letters that NFC leaves alone
    (tests/unit/test_intake_decode.py goes through all of them). Lead byte C2 is not among them: it holds the no-break space.
    """
    if utf8.isascii():
        return True
    if utf8.find(b"\xc2") >= 0:
        return False
    codes = np.frombuffer(utf8, np.uint8)
    high = np.flatnonzero(codes >= 0xCC)
    if len(high) and high[-1] + 1 >= len(codes):
        return False
    return bool((codes[high] == 0xE1).all() and ((codes[high + 1] & 0xFC) == 0xB8).all())


def nfc_strip(text: str) -> str:
    """What becomes of a single cell or heading: composed, without white space around it."""
    return unicodedata.normalize("NFC", text).strip()


def _first_bad_byte(data: bytes) -> int:
    try:
        data.decode(UTF_8)
    except UnicodeDecodeError as error:
        return error.start
    raise AssertionError("Arrow and Python disagree on what UTF-8 is")


def _not_text(name: str) -> FileRefused:
    return FileRefused("not_text", f"{name} is not a text file: save the table as CSV UTF-8 and send that.", file=name)


def _not_utf8(name: str, offset: int) -> FileRefused:
    sentence = f"{name} is not UTF-8 text from byte offset {offset} on: save it as CSV UTF-8 and send it again."
    return FileRefused("not_utf8", sentence, file=name, offset=offset)
