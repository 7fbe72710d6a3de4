"""An application of ours: FastAPI without its documents, our error pages, our files, and how it is served."""

from __future__ import annotations

from typing import Final

import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from pipeline.errors import QuotaSpent, TryAgain
from pipeline.web.base.pages import STATIC, Pages, static_files

# Statuses with a text of their own; any other is told as its hundred.
TOLD: Final = frozenset({400, 401, 403, 404, 405, 413, 429, 500, 503})


def new_app(pages: Pages) -> FastAPI:
    """An application with error pages in words. Wrap it in `Shield` once its routes are there."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.mount(STATIC, static_files(), name="files")

    def error_page(request: Request, status: int) -> Response:
        told = status if status in TOLD else 400 if status < 500 else 500
        return pages.page(request, "error.html", status, told=str(told))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        response = error_page(request, error.status_code)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(RequestValidationError)
    async def unreadable(request: Request, _: RequestValidationError) -> Response:
        return error_page(request, 400)

    @app.exception_handler(QuotaSpent)
    async def spent(request: Request, _: QuotaSpent) -> Response:
        return error_page(request, 429)

    @app.exception_handler(TryAgain)
    async def unavailable(request: Request, _: TryAgain) -> Response:
        return error_page(request, 503)

    @app.exception_handler(Exception)
    async def failed(request: Request, _: Exception) -> Response:
        return error_page(request, 500)

    return app


def serve_app(app: ASGIApp, port: int) -> None:
    """Serve on 127.0.0.1 until the process is ended. No access log: a path may hold a token. A proxy in front holds the certificate."""
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning", server_header=False)
