"""Reasons as people read them, from reasons.toml, by code and language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pipeline.errors import Broken

_FILE = Path(__file__).parent / "reasons.toml"


@cache
def reasons(file: Path = _FILE) -> Mapping[str, Mapping[str, str]]:
    """Code → language → sentence, all sections together. Raises Broken where a code stands in two sections."""
    sections = tomllib.loads(file.read_text(encoding="utf-8"))
    together: dict[str, Mapping[str, str]] = {}
    for entries in sections.values():
        if doubled := together.keys() & entries.keys():
            raise Broken("a reason stands in two sections of reasons.toml", codes=sorted(doubled))
        together |= entries
    return together


def reason_text(code: str, language: str) -> str:
    """One sentence. Raises Broken for a code or language without a text: a screen must not show a bare code."""
    try:
        return reasons()[code][language]
    except KeyError:
        raise Broken(f"no text for the reason {code} in {language}: add it to pipeline/quality/texts/reasons.toml") from None
