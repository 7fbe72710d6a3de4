"""F19: files with bytes changed, and whatever a fuzzer thinks of: a reading in which every row has its number, or a refusal."""

from __future__ import annotations

import math
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.files.kit import answered, book, saved
from tests.files.whole import ROWS, SEEDS, assert_read_or_refused
from tests.tries import tries

PIECES = (b"", b",", b'"', b"\n", b"\r", b"\x00", b"\xff", b";", b"\t", b"|", b"^", b"~", b"\\", b"OBX|", b"MSH|", b"RESULT TABLE\n", "ộ".encode(),
          "\u0301".encode(), b"=1+1", b"sep=;\n", b"\xff\xfe", b"9" * 300, b",,,,,,,,", b"\n\n\n")  # fmt: skip
# Three times so many in all: `UNPOOL_FUZZ=3000000 make test-files` for a long run.
INPUTS = int(os.environ.get("UNPOOL_FUZZ", "80000"))
# Of CI's time. Fewer than AT_LEAST in it say nothing.
IS_LONG = INPUTS > 80_000
SECONDS, AT_LEAST = 20, 5_000
SEED = int(os.environ.get("UNPOOL_FUZZ_SEED", "6"))


def mutated(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 5)):
        start = chance.randint(0, len(data))
        stop = min(len(data), start + chance.choice((0, 0, 1, 2, 30)))
        piece = chance.choice(PIECES) if chance.random() < 0.7 else chance.randbytes(chance.randint(1, 4))
        data = data[:start] + piece + data[stop:]
    return data


@pytest.mark.lengthy
@pytest.mark.parametrize("half", [0, 1])
def test_F19_changed_bytes_give_a_reading_or_a_refusal_and_every_row_has_its_number(half: int) -> None:
    seeds, chance = list(SEEDS.values()), random.Random(2 * SEED + half)
    tried = 0
    for number in tries(INPUTS, math.inf if IS_LONG else SECONDS):
        data, profiles = chance.choice(seeds)
        assert_read_or_refused(mutated(data, chance), profiles)
        tried = number + 1
    assert tried >= (INPUTS if IS_LONG else min(AT_LEAST, INPUTS))


@pytest.mark.lengthy
@pytest.mark.timeout(900)
def test_F19_a_fuzzer_that_looks_for_new_branches_finds_nothing(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "tests.files.fuzz", str(INPUTS), str(0 if IS_LONG else SECONDS), str(SEED)]
    root = Path(__file__).parents[2]
    done = subprocess.run(asked, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
    told = re.search(r"^Done (\d+) (?:runs )?in", done.stdout + done.stderr, re.MULTILINE)
    assert told is not None, done.stderr[-2000:]
    assert int(told[1]) >= (INPUTS if IS_LONG else min(AT_LEAST, INPUTS))


def test_F19_a_workbook_s_changed_bytes_are_refused_or_read_by_both_counts() -> None:
    """In this process: a child for each of thousands would take minutes."""
    data, chance = saved(book(*ROWS)), random.Random(SEED)
    for _ in range(INPUTS // 50):
        place = chance.randrange(len(data))
        changed = bytearray(data)
        changed[place] ^= 1 << chance.randrange(8)
        answered(bytes(changed))
