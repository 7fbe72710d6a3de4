"""Bytes to text: what is read, what is refused, and where it says that it stopped."""

from __future__ import annotations

import unicodedata

import pytest

from pipeline.errors import FileRefused
from pipeline.intake.readers import decode as module
from pipeline.intake.readers.decode import decode, is_plain, is_utf8

TEXT = "tube,name\nT1,Đỗ Thị Ánh\n"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-8-sig"), "utf-8"),
        (b"\xff\xfe" + TEXT.encode("utf-16-le"), "utf-16-le"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "utf-16-be"),
    ],
)
def test_F06_encodings_that_tell_themselves_are_read(data: bytes, encoding: str) -> None:
    (text,) = decode(data, "a.csv", ["utf-8"])
    assert (text.utf8.decode(), text.encoding) == (TEXT, encoding)


def test_F06_a_declared_encoding_is_read_and_no_other() -> None:
    data = "tube,name\nT1,Müller\n".encode("latin-1")
    (text,) = decode(data, "a.csv", ["cp1258", "utf-8"])
    assert text.encoding == "cp1258"
    with pytest.raises(FileRefused) as refused:
        decode(data, "a.csv", ["utf-8"])
    assert (refused.value.code, refused.value.fields["offset"]) == ("not_utf8", 14)


def test_F06_the_offset_counts_the_mark() -> None:
    with pytest.raises(FileRefused) as refused:
        decode(b"\xff\xfea\x00b", "a.csv", [])
    assert refused.value.fields["offset"] == 4


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b" \r\n\n", "empty"),
        (b"\xff\xfe", "empty"),
        (b"a,b\n1,\x002\n", "not_text"),
        (TEXT.encode("utf-16-le"), "not_text"),
        (TEXT.encode("utf-32"), "not_text"),
        (b"\x00\x00\xfe\xff" + TEXT.encode("utf-32-be"), "not_text"),
        (b"\xff\xfe" + "a\x00b".encode("utf-16-le"), "not_text"),
        (b"\xff\xfea", "not_utf8"),
        (b"\xff\xfe\x00\xd8", "not_utf8"),
        (b"a,b\n\xff,1\n", "not_utf8"),
        (b"a,b\n\xed\xa0\x80,1\n", "not_utf8"),
        (b"a,b\n\xc0\xaf,1\n", "not_utf8"),
    ],
)
def test_F06_what_is_no_text_is_refused_and_named(data: bytes, code: str) -> None:
    with pytest.raises(FileRefused, match=r"a\.csv") as refused:
        decode(data, "a.csv", ["utf-8"])
    assert refused.value.code == code


def test_a_file_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    assert decode(b"0123456789", "a.csv", [])
    with pytest.raises(FileRefused) as refused:
        decode(b"0123456789a", "a.csv", [])
    assert refused.value.code == "too_large"


@pytest.mark.parametrize("bad", [b"\x80", b"\xc3", b"\xc3(", b"\xe1\xbb", b"\xf5\x80\x80\x80", b"\xf0\x9f\x98"])
def test_arrow_and_python_agree_on_what_utf8_is(bad: bytes) -> None:
    assert not is_utf8(b"abc" + bad)
    assert is_utf8("Đỗ 😀".encode())


def test_every_letter_that_counts_as_plain_is_composed_and_no_space() -> None:
    plain = [chr(code) for code in range(0x80, 0x110000) if not 0xD800 <= code < 0xE000 and is_plain(chr(code).encode())]
    assert {"ữ", "đ", "ô", "Ỵ"} <= set(plain)
    for letter in plain:
        assert unicodedata.is_normalized("NFC", letter) and not unicodedata.combining(letter) and not letter.isspace()
    # Composed letters stay so beside each other: none of them starts or ends a composition.
    text = "".join(plain)
    assert unicodedata.normalize("NFC", text + text[::-1]) == text + text[::-1]


@pytest.mark.parametrize("text", ["a\u0300", "x\u00a0", "\u212a", "\u3000", "\u1100", "😀", "\u200b"])
def test_text_that_may_need_work_is_not_plain(text: str) -> None:
    assert not is_plain(text.encode())
