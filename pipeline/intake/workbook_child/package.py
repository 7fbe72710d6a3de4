"""The zip of an XLSX before anything of it is unpacked: one package from the first byte to the last, of sizes that fit, without macros.

What is refused here: more than one zip in the file or bytes around it, two parts of one name, names that lead elsewhere, sizes or ratios
of a bomb, encrypted parts, and the kinds of workbook that are not read (ODS, XLSB).
"""

from __future__ import annotations

import io
import struct
import zipfile
from itertools import pairwise

from pipeline.intake.workbook_child.faults import PARTS, RATIO_COUNTS_FROM, UNPACKED_BYTES, UNPACKED_RATIO, Faulty, WorkbookFault

_END = b"PK\x05\x06"
_END_LENGTH = 22
_ENCRYPTED = 0x1


def open_package(data: bytes) -> zipfile.ZipFile:
    """Raises Faulty."""
    try:
        package = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OSError, UnicodeDecodeError):
        raise Faulty(WorkbookFault.DAMAGED) from None
    parts = package.infolist()
    _refuse_strange_shape(data, parts)
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise Faulty(WorkbookFault.ENCRYPTED)
    _refuse_bomb(data, parts)
    _refuse_other_kinds({part.filename.replace("\\", "/").lower().lstrip("/") for part in parts})
    return package


def _refuse_strange_shape(data: bytes, parts: list[zipfile.ZipInfo]) -> None:
    if not parts or len(parts) > PARTS:
        raise Faulty(WorkbookFault.DAMAGED)
    end = data.rfind(_END)
    comment = struct.unpack_from("<H", data, end + 20)[0] if 0 <= end <= len(data) - _END_LENGTH else -1
    # The zip ends where the file ends and begins where it begins: nothing else hides in it.
    if end + _END_LENGTH + comment != len(data) or min(part.header_offset for part in parts) != 0:
        raise Faulty(WorkbookFault.DAMAGED)
    names = [part.filename.replace("\\", "/").lower().lstrip("/") for part in parts]
    if len(set(names)) != len(names) or any(".." in name.split("/") for name in names):
        raise Faulty(WorkbookFault.DAMAGED)
    # Two parts that share bytes unpack to more than the directory says.
    ends = sorted((part.header_offset, part.header_offset + part.compress_size) for part in parts)
    if any(later[0] < earlier[1] for earlier, later in pairwise(ends)):
        raise Faulty(WorkbookFault.DAMAGED)


def _refuse_bomb(data: bytes, parts: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(part.file_size for part in parts)
    if unpacked > UNPACKED_BYTES:
        raise Faulty(WorkbookFault.TOO_LARGE)
    if any(part.file_size > RATIO_COUNTS_FROM and part.file_size > UNPACKED_RATIO * max(part.compress_size, 1) for part in parts):
        raise Faulty(WorkbookFault.TOO_LARGE)


def _refuse_other_kinds(names: set[str]) -> None:
    if any(name.endswith("vbaproject.bin") or "macrosheets/" in name for name in names):
        raise Faulty(WorkbookFault.MACROS)
    if "encryptedpackage" in names or "encryptioninfo" in names:
        raise Faulty(WorkbookFault.ENCRYPTED)
    if not any(name.endswith("workbook.xml") for name in names):
        raise Faulty(WorkbookFault.OTHER_KIND)
