"""Small forms: names and values of a body of limited size."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

MOST_FIELDS: Final = 20


async def read_form(request: Request, largest: int) -> dict[str, str]:
    """The fields of a form (urlencoded), the last of a name. Raises HTTPException: 413 above `largest` bytes, 400 where it is none."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise HTTPException(413)
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise HTTPException(400) from None
