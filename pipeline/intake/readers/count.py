"""How many rows a delimited text has: a count of its own, not the parser's, so that the two can disagree.

A parser that meets a stray quotation mark may swallow the rows up to the next one and report no error. Here quoting is held to
RFC 4180: a mark opens a cell only at its beginning, and after the closing one comes the next cell or the next row.
"""

from __future__ import annotations

import csv
import io

import numpy as np
import numpy.typing as npt

_QUOTE, _LINE_FEED, _RETURN = 0x22, 0x0A, 0x0D
# The csv module's own limit, 128 KiB, lies below what the parser reads in one row.
MAX_CELL = 1 << 20


class QuotingBroken(ValueError):
    """A quotation mark is never closed, or is followed by more text: where rows end cannot be told."""


def count_rows(body: bytes, delimiter: str) -> int:
    """Rows in `body` (UTF-8, without its heading line), blank ones counted. Line ends are CR LF, LF or CR. Raises QuotingBroken."""
    if not body:
        return 0
    if b'"' not in body:
        ends = body.count(b"\n")
        if b"\r" in body:
            ends += body.count(b"\r") - body.count(b"\r\n")
        return ends + (body[-1] not in b"\r\n")
    counted = _count_quoted(np.frombuffer(body, np.uint8), ord(delimiter))
    return _count_by_csv(body, delimiter) if counted is None else counted


def _count_quoted(codes: npt.NDArray[np.uint8], delimiter: int) -> int | None:
    """The count where every mark is where it may be; None where one is not (an inch sign in a cell, or worse)."""
    quotes = np.flatnonzero(codes == _QUOTE)
    if len(quotes) % 2:
        return None
    border = np.zeros(256, np.bool_)
    border[[_QUOTE, delimiter, _LINE_FEED, _RETURN]] = True
    opening, closing = quotes[::2], quotes[1::2]
    before = border[codes[np.maximum(opening - 1, 0)]] | (opening == 0)
    after = border[codes[np.minimum(closing + 1, len(codes) - 1)]]
    # `""` outside a quoted cell is an empty one; inside it is one mark. A mark that opens right after a closing one continues its cell.
    if not (before.all() and after.all()):
        return None
    ends = np.flatnonzero((codes == _LINE_FEED) | (codes == _RETURN))
    ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    # CR LF is one end.
    pairs = (codes[ends[:-1]] == _RETURN) & (codes[ends[1:]] == _LINE_FEED) & (np.diff(ends) == 1)
    closed = len(ends) > 0 and ends[-1] == len(codes) - 1
    return len(ends) - int(pairs.sum()) + (0 if closed else 1)


def _count_by_csv(body: bytes, delimiter: str) -> int:
    """Slow and strict: takes a mark within an unquoted cell for what it is, and nothing else."""
    csv.field_size_limit(MAX_CELL)
    try:
        return sum(1 for _ in csv.reader(io.StringIO(body.decode(), newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise QuotingBroken(str(error)) from None
