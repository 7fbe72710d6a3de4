"""One logger, events with fields. Fields are counts, codes and places: never a cell's value.

A guard, not a promise: `event` refuses the field names under which a person's data would travel (tests/unit/test_log.py).
"""

from __future__ import annotations

import logging

FORBIDDEN = frozenset({"name", "full_name", "phone", "citizen_id", "birth_date", "address", "token", "result", "body", "to"})

_logger = logging.getLogger("unpool")


def event(what: str, /, **fields: object) -> None:
    """Log `what` (a fixed word with underscores) with its fields, as `what key=value ...`. Raises ValueError on a forbidden field."""
    if forbidden := FORBIDDEN & fields.keys():
        raise ValueError(f"log fields {sorted(forbidden)} could carry a person's data")
    _logger.info("%s %s", what, " ".join(f"{key}={value}" for key, value in fields.items()))


def warning(what: str, /, **fields: object) -> None:
    """As `event`, at level WARNING."""
    if forbidden := FORBIDDEN & fields.keys():
        raise ValueError(f"log fields {sorted(forbidden)} could carry a person's data")
    _logger.warning("%s %s", what, " ".join(f"{key}={value}" for key, value in fields.items()))
