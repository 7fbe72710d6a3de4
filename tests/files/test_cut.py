"""Files cut at every byte, and files with bytes changed: nothing but a reading or a refusal, and no row that was not sent."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import pytest
import python_calamine

from pipeline.formats import FormatProfile
from pipeline.intake.readers import Reading
from pipeline.intake.workbook_child.__main__ import answer
from pipeline.intake.workbook_child.faults import Faulty
from tests.files.kit import DATA, FORMATS, book, column, needs_data, outcome, saved
from tests.files.test_exports import BLOCK, MESSAGE, PROFILES
from tests.files.test_manifests import LISTED, POOLED, text

ROWS = [["Mã ống", "Ngày lấy mẫu", "Họ và tên", "Năm sinh", "Số điện thoại"]] + [
    [f"TUBE{number:02}", "12/11/2026", f"Nguyễn Thị Số {number}", "1980", f"09123456{number:02}"] for number in range(4)
]
RESULTS = (
    b"tube_code,result,tested_at\nTUBE01,negative,2026-11-12 08:00\nTUBE123,positive,2026-11-12 09:00\nTUBE12,negative,2026-11-12 09:30\n"
)
TWO_BLOCKS = BLOCK + "\n" + BLOCK.split("\n\n")[1].replace("TUBE01", "TUBE02")
TWO_MESSAGES = MESSAGE + MESSAGE.split("\r", 2)[2].replace("TUBE\\T\\01", "TUBE2")
PLAIN = text(*ROWS)

# What is cut, and by which profiles it is read.
WHOLE: dict[str, tuple[bytes, tuple[FormatProfile, ...]]] = {
    "list": (PLAIN, FORMATS),
    "list_lf": (PLAIN.replace(b"\r\n", b"\n"), FORMATS),
    "list_cr": (PLAIN.replace(b"\r\n", b"\r"), FORMATS),
    "list_bom": (b"\xef\xbb\xbf" + PLAIN, FORMATS),
    "list_utf16": (b"\xff\xfe" + PLAIN.decode().encode("utf-16-le"), FORMATS),
    "list_utf16_be": (b"\xfe\xff" + PLAIN.decode().encode("utf-16-be"), FORMATS),
    "list_quoted": (PLAIN.replace(b",1980,", b',"1980",').replace(b",09", b',"09').replace(b"\r\n", b'"\r\n'), FORMATS),
    "list_semicolon": (b"sep=;\r\n" + PLAIN.replace(b",", b";"), FORMATS),
    "list_tab": (PLAIN.replace(b",", b"\t"), FORMATS),
    "list_titled": ("DANH SÁCH LẤY MẪU,,\r\n\r\n".encode() + PLAIN, FORMATS),
    "names_in_a_cell": (text(*LISTED), (POOLED,)),
    "results": (RESULTS, FORMATS),
    "blocks": (TWO_BLOCKS.encode(), (PROFILES["genexpert_csv"],)),
    "blocks_crlf": (TWO_BLOCKS.replace("\n", "\r\n").encode(), (PROFILES["genexpert_csv"],)),
    "messages": (TWO_MESSAGES.encode(), (PROFILES["hl7_oru_specimen"],)),
    "messages_lf": (TWO_MESSAGES.replace("\r", "\n").encode(), (PROFILES["hl7_oru_specimen"],)),
}
REAL = {
    "uk_lighthouse_garbage_row.csv": "uk_lighthouse",
    "uk_lighthouse_whitespace_header.csv": "uk_lighthouse",
    "genexpert_utf8_fixture_openelis.csv": "genexpert_csv",
}
# What a cut may take from a row that stays: a detail in a later line of its message, an empty cell read as such.
DETAILS = ("ct",)


def rows(found: Reading) -> dict[int, dict[str, str]]:
    """The rows without a problem, by number. A row that lacks its tube, its result or its time is the rules' to reject."""
    needed = [name for name in ("tube_code", "result", "tested_at", "collected_at") if name in found.table.column_names]
    if found.kind == "results":
        needed.remove("collected_at")
    kept = [row for row in found.table.to_pylist() if row["problem"] == "" and all(row[name] for name in needed)]
    return {row["row_no"]: {name: value for name, value in row.items() if name not in DETAILS} for row in kept}


def assert_only_what_was_sent(data: bytes, profiles: tuple[FormatProfile, ...]) -> None:
    whole = outcome(data, formats=profiles)
    assert isinstance(whole, Reading)
    sent = rows(whole)
    for length in range(len(data)):
        found = outcome(data[:length], formats=profiles)
        if isinstance(found, Reading):
            for number, row in rows(found).items():
                assert row == sent.get(number), (length, number)


@pytest.mark.parametrize("name", WHOLE)
def test_F05_cut_at_every_byte_a_file_gives_no_row_that_was_not_sent(name: str) -> None:
    assert_only_what_was_sent(*WHOLE[name])


@needs_data
@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_F05_a_real_file_cut_at_every_byte_gives_no_row_that_was_not_sent(name: str) -> None:
    assert_only_what_was_sent((DATA / "lab_exports" / name).read_bytes(), (PROFILES[REAL[name]],))


def answered(data: bytes) -> str:
    """What the child would answer, without the child."""
    try:
        return answer(data)
    except (Faulty, MemoryError, python_calamine.CalamineError, OSError):
        return ""
    except BaseException as panic:
        # python-calamine's panics are none of Python's exceptions. They end the child, and so refuse the file.
        assert type(panic).__name__ == "PanicException"
        return ""


def test_F05_a_workbook_cut_at_any_byte_is_refused() -> None:
    data = saved(book(*ROWS))
    assert answered(data)
    assert [length for length in range(4, len(data)) if answered(data[:length])] == []


@needs_data
@pytest.mark.real_data
def test_F05_an_old_workbook_cut_at_any_byte_is_refused_or_whole() -> None:
    data = (DATA / "lab_exports/quantstudio_qs7_fixture_openelis.xls").read_bytes()
    whole = answered(data)
    assert whole
    for length in range(8, len(data), 3):
        found = answered(data[:length])
        assert found in ("", whole) or '"agree": false' in found, length


SEEDS: dict[str, tuple[bytes, tuple[FormatProfile, ...]]] = {
    name: (data, (*FORMATS, *profiles)) for name, (data, profiles) in WHOLE.items()
}
PIECES = (b"", b",", b'"', b"\n", b"\r", b"\x00", b"\xff", b";", b"\t", b"|", b"^", b"~", b"\\", b"OBX|", b"MSH|", b"RESULT TABLE\n", "ộ".encode(),
          "\u0301".encode(), b"=1+1", b"sep=;\n", b"\xff\xfe", b"9" * 300, b",,,,,,,,", b"\n\n\n")  # fmt: skip
# `UNPOOL_FUZZ=200000 make test-files` for a long run.
INPUTS = int(os.environ.get("UNPOOL_FUZZ", "6000"))


def mutated(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 5)):
        start = chance.randint(0, len(data))
        stop = min(len(data), start + chance.choice((0, 0, 1, 2, 30)))
        piece = chance.choice(PIECES) if chance.random() < 0.7 else chance.randbytes(chance.randint(1, 4))
        data = data[:start] + piece + data[stop:]
    return data


def tried(inputs: int, seed: int, one: Callable[[random.Random], None]) -> int:
    """Up to `inputs` tries within 20 seconds (a long run has no limit); how many there were."""
    chance, began, done = random.Random(seed), time.monotonic(), 0
    while done < inputs and (inputs > 6000 or time.monotonic() - began < 20):
        one(chance)
        done += 1
    return done


def test_F19_changed_bytes_give_a_reading_or_a_refusal_and_every_row_has_its_number() -> None:
    seeds = list(SEEDS.values())

    def one(chance: random.Random) -> None:
        data, profiles = chance.choice(seeds)
        data = mutated(data, chance)
        if data.startswith((b"PK", b"\xd0\xcf")):
            return
        found = outcome(data, formats=profiles)
        if isinstance(found, Reading):
            numbers = column(found, "row_no")
            assert found.rows == len(numbers) == len(set(numbers)) > 0, data
            assert found.table["tube_code"].null_count == 0, data

    assert tried(INPUTS, 6, one) >= 500


def test_F19_a_workbook_s_changed_bytes_are_refused_or_read_by_both_counts() -> None:
    """In this process: a child for each of thousands would take minutes."""
    data = saved(book(*ROWS))

    def one(chance: random.Random) -> None:
        place = chance.randrange(len(data))
        changed = bytearray(data)
        changed[place] ^= 1 << chance.randrange(8)
        answered(bytes(changed))

    assert tried(INPUTS // 4, 7, one) >= 100
