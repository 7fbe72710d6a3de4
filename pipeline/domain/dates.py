"""Declared date patterns, such as `dd/mm/yyyy hh:mm`, as rewrites to ISO. Nothing is guessed: 01/02/2026 is what the profile says.

A rewrite is a regular expression and a replacement that Python's `re`, DuckDB and pyarrow (RE2) all understand, so that a column is
rewritten at once. Whether the day exists is not asked here: a row rule rejects 31/02.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from zoneinfo import ZoneInfo

# `mm` right after the hour is minutes. One letter is a number without a leading zero (RE2 cannot pad, so it gets rewrites of its own).
_TOKEN = re.compile(r"yyyy|mm|dd|hh|ss|m|d|h|z|[-/.:T ]")
# `z`: the time says how far it is from UTC. Abbreviations (PST, CST) mean different things in different places and are not read.
_OFFSET = "z"
_OFFSETS = r"Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}"
_WITH_OFFSET = re.compile(rf"([0-9-]{{10}}T[0-9:]{{5,8}})({_OFFSETS})")
_FULL = {"yyyy": "[0-9]{4}", "mm": "[0-9]{2}", "dd": "[0-9]{2}", "hh": "[0-9]{2}", "ss": "[0-9]{2}"}
_SHORT = {"m": "mm", "d": "dd", "h": "hh"}
_DAY = ("yyyy", "mm", "dd")
_MOMENTS = {(), ("hh", "mi"), ("hh", "mi", "ss")}


@dataclass(frozen=True)
class Rewrite:
    """`regex` must match the whole cell (it is anchored); `replacement` yields `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM[:SS]`."""

    regex: str
    replacement: str


def rewrites(pattern: str) -> tuple[Rewrite, ...]:
    """The rewrites of one pattern; several where it has one-letter parts. Raises ValueError where it is not a pattern."""
    tokens = _TOKEN.findall(pattern.strip())
    if not tokens or "".join(tokens) != pattern.strip():
        raise ValueError("may hold yyyy, mm, dd, m, d, hh, h, mm, ss, z and - / . : T and a space only")
    choices = [_choices(token) for token in tokens]
    return tuple(_rewrite(choice) for choice in product(*choices))


def to_iso(text: str, patterns: Iterable[Rewrite]) -> str:
    """`text` by the first rewrite that matches it, else as it is: for single cells and tests."""
    for rewrite in patterns:
        if re.match(rewrite.regex, text):
            return re.sub(rewrite.regex, rewrite.replacement, text)
    return text


def localise(text: str, zone: ZoneInfo | None) -> str:
    """An ISO time with an offset as the local time of `zone`, without one; any other text, and all where there is no zone, as it is."""
    found = _WITH_OFFSET.fullmatch(text)
    if found is None or zone is None:
        return text
    offset = "+00:00" if found[2] in ("Z", "UTC", "GMT") else found[2]
    try:
        moment = datetime.fromisoformat(found[1] + offset)
    except ValueError:
        return text
    return moment.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")


def overlap(patterns: Iterable[str]) -> bool:
    """Whether two patterns read one text as two days: `dd/mm/yyyy` and `mm/dd/yyyy` do. Raises ValueError as `rewrites`."""
    seen: dict[str, str] = {}
    for pattern in patterns:
        for rewrite in rewrites(pattern):
            if seen.setdefault(rewrite.regex, rewrite.replacement) != rewrite.replacement:
                return True
    return False


def _choices(token: str) -> tuple[tuple[str, str], ...]:
    """What a token may stand for, as (part, regex); a part of '' is a literal."""
    if token in _SHORT:
        return ((_SHORT[token], "[0-9]{2}"), ("0" + _SHORT[token], "[0-9]"))
    if token == _OFFSET:
        return ((token, _OFFSETS),)
    if token in _FULL:
        return ((token, _FULL[token]),)
    return (("", re.escape(token)),)


def _rewrite(choice: Iterable[tuple[str, str]]) -> Rewrite:
    regex = ""
    found: dict[str, str] = {}
    before = ""
    for part, piece in choice:
        if not part:
            regex += piece
            continue
        name = part.removeprefix("0")
        if name == "mm" and before == "hh":
            name = "mi"
        before = name
        if name in found:
            raise ValueError("names a part twice")
        found[name] = ("0" if part.startswith("0") else "") + f"\\{len(found) + 1}"
        regex += f"({piece})"
    offset = found.pop(_OFFSET, "")
    clock = tuple(name for name in found if name not in _DAY)
    if offset and not clock:
        raise ValueError("has an offset from UTC without a time")
    if not all(name in found for name in _DAY) or clock not in _MOMENTS:
        raise ValueError("needs a year, a month and a day, and either no time, or hours and minutes, or these and seconds")
    day = "-".join(found[name] for name in _DAY)
    time = ":".join(found[name] for name in clock)
    return Rewrite(f"^{regex}$", f"{day}T{time}{offset}" if time else day)
