"""Files out of a form (multipart), written to a folder as they come: no file is ever in memory whole, and none is larger than allowed.

Starlette's own parser keeps files in the system's temporary folder; ours hold names of people, so they stay in the home folder.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

# Longer than this without a byte, and a connection is given up.
SILENCE_S: Final = 30.0
# In bytes: a folder takes 255, and other names are made of this one.
LONGEST_NAME, LONGEST_ENDING = 120, 12


@dataclass(frozen=True)
class Limits:
    """Of one request: bytes of a file, bytes of all, number of files."""

    file_bytes: int
    all_bytes: int
    files: int


@dataclass(frozen=True)
class Uploaded:
    """A file as it lies in the folder, under the name that its sender gave it."""

    path: Path
    sha256: str


async def receive_files(request: Request, folder: Path, limits: Limits) -> list[Uploaded]:
    """Write the request's files below `folder`, each in a folder of its own. Who calls removes `folder`, whatever happens.

    Raises HTTPException: 400 for what is no such form, 413 for what is too large, 408 where nothing comes any more.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise HTTPException(400)
    parts = _Parts(folder, limits)
    parser = MultipartParser(options[b"boundary"], parts.callbacks())
    came, stream = 0, aiter(request.stream())
    try:
        while (chunk := await asyncio.wait_for(anext(stream, None), SILENCE_S)) is not None:
            came += len(chunk)
            if came > limits.all_bytes:
                raise HTTPException(413)
            parser.write(chunk)
        parser.finalize()
    except TimeoutError:
        raise HTTPException(408) from None
    except (FormParserError, ClientDisconnect):
        raise HTTPException(400) from None
    finally:
        parts.close()
    if not parts.is_whole:
        raise HTTPException(400)
    return parts.done


@dataclass
class _Parts:
    """What the parser tells, part by part."""

    folder: Path
    limits: Limits
    done: list[Uploaded] = field(default_factory=list)
    is_whole: bool = False
    _name: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _file: BinaryIO | None = None
    _path: Path | None = None
    _size: int = 0
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": self._open,
            "on_part_data": self._write,
            "on_part_end": self.close_file,
            "on_end": self._end,
        }

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _begin(self) -> None:
        self._headers = {}

    def _header(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        # A field without a file name is none of ours; one with an empty name is a form that was sent without choosing a file.
        name = safe_name(options.get(b"filename", b"").decode("utf-8", "replace"))
        if not name:
            return
        if len(self.done) >= self.limits.files:
            raise HTTPException(413)
        place = self.folder / str(len(self.done))
        place.mkdir(mode=0o700, parents=True)
        self._path, self._size, self._hash = place / name, 0, hashlib.sha256()
        self._file = self._path.open("xb")

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            return
        self._size += end - start
        if self._size > self.limits.file_bytes:
            raise HTTPException(413)
        self._file.write(data[start:end])
        self._hash.update(data[start:end])

    def close_file(self) -> None:
        if self._file and self._path:
            self._file.close()
            self.done.append(Uploaded(self._path, self._hash.hexdigest()))
        self._file = self._path = None

    def _end(self) -> None:
        self.is_whole = True


def safe_name(given: str) -> str:
    """A file's own name as it may stand in a folder and on a page: without its path, control characters and leading dots; short."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    plain = "".join(sign for sign in last if sign.isprintable()).strip().lstrip(".")
    stem, dot, ending = plain.rpartition(".")
    return f"{_cut(stem, LONGEST_NAME)}.{_cut(ending, LONGEST_ENDING)}" if dot else _cut(plain, LONGEST_NAME)


def _cut(text: str, longest: int) -> str:
    return text.encode()[:longest].decode(errors="ignore")
