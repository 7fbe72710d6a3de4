"""Names, headings and words of Vietnamese and English: NFC at every door, folded copies for comparing, never for display."""

from __future__ import annotations

import re
import unicodedata

_COMBINING = re.compile("[\u0300-\u036f]")
_GAPS = re.compile(r"[\s_\-\u2010-\u2015]+")
_BOM = "\ufeff"


def nfc(text: str) -> str:
    """Composed form: what every text becomes on the way in, so that equal names are equal bytes."""
    return unicodedata.normalize("NFC", text)


def fold_name(text: str) -> str:
    """Lower case, no accents, single spaces: 'ĐỖ  Thị Ánh' gives 'do thi anh'. For search and person keys.

    The bar of Đ/đ is no accent to Unicode and stays through NFD, so it is taken off by hand.
    """
    bare = _COMBINING.sub("", unicodedata.normalize("NFD", text.lower())).replace("đ", "d")
    return " ".join(bare.split())


def fold_key(text: str) -> str:
    """As `fold_name`, with runs of spaces, underscores and dashes made one underscore: for headings and result words."""
    return _GAPS.sub("_", fold_name(text.removeprefix(_BOM)))
