"""Print labels: the next numbers of the programme's own tube codes, each printed once. The audit is the book of what was printed."""

from __future__ import annotations

from datetime import datetime

from pipeline.ledger import audit
from pipeline.papers.labels import Sheet, labels, tube_codes
from pipeline.stages.house import House

PRINTED = "labels_printed"


def print_labels(house: House, sheet: Sheet, count: int, *, skip: int, who: str, now: datetime, not_below: int = 1) -> bytes:
    """A PDF of `count` new labels. skip: labels gone from the first sheet; not_below: where earlier labels came from elsewhere.

    The numbers are taken before the labels are drawn: a print that failed leaves a gap, and no code is ever printed twice.
    Raises ActionNeeded as `tube_codes`.
    """
    with house.ledger.begin() as conn:
        audit.lock(conn)
        last = audit.last(conn, PRINTED)
        first = max(not_below, 1 if last is None else int(last.subject.rpartition("-")[2]) + 1)
        codes = tube_codes(house.programme.own_tube_prefix, first, count)
        audit.append(conn, who, PRINTED, f"{first}-{first + count - 1}", sheet.name, now)
    return labels(codes, sheet, skip=skip)
