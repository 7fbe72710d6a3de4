"""From a template and a language to a page."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from pipeline.web.base.languages import BASE_TEXTS, COOKIE, Language, choose, in_query, load_languages

BASE: Final = Path(__file__).parent
STATIC: Final = "/static"
YEAR_S: Final = 365 * 24 * 3600
# Pages that many get alike.
KEPT: Final = 1_000


@dataclass(frozen=True)
class Pages:
    """Templates and texts of one application. `title` is what stands on top of each page; templates see `shared` as well."""

    environment: Environment
    languages: Mapping[str, Language]
    title: str
    shared: Mapping[str, object]
    kept: dict[Hashable, bytes] = field(default_factory=dict)

    def page(self, request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """A page in the language of who asks. Templates get `t` (text by key), `language`, `languages`, `title` and `values`."""
        language = choose(request, self.languages)
        return _answer(request, language, self._render(template, language, values), status)

    def common_page(self, request: Request, template: str, status: int = 200, **values: Hashable) -> HTMLResponse:
        """As `page`, for one that many get alike: the last of them are kept. `values` must hold nothing of one person."""
        language = choose(request, self.languages)
        key = (template, language.code, *values.items())
        body = self.kept.get(key)
        if body is None:
            if len(self.kept) >= KEPT:
                self.kept.clear()
            body = self.kept[key] = self._render(template, language, values)
        return _answer(request, language, body, status)

    def _render(self, template: str, language: Language, values: Mapping[str, object]) -> bytes:
        page = self.environment.get_template(template).render(
            t=language.__getitem__, language=language, languages=self.languages.values(), title=self.title, **self.shared, **values
        )
        return page.encode()


def _answer(request: Request, language: Language, body: bytes, status: int) -> HTMLResponse:
    response = HTMLResponse(body, status, {"Content-Language": language.code})
    if in_query(request) == language.code:
        response.set_cookie(COOKIE, language.code, max_age=YEAR_S, httponly=True, samesite="lax")
    return response


def load_pages(room: Path, title: str, **shared: object) -> Pages:
    """The pages of the application in `room`, which has `templates/` and `texts/`, over the base's. Raises SettingsError.

    Texts may lie in folders of `texts/`, one for each part of the application.
    """
    loader = FileSystemLoader([room / "templates", BASE / "templates"])
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    parts = sorted(folder for folder in (room / "texts").glob("*/") if folder.is_dir())
    return Pages(environment, load_languages(BASE_TEXTS, room / "texts", *parts), title, shared)


def static_files() -> StaticFiles:
    """What an application mounts at `STATIC`."""
    return StaticFiles(directory=BASE / "static")
