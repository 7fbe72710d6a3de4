"""The languages of the screens: one file of texts each, in `texts/`. Adding a language is adding a file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import HTTPConnection

from pipeline.errors import SettingsError

BASE_TEXTS: Final = Path(__file__).parent / "texts"
COOKIE: Final = "lang"
QUERY: Final = "lang"
# Spoken by most who get a link; taken where nobody says which.
FIRST: Final = "vi"


@dataclass(frozen=True)
class Language:
    """`code` as in HTML's `lang`; `texts` by dotted key, as `error.404.title`."""

    code: str
    texts: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its own name for itself."""
        return self["language.name"]

    def __getitem__(self, key: str) -> str:
        try:
            return self.texts[key]
        except KeyError:
            raise SettingsError(f"{self.code}.toml has no text for {key}.", key=key) from None


def load_languages(*folders: Path) -> Mapping[str, Language]:
    """Code → language, from all `<code>.toml` of the folders; later folders add keys to earlier ones, the first language first.

    Raises SettingsError where a key stands twice, or languages do not hold the same keys.
    """
    found: dict[str, dict[str, str]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            texts = found.setdefault(path.stem, {})
            for key, value in _flat(tomllib.loads(path.read_text(encoding="utf-8"))):
                if key in texts:
                    raise SettingsError(f"{path.name}: {key} stands in two folders of texts.", key=key)
                texts[key] = value
    if FIRST not in found:
        raise SettingsError(f"There is no {FIRST}.toml among the texts.")
    for code, texts in found.items():
        if odd := texts.keys() ^ found[FIRST].keys():
            raise SettingsError(f"{code}.toml and {FIRST}.toml do not hold the same keys: {', '.join(sorted(odd))}.")
    return {code: Language(code, found[code]) for code in sorted(found, key=lambda code: (code != FIRST, code))}


def choose(request: HTTPConnection, languages: Mapping[str, Language]) -> Language:
    """What was asked for in the query, else in the cookie, else by the browser, else the first."""
    return next((languages[code] for code in _wanted(request) if code in languages), languages[FIRST])


def in_query(request: HTTPConnection) -> str:
    """The code that the address asks for; empty where it asks for none, as most addresses do."""
    return request.query_params.get(QUERY, "") if request.scope.get("query_string") else ""


def _wanted(request: HTTPConnection) -> Iterator[str]:
    """Codes that may be of no language, the best first."""
    yield in_query(request)
    yield request.cookies.get(COOKIE, "")
    # Browsers write the best one first.
    for part in request.headers.get("accept-language", "")[:200].split(","):
        yield part.split(";")[0].split("-")[0].strip().lower()


def _flat(values: Mapping[str, object], prefix: str = "") -> Sequence[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{prefix}{name}.")
        elif isinstance(value, str) and value:
            pairs.append((f"{prefix}{name}", value))
        else:
            raise SettingsError(f"The text {prefix}{name} must not be empty.", key=f"{prefix}{name}")
    return pairs
