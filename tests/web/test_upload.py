"""Uploads as they come over the wire: in pieces of any size, cut, silent, too large; nothing is in memory whole."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from pipeline.web.base import upload
from pipeline.web.base.upload import Limits, Uploaded, receive_files

LIMITS = Limits(file_bytes=10_000, all_bytes=20_000, files=3)
BODY = (
    b'--cut\r\nContent-Disposition: form-data; name="word"\r\n\r\nno file\r\n'
    b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n'
    + b"1,2\r\n--cu\r\n" * 50
    + b'\r\n--cut\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nthe same name\r\n--cut--\r\n'
)
CONTENTS = [b"1,2\r\n--cu\r\n" * 50, b"the same name"]


def request(pieces: Sequence[bytes], *, then_silent: bool = False) -> Request:
    """What an ASGI server hands over; `then_silent`: the rest never comes."""

    async def messages() -> AsyncIterator[dict[str, object]]:
        for piece in pieces:
            yield {"type": "http.request", "body": piece, "more_body": True}
        if then_silent:
            await asyncio.Event().wait()
        yield {"type": "http.request", "body": b"", "more_body": False}

    coming = messages()
    headers = [(b"content-type", b"multipart/form-data; boundary=cut")]
    return Request({"type": "http", "method": "POST", "headers": headers}, lambda: anext(coming))  # type: ignore[arg-type, return-value]


def received(pieces: Sequence[bytes], folder: Path, limits: Limits = LIMITS, *, then_silent: bool = False) -> list[Uploaded]:
    return asyncio.run(receive_files(request(pieces, then_silent=then_silent), folder, limits))


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1 << 20])
def test_files_are_the_same_in_whatever_pieces_they_come(tmp_path: Path, size: int) -> None:
    found = received([BODY[at : at + size] for at in range(0, len(BODY), size)], tmp_path)
    assert [one.path.read_bytes() for one in found] == CONTENTS
    assert [one.sha256 for one in found] == [hashlib.sha256(content).hexdigest() for content in CONTENTS]
    assert [one.path.name for one in found] == ["a.csv", "a.csv"], "each in a folder of its own"


@pytest.mark.parametrize("kept", [0, 10, 90, 200, len(BODY) - 3])
def test_W12_an_upload_that_is_cut_is_no_upload(tmp_path: Path, kept: int) -> None:
    with pytest.raises(HTTPException) as refused:
        received([BODY[:kept]], tmp_path)
    assert refused.value.status_code == 400


def test_W12_whoever_falls_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "SILENCE_S", 0.05)
    with pytest.raises(HTTPException) as refused:
        received([BODY[:200]], tmp_path, then_silent=True)
    assert refused.value.status_code == 408


@pytest.mark.parametrize("limits", [Limits(100, 20_000, 3), Limits(10_000, 500, 3), Limits(10_000, 20_000, 1)])
def test_W12_what_is_too_large_is_given_up_before_the_rest_is_read(tmp_path: Path, limits: Limits) -> None:
    with pytest.raises(HTTPException) as refused:
        # Who would read on here would wait for ever.
        received([BODY], tmp_path, limits, then_silent=True)
    assert refused.value.status_code == 413
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= limits.all_bytes
