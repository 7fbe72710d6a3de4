"""TOML that is read strictly: every key is known, of the type asked for, and used; an error names the file and the key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from pipeline.errors import SettingsError

T = TypeVar("T")

# Stands for "no default: the key must be there", since None is a value of its own in some places.
_NEEDED = object()


@dataclass(frozen=True)
class Table:
    """One TOML table while it is read. Each reader takes its key out; `end` raises for what nobody asked for.

    `error` is the class to raise: it gets a sentence, `file` and `key`.
    """

    values: dict[str, object]
    file: Path
    error: type[SettingsError]
    prefix: str = ""

    def fail(self, key: str, rule: str) -> NoReturn:
        where = f"{self.prefix}{key}"
        raise self.error(f"{self.file.name}: {where}: {rule}", file=str(self.file), key=where)

    def text(self, key: str, default: object = _NEEDED) -> str:
        return self._take(key, str, "a text", default)

    def whole(self, key: str, default: object = _NEEDED, least: int = 1) -> int:
        value = self._take(key, int, "a whole number", default)
        if isinstance(value, bool) or value < least:
            self.fail(key, f"must be a whole number of at least {least}")
        return value

    def number(self, key: str, default: object = _NEEDED) -> float:
        value = self.values.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            self.values[key] = float(value)
        value = self._take(key, float, "a number", default)
        if not 0 < value < float("inf"):
            self.fail(key, "must be above 0")
        return value

    def flag(self, key: str, default: object = _NEEDED) -> bool:
        return self._take(key, bool, "true or false", default)

    def texts(self, key: str, default: object = _NEEDED) -> tuple[str, ...]:
        return self._texts(key, self._take(key, list, "a list of texts", default))

    def mapping(self, key: str) -> dict[str, str]:
        """A table of texts; {} where the key is missing."""
        values = self._take(key, dict, "a table", {})
        for name, value in values.items():
            if not isinstance(value, str):
                self.fail(f"{key}.{name}", "must be a text")
        return dict(values)

    def numbers(self, key: str) -> dict[str, float]:
        """A table of numbers above 0; {} where the key is missing."""
        values = self._take(key, dict, "a table", {})
        inner = Table(dict(values), self.file, self.error, f"{self.prefix}{key}.")
        return {name: inner.number(name) for name in values}

    def lists(self, key: str) -> dict[str, tuple[str, ...]]:
        """A table of lists of texts; {} where the key is missing."""
        values = self._take(key, dict, "a table", {})
        return {name: self._texts(f"{key}.{name}", value) for name, value in values.items()}

    def table(self, key: str) -> Table:
        """A table within this one. Its own `end` must be called too."""
        return Table(dict(self._take(key, dict, "a table", _NEEDED)), self.file, self.error, f"{self.prefix}{key}.")

    def end(self) -> None:
        """Raises `error` for the first key that no reader took."""
        for key in self.values:
            self.fail(key, "is not a key that is known here")

    def _texts(self, key: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
            self.fail(key, "must be a list of texts, none of them empty")
        return tuple(value)

    def _take(self, key: str, kind: type[T], what: str, default: object) -> T:
        value = self.values.pop(key, default)
        if value is _NEEDED:
            self.fail(key, f"is missing: {what} is needed")
        if value is not default and not isinstance(value, kind):
            self.fail(key, f"must be {what}")
        return value  # type: ignore[return-value]  # a default is of the right kind by the caller's word


def read_table(path: Path, error: type[SettingsError]) -> Table:
    """The file's top table. Raises `error` where it cannot be read or is not TOML."""
    try:
        values: Mapping[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise error(f"{path}: cannot be read ({problem.strerror}).", file=str(path)) from problem
    except UnicodeDecodeError as problem:
        raise error(f"{path}: is not UTF-8 text.", file=str(path)) from problem
    except tomllib.TOMLDecodeError as problem:
        raise error(f"{path}: is not valid TOML: {problem}.", file=str(path)) from problem
    return Table(dict(values), path, error)
