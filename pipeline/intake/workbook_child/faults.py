"""What may be wrong with a workbook as a whole, and the limits within which one is read."""

from __future__ import annotations

from enum import StrEnum


class WorkbookFault(StrEnum):
    """A value is the code of its refusal in texts/reasons."""

    OTHER_KIND = "workbook"
    ENCRYPTED = "workbook_encrypted"
    MACROS = "workbook_macros"
    DAMAGED = "workbook_damaged"
    TOO_LARGE = "workbook_too_large"
    FAILED = "workbook_unreadable"
    COUNTS_DIFFER = "workbook_counts_differ"
    HIDDEN = "workbook_hidden"
    FORMULA = "workbook_formula"
    SHEETS = "workbook_sheets"
    FULL = "workbook_full"


class Faulty(Exception):
    """Reading ends here; the fault is all that leaves the child."""

    def __init__(self, fault: WorkbookFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


MEMORY_BYTES = 512 << 20
CPU_SECONDS = 10
# A list of 100,000 people has a million cells and 50 MiB. What is larger is a job for CSV.
UNPACKED_BYTES = 192 << 20
# Spreadsheets pack their own files 5 to 30 times.
UNPACKED_RATIO = 100
RATIO_COUNTS_FROM = 1 << 20
PARTS = 2_000
CELLS = 2_000_000
MERGES = 100_000
TEXT_BYTES = 96 << 20
