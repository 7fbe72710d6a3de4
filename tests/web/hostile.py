"""Hostile texts, and how a page is read to see whether one of them became markup: nothing that our own templates do not write may stand there."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from html.parser import HTMLParser
from pathlib import Path

import openpyxl

import pipeline.web
from tests.web.test_result_payloads import BLNS, FORMULAS, OWN

WEB = Path(pipeline.web.__file__).parent
# How our templates, and the plots' f-strings, write a tag: expressions may stand between its attributes.
_TAG = re.compile(r"<([a-z][a-z0-9]*)((?:[^<>{}]|{{.*?}}|{%.*?%}|{[^{}%]*})*)>", re.DOTALL)
_INNER = re.compile(r"{{.*?}}|{%.*?%}|{[^{}%]*}|\"[^\"]*\"|'[^']*'", re.DOTALL)
# What the macro of a field that is wrong puts in, and a dashed line.
_PUT_IN = {
    *((tag, name) for tag in ("input", "select") for name in ("aria-invalid", "aria-describedby")),
    *((tag, "stroke-dasharray") for tag in ("line", "polyline")),
}
_OURS = re.compile(r"/(?!/)|\?|#|tel:\+?[0-9]+$")
_ADDRESSES = ("href", "src", "action", "formaction", "data", "poster")
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?|-")


def corpus() -> list[str]:
    """The Big List of Naughty Strings; empty where ../shared/data is not here."""
    return [str(one) for one in json.loads(BLNS.read_text(encoding="utf-8"))] if BLNS.exists() else []


def sharp() -> list[str]:
    """Formulas, and what we thought of ourselves."""
    formulas = [str(one) for one in json.loads(FORMULAS.read_text(encoding="utf-8"))] if FORMULAS.exists() else []
    return [*formulas, "=1+1", "@SUM(1)", "\t=1", *OWN]


@dataclass
class Form:
    """`fields`: name → kind and the values that it offers, the first being its own. `buttons`: those that have a name."""

    action: str
    method: str
    fields: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)

    def filled(self) -> dict[str, str]:
        """As somebody would send it who means no harm."""
        harmless = {"datetime-local": "2026-11-20T10:00", "file": ""}
        values = {
            name: next((value for value in offered if value), harmless.get(kind, "harmless"))
            for name, (kind, offered) in self.fields.items()
        }
        return values | self.buttons


class Page(HTMLParser):
    """What a browser makes of a page: its tags, its forms, where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.forms: list[Form] = []
        self._select = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self.forms.append(Form(given.get("action") or "", (given.get("method") or "get").upper()))
        elif not self.forms:
            return
        elif tag in ("input", "textarea") and name:
            self.forms[-1].fields[name] = (given.get("type") or "text", [value])
        elif tag == "select":
            self._select = name
            self.forms[-1].fields[name] = (tag, [])
        elif tag == "option":
            self.forms[-1].fields[self._select][1].append(value)
        elif tag == "button" and name:
            self.forms[-1].buttons.setdefault(name, value)

    def links(self) -> Iterator[str]:
        """To our own pages."""
        for tag, given in self.tags:
            if tag == "a" and (given.get("href") or "").startswith("/"):
                yield str(given["href"])


@lru_cache(maxsize=64)
def read(text: str) -> Page:
    """Of thousands of answers most are alike: each is read once."""
    return Page(text)


@cache
def ours() -> frozenset[tuple[str, str]]:
    """(tag, attribute) as our templates and plots have them; (tag, '') for the tag alone."""
    sources = [*WEB.rglob("templates/*.html"), WEB / "desk" / "static" / "phone" / "index.html", WEB / "plots.py"]
    found: set[tuple[str, str]] = {("html", ""), ("head", ""), ("body", ""), *_PUT_IN}
    for path in sources:
        for tag, inner in _TAG.findall(path.read_text(encoding="utf-8")):
            names = {one.partition("=")[0].lower() for one in _INNER.sub(" ", inner).split()}
            found |= {(tag, ""), *((tag, name) for name in names if re.fullmatch(r"[a-z0-9-]+", name))}
    return frozenset(found)


def markup_of_others(text: str) -> list[str]:
    """Tags, attributes and addresses of a page that no template of ours writes."""
    wrong = []
    for tag, given in read(text).tags:
        if (tag, "") not in ours():
            wrong.append(f"<{tag}>")
        wrong += [f"<{tag} {name}>" for name in given if (tag, name) not in ours()]
        wrong += [f"<{tag} {name}={value!r}>" for name, value in given.items() if name in _ADDRESSES and not _OURS.match(value or "/")]
        if tag == "script" and not (given.get("src") or "").startswith(("/assets/", "/static/")):
            wrong.append("<script> without a file of ours")
    return wrong


def formulas_in_csv(data: bytes) -> list[str]:
    """Cells that a spreadsheet would calculate (OWASP ASVS V1.2.10)."""
    rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    return [cell for row in rows for cell in row if is_formula(cell)]


def formulas_in_xlsx(data: bytes) -> list[str]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    return [str(cell.value) for cell in cells if cell.data_type != "s" or is_formula(str(cell.value))]


def is_formula(cell: str) -> bool:
    return cell.lstrip(" \t\r\n\x00")[:1] in tuple("=+-@＝＋－＠") and not _PLAIN_NUMBER.fullmatch(cell)
