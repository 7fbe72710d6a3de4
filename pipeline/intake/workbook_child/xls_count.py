"""A legacy XLS counted a second time: its stream found in the OLE container, its records of cells counted one by one.

Source of the record numbers: [MS-XLS] 2.3; of the container: [MS-CFB].
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from pipeline.intake.workbook_child.faults import Faulty, WorkbookFault
from pipeline.intake.workbook_child.xlsx_count import Count

_ROW, _BOUND_SHEET, _FILE_PASS, _PROJECT, _BOF, _EOF = 0x0208, 0x0085, 0x002F, 0x00D3, 0x0809, 0x000A
_FORMULA, _BOOL_ERR, _MUL_RK, _MERGE_CELLS = 0x0006, 0x0205, 0x00BD, 0x00E5
# NUMBER, RK, LABELSST, LABEL, RSTRING: one cell each.
_ONE_CELL = {0x0203, 0x027E, 0x00FD, 0x0204, 0x00D6}
_HIDDEN_ROW = 0x20
_WORKSHEET = 0
LAST_ROW = 65_536
_ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}
_FREE = 0xFFFFFFFA


def counts(data: bytes) -> list[Count]:
    """The worksheets in the workbook's order. Raises Faulty."""
    try:
        return _counts(data)
    except (struct.error, IndexError, ValueError, OverflowError):
        raise Faulty(WorkbookFault.DAMAGED) from None


def _counts(data: bytes) -> list[Count]:
    streams = _streams(data)
    if "encryptedpackage" in streams:
        raise Faulty(WorkbookFault.ENCRYPTED)
    if "_vba_project_cur" in streams or "vba" in streams:
        raise Faulty(WorkbookFault.MACROS)
    book = streams.get("workbook") or streams.get("book")
    if book is None:
        raise Faulty(WorkbookFault.OTHER_KIND)
    starts = []
    for number, body in _records(book, 0):
        if number == _FILE_PASS:
            raise Faulty(WorkbookFault.ENCRYPTED)
        if number == _PROJECT:
            raise Faulty(WorkbookFault.MACROS)
        if number == _BOUND_SHEET and body[5] == _WORKSHEET:
            starts.append(struct.unpack_from("<I", body)[0])
    return [_sheet(book, start) for start in starts]


def _records(book: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Of one substream, its end left out; streams within it (charts) are passed over."""
    depth = 0
    while at + 4 <= len(book):
        number, length = struct.unpack_from("<HH", book, at)
        body = book[at + 4 : at + 4 + length]
        at += 4 + length
        if number == _BOF:
            depth += 1
        elif number == _EOF:
            depth -= 1
            if depth <= 0:
                return
        elif depth == 1:
            yield number, body


def _sheet(book: bytes, start: int) -> Count:
    count = Count()
    for number, body in _records(book, start):
        if number in _ONE_CELL:
            count.filled[struct.unpack_from("<H", body)[0] + 1] += 1
        elif number == _MUL_RK:
            count.filled[struct.unpack_from("<H", body)[0] + 1] += (len(body) - 6) // 6
        elif number == _BOOL_ERR:
            row, column, _, value, is_error = struct.unpack_from("<HHHBB", body)
            if is_error:
                count.errors[row + 1, column] = _ERRORS.get(value, "#N/A")
            else:
                count.filled[row + 1] += 1
        elif number == _FORMULA:
            _formula(count, body)
        elif number == _MERGE_CELLS:
            for top, bottom, left, right in struct.iter_unpack("<HHHH", body[2 : 2 + 8 * struct.unpack_from("<H", body)[0]]):
                count.merged.add((top + 1, left, bottom + 1, right))
        elif number == _ROW and body[12] & _HIDDEN_ROW:
            count.hidden.add(struct.unpack_from("<H", body)[0] + 1)
    return count


def _formula(count: Count, body: bytes) -> None:
    """The cached value is a number, or FF FF at its end and a type at its beginning: 2 is an error, 3 an empty text."""
    row, column = struct.unpack_from("<HH", body)
    value = body[6:14]
    if value[6:8] == b"\xff\xff" and value[0] == 2:
        count.errors[row + 1, column] = _ERRORS.get(value[2], "#N/A")
    elif value[6:8] != b"\xff\xff" or value[0] != 3:
        count.filled[row + 1] += 1


def _streams(data: bytes) -> dict[str, bytes]:
    """Streams and folders by name in lower case (a folder's bytes are empty)."""
    sector = 1 << struct.unpack_from("<H", data, 30)[0]
    mini = 1 << struct.unpack_from("<H", data, 32)[0]
    if sector not in (512, 4096) or mini != 64:
        raise Faulty(WorkbookFault.DAMAGED)
    table = _table(data, sector)
    directory = _chain(data, table, struct.unpack_from("<I", data, 48)[0], sector, sector)
    entries = [directory[at : at + 128] for at in range(0, len(directory) - 127, 128)]
    small_table = _chain(data, table, struct.unpack_from("<I", data, 60)[0], sector, sector)
    small = [number for (number,) in struct.iter_unpack("<I", small_table[: len(small_table) // 4 * 4])]
    root = _chain(data, table, struct.unpack_from("<I", entries[0], 116)[0], sector, sector)
    limit = struct.unpack_from("<I", data, 56)[0]
    found: dict[str, bytes] = {}
    for entry in entries:
        length = struct.unpack_from("<H", entry, 64)[0]
        name = entry[: max(length - 2, 0)].decode("utf-16-le", errors="replace").lower()
        kind, start, size = entry[66], struct.unpack_from("<I", entry, 116)[0], struct.unpack_from("<I", entry, 120)[0]
        if kind == 1:
            found.setdefault(name, b"")
        elif kind == 2 and name in ("workbook", "book", "encryptedpackage"):
            found[name] = _chain(root, small, start, mini, 0)[:size] if size < limit else _chain(data, table, start, sector, sector)[:size]
    return found


def _table(data: bytes, sector: int) -> list[int]:
    """The sector table: which sector follows which."""
    places = list(struct.unpack_from("<109I", data, 76))
    following, more = struct.unpack_from("<II", data, 68)
    for _ in range(more):
        block = struct.unpack_from(f"<{sector // 4}I", data, sector + following * sector)
        places += block[:-1]
        following = block[-1]
    table: list[int] = []
    for place in places:
        if place < _FREE:
            at = sector + place * sector
            table += struct.unpack(f"<{len(data[at : at + sector]) // 4}I", data[at : at + sector][: len(data[at : at + sector]) // 4 * 4])
    return table


def _chain(data: bytes, table: list[int], start: int, size: int, header: int) -> bytes:
    pieces, at, seen = [], start, 0
    while at < _FREE:
        pieces.append(data[header + at * size : header + (at + 1) * size])
        at = table[at]
        seen += 1
        if seen > len(table):
            raise Faulty(WorkbookFault.DAMAGED)
    return b"".join(pieces)
