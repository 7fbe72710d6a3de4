"""An application of ours: FastAPI without its documents, our error pages, our files, and how it is served."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from typing import Final

import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from pipeline.errors import QuotaSpent, TryAgain
from pipeline.web.base.pages import STATIC, Pages, static_files

# Statuses with a text of their own; any other is told as its hundred.
TOLD: Final = frozenset({400, 401, 403, 404, 405, 413, 429, 500, 503})

# Objects between two looks of the garbage collector; Python's own 700 is about two requests.
YOUNG: Final = 10_000


def new_app(pages: Pages) -> FastAPI:
    """An application with error pages in words. Wrap it in `Shield` once its routes are there."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    furnish(app, pages)
    return app


def furnish(app: Starlette, pages: Pages) -> None:
    """Our files, and error pages in words. FastAPI is a Starlette; where no JSON is spoken, Starlette alone is enough."""
    app.mount(STATIC, static_files(), name="files")

    def error_page(request: Request, status: int) -> Response:
        told = status if status in TOLD else 400 if status < 500 else 500
        return pages.page(request, "error.html", status, told=str(told))

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  # Starlette asks for the wider type
        response = error_page(request, error.status_code)
        response.headers.update(error.headers or {})
        return response

    def always(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
        async def told(request: Request, _: Exception) -> Response:
            return error_page(request, status)

        return told

    app.add_exception_handler(HTTPException, refused)
    for kind, status in ((RequestValidationError, 400), (QuotaSpent, 429), (TryAgain, 503), (Exception, 500)):
        app.add_exception_handler(kind, always(status))


def serve_app(app: ASGIApp, port: int) -> None:
    """Serve on 127.0.0.1 until the process is ended. No access log: a path may hold a token. A proxy in front holds the certificate."""
    # What is there by now stays: the collector need not walk through it for each few requests.
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning", server_header=False)
