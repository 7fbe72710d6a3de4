"""Small forms: names and values of a body of limited size."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

MOST_FIELDS: Final = 20


async def read_form(request: Request, largest: int) -> dict[str, str]:
    """The fields of a form (urlencoded), the last of a name; a NUL as U+FFFD, since no text of the ledger holds one.

    Raises HTTPException: 413 above `largest` bytes, 400 where it is none.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise HTTPException(413)
    try:
        fields = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise HTTPException(400) from None
    return {name: value.replace("\x00", "\ufffd") for name, value in fields}
