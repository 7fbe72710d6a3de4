"""TCVN3 (ABC fonts), which old Vietnamese office files are written in: one byte a letter. Source: TCVN 5712:1993, VN3.

Its capitals have no tone marks: fonts made them of the small letters, so that a name in capitals comes as it was typed. Python has no codec
for it. A byte that VN3 does not use makes the text none of this encoding.
"""

from __future__ import annotations

import codecs

NAME = "tcvn3"
# From A0 on, 16 a line; a dot is not used.
_HIGH = ".ĂÂÊÔƠƯĐăâêôơưđ......àảãáạ.ằẳẵắ.......ặầẩẫấậè.ẻẽéẹềểễếệìỉ...ĩíịò.ỏõóọồổỗốộờởỡớợù.ủũúụừửữứựỳỷỹýỵ."
_UNUSED = "\ufffe"
_TABLE = "".join(map(chr, range(0x80))) + _UNUSED * 0x20 + _HIGH.replace(".", _UNUSED)


def decode(data: bytes) -> str:
    """Raises UnicodeDecodeError."""
    return codecs.charmap_decode(data, "strict", _TABLE)[0]


def encode(text: str) -> bytes:
    """For tests and samples. Raises UnicodeEncodeError."""
    return codecs.charmap_encode(text, "strict", codecs.charmap_build(_TABLE))[0]
