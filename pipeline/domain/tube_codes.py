"""Tube and specimen codes: typed with other case, spaces or dashes they are one code; look-alike letters (O and 0) never are.

For ASCII text `normalise` gives what SQL gives: `upper(regexp_replace(nfc_normalize(code), '[\\s\\-_./]', '', 'g'))`. Beyond ASCII
the two part on purpose: SQL's `upper` makes S of the long s, here such a letter stays and the code is none. So a rule in SQL has
to ask for ASCII in the code *as it came* (`sql/checks/_macros.sql`, code_of).
"""

from __future__ import annotations

import re

from stdnum.iso7064 import mod_37_36

from pipeline.domain.names import nfc

# RE2's \s, which has no vertical tab.
_SEPARATORS = re.compile(r"[ \t\n\f\r\-_./]")
_LOWER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_CODE = re.compile(r"[A-Z0-9]{3,32}")


def normalise(text: str) -> str:
    """The code without separators, in upper case. Full-width, zero-width and accented letters stay, so that `is_code` finds them."""
    return _SEPARATORS.sub("", nfc(text)).translate(_LOWER)


def is_code(text: str) -> bool:
    """Whether `text`, normalised, can be a code at all: 3 to 32 ASCII letters and digits."""
    return _CODE.fullmatch(normalise(text)) is not None


def with_check(stem: str) -> str:
    """`stem`, normalised, and its ISO 7064 MOD 37,36 check character. Raises ValueError where it can be no code."""
    code = normalise(stem)
    if not is_code(code):
        raise ValueError("a tube code is made of 3 to 32 ASCII letters and digits")
    return code + str(mod_37_36.calc_check_digit(code))


def has_check(text: str) -> bool:
    """Whether the last character is the right check character for the others: it finds every single typo, and all but about one in 600
    swapped neighbours."""
    code = normalise(text)
    return is_code(code) and bool(mod_37_36.is_valid(code))


def is_acceptable(text: str, own_prefix: str) -> bool:
    """Foreign codes are accepted as they are; ours (with `own_prefix`, where a programme has one) must carry the check character."""
    if not is_code(text):
        return False
    is_ours = own_prefix != "" and normalise(text).startswith(own_prefix)
    return has_check(text) if is_ours else True
