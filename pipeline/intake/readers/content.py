"""What a file is, by its first bytes and never by its name."""

from __future__ import annotations

from pipeline.domain.words import Content
from pipeline.intake.readers.decode import UTF_8_MARK, UTF_16_MARKS

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEAD = 4096


def content_of(data: bytes) -> Content:
    """`text` where it is none of the others: the text's own reader then says what is wrong with it."""
    if data.startswith((*_ZIP, _OLE)):
        return Content.WORKBOOK
    head = data[:_HEAD]
    if wide := UTF_16_MARKS.get(data[:2]):
        head = head[2 : len(head) // 2 * 2].decode(wide, errors="replace").encode()
    head = head.removeprefix(UTF_8_MARK).lstrip(b"\r\n\x0b")
    if head.startswith((b"MSH|", b"FHS|", b"BHS|")):
        return Content.MESSAGES
    if head.startswith((b"* ", b"[Sample Setup]")):
        return Content.SECTIONS
    if b"\nRESULT TABLE" in head or b"\rRESULT TABLE" in head:
        return Content.BLOCKS
    return Content.TEXT
