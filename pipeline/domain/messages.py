"""Message texts: what one SMS can hold, and how a text is filled. No name, no result: a programme's name and a link only."""

from __future__ import annotations

from collections.abc import Iterator
from string import Formatter

from pipeline.domain.names import fold_key

# 3GPP TS 23.038, the default alphabet. Of the lower-case Vietnamese letters only à è é ì ò ù are in it.
GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each takes two units: an escape and itself.
GSM7_EXTENDED = frozenset("\f^{}\\[~]|€")
GSM7_ONE, GSM7_MANY = 160, 153
UCS2_ONE, UCS2_MANY = 70, 67

PLACEHOLDERS = frozenset({"programme", "link"})

# Words that would tell the result to whoever reads the screen. Folded; compared with the folded text, word by word.
_TELLING = ("positive", "negative", "detected", "not_detected", "infected", "am_tinh", "duong_tinh", "nhiem", "f0")


def is_gsm7(text: str) -> bool:
    return all(letter in GSM7_BASIC or letter in GSM7_EXTENDED for letter in text)


def parts(text: str) -> int:
    """How many SMS parts `text` costs: 160 units in one and 153 in each of several, or 70 and 67 UTF-16 units beyond GSM-7."""
    if is_gsm7(text):
        return _parts((2 if letter in GSM7_EXTENDED else 1 for letter in text), GSM7_ONE, GSM7_MANY)
    return _parts((len(letter.encode("utf-16-le")) // 2 for letter in text), UCS2_ONE, UCS2_MANY)


def render(text: str, *, programme: str, link: str) -> str:
    """Fill `{programme}` and `{link}`. Raises KeyError on another placeholder: `text_problems` finds it when a programme is loaded."""
    return text.format_map({"programme": programme, "link": link})


def text_problems(text: str, *, programme: str, longest_link: str) -> Iterator[str]:
    """The rules that a message text breaks, each as 'must ...'."""
    try:
        placeholders = [name for _, name, spec, conversion in Formatter().parse(text) if name is not None or spec or conversion]
    except ValueError:
        yield "must have balanced braces"
        return
    if set(placeholders) != PLACEHOLDERS or len(placeholders) != len(PLACEHOLDERS):
        yield "must hold {programme} and {link}, once each, and no other placeholder"
        return
    words = f"_{fold_key(''.join(c if c.isalnum() else ' ' for c in text))}_"
    if any(f"_{word}_" in words for word in _TELLING):
        yield "must not tell a result"
    longest = render(text, programme=programme, link=longest_link)
    if not is_gsm7(longest):
        yield "must be written in GSM-7 letters (unaccented Vietnamese): one other letter turns the limit of 160 into 70"
    elif parts(longest) > 1:
        yield f"must fit one SMS of {GSM7_ONE} units at its longest, with a link of {len(longest_link)}"


def _parts(sizes: Iterator[int], one: int, many: int) -> int:
    """A letter of two units never stands across two parts, so a part may end one unit short."""
    units = list(sizes)
    if sum(units) <= one:
        return 1
    count, room = 0, 0
    for unit in units:
        if unit > room:
            count, room = count + 1, many
        room -= unit
    return count
