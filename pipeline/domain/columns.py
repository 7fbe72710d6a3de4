"""The canonical columns: what every received table has, whatever its sender calls them. All cells are text, '' when empty."""

from __future__ import annotations

from typing import assert_never

from pipeline.domain.words import FileKind

MANIFEST_COLUMNS = (
    "tube_code",
    "collected_at",
    "full_name",
    "birth_date",
    "sex",
    "phone",
    "citizen_id",
    "address",
    "person_code",
    "pool_size",
    "specimen_code",
    "replaces_tube",
    "pooling_mode",
    "site_code",
)

RESULT_COLUMNS = (
    "tube_code",
    "result",
    "status",
    "tested_at",
    "resulted_at",
    "collected_at",
    "reject_reason",
    "ct",
    "plate_code",
)

# Who a person is. A programme chooses those that must be filled.
IDENTITY_COLUMNS = ("full_name", "birth_date", "sex", "phone", "citizen_id", "address", "person_code")

# Cells that a profile's date patterns rewrite to ISO.
DATE_COLUMNS = ("collected_at", "birth_date", "tested_at", "resulted_at")


def columns_of(kind: FileKind) -> tuple[str, ...]:
    """In canonical order. `call` is not among them: it is derived from `result` by the profile's words."""
    match kind:
        case FileKind.MANIFEST:
            return MANIFEST_COLUMNS
        case FileKind.RESULTS:
            return RESULT_COLUMNS
        case _:
            assert_never(kind)


def required_of(kind: FileKind) -> tuple[str, ...]:
    """The columns without which a file of this kind says nothing: a profile must be able to fill them."""
    match kind:
        case FileKind.MANIFEST:
            return ("tube_code", "collected_at")
        case FileKind.RESULTS:
            return ("tube_code", "result", "status", "tested_at")
        case _:
            assert_never(kind)
