"""The job that the peers do, in constants, and what they share: the files, the clock, the check character, the command line.

Less than the product does: one delivery into an empty store, the row rules below and no rules about whole tubes or files, one date
form, one Ct in a cell, no accents folded in names, a kept specimen's code asked of singles too, final results only, no tests of
people's own tubes, no tube so late that it is lost. And no second judge, no vault, no receipts, no decision that a later file changes.
What a crowd of tests/bench/crowd.py holds, they all decide as the product does.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tests.bench.crowd import AS_OF

STEPS = ("read", "rules", "dedupe", "unpool", "outcomes", "messages", "write")
CORE = ("rules", "dedupe", "unpool", "outcomes")

TIME_FORM = "%Y-%m-%d %H:%M"
# One hour of grace for a clock that is ahead.
LATEST = AS_OF + timedelta(hours=1)
OLDEST = AS_OF.replace(hour=0, minute=0) - timedelta(days=30)
FIRST_BIRTH_YEAR = 1880
MAX_POOL = 20
MAX_CT = 45
# A result belongs to the latest collection of its code, at most so long ago.
WINDOW = timedelta(days=7)
# The same label on a tube of other people, so near, is a mistake.
RELABEL = timedelta(days=14)
OVERDUE = timedelta(hours=48)

MODES = ["field", "lab", "double"]
KEPT_MODES = ["lab", "double"]
SEX_DIGITS = {"m": 0, "male": 0, "nam": 0, "f": 1, "female": 1, "nữ": 1, "nu": 1}
REQUIRED = ["full_name", "birth_date", "phone"]
# A tube that the lab rejected needs a reason, which files of four columns do not give: that word is no call here.
WORDS = {
    "detected": "detected", "positive": "detected", "dương tính": "detected",
    "not detected": "not_detected", "negative": "not_detected", "âm tính": "not_detected",
    "inconclusive": "inconclusive", "indeterminate": "inconclusive", "không xác định": "inconclusive",
    "invalid": "invalid", "không hợp lệ": "invalid",
}  # fmt: skip
# What a person is told: purpose and priority. Who is held or waits is told nothing.
TOLD = {"detected": ("result", 0), "retest": ("own_test", 1), "recollect": ("come_again", 1), "not_detected": ("result", 2)}

# For whole cells. `[A-Z0-9]`: codes are looked at without their separators, in upper case.
SEPARATORS = r"[\s\-_./]"
CODE = r"^[A-Z0-9]{3,32}$"
OWN_PREFIX = "UP"
CITIZEN_ID = r"^[0-9]{12}$"
BIRTH_YEAR = r"^([12][0-9]{3})$"
POOL_SIZE = r"^[0-9]{1,6}$"
CT = r"^(?i:[0-9]+(?:\.[0-9]+)?|undetermined|nan|n/a|-|)$"
MOBILE = (
    r"^(?:0|\+?84|0084)(?:(?:3[2-9]|5[25689]|7[06-9]|8[1-9]|9[0-46-9])[0-9]{7}"
    r"|(?:12[0-9]|16[2-9]|18[68]|199)[0-9]{7})$"
)

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WORTH = {letter: worth for worth, letter in enumerate(_ALPHABET)}
_WORTHS = np.array([_WORTH.get(chr(letter), 0) for letter in range(256)], dtype=np.int16)


class Clock:
    """Seconds from now on, and those of each step."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.steps = dict.fromkeys(STEPS, 0.0)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.steps[name] += time.perf_counter() - start


def main(run: Callable[[Path, Path, Clock], dict[str, Any]]) -> None:
    """`run` takes the crowd's folder and the one to write into, and returns its counts with everything on disk."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--crowd", type=Path, required=True, help="a folder that tests.bench.crowd wrote")
    parser.add_argument("--out", type=Path, required=True, help="a folder for what this peer keeps")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    clock = Clock()
    counts = run(asked.crowd, asked.out, clock)
    seconds = time.perf_counter() - clock.start
    print(json.dumps({"seconds": seconds, "core_s": sum(clock.steps[name] for name in CORE), "steps": clock.steps, "counts": counts}))


def files(folder: Path, kind: str) -> list[Path]:
    """`kind`: manifest or results."""
    return sorted(folder.glob(f"{kind}_*.csv"))


def bad_codes(codes: Any) -> list[str]:
    """Those of distinct `codes` (an Arrow array) that claim to be ours and do not end in their ISO 7064 MOD 37,36 check character."""
    own = codes.filter(pc.match_substring_regex(codes, f"^{OWN_PREFIX}[A-Z0-9]{{1,30}}$")).cast(pa.large_string())
    own = own.combine_chunks() if isinstance(own, pa.ChunkedArray) else own
    if not len(own):
        return []
    _, places, text = own.buffers()
    ends = np.frombuffer(places, dtype=np.int64)[own.offset : own.offset + len(own) + 1]
    letters = np.frombuffer(text, dtype=np.uint8)
    state = np.full(len(own), 18, dtype=np.int16)
    for place in range(int(np.diff(ends).max())):
        here = np.flatnonzero(ends[:-1] + place < ends[1:])
        before = np.where(state[here] == 0, 36, state[here])
        state[here] = (before * 2 % 37 + _WORTHS[letters[ends[here] + place]]) % 36
    return [own[int(place)].as_py() for place in np.flatnonzero(state != 1)]


def is_code(code: str) -> bool:
    """The same for one code, where a tool calls Python row by row."""
    if not code.startswith(OWN_PREFIX):
        return True
    state = 18
    for letter in code:
        state = ((state or 36) * 2 % 37 + _WORTH.get(letter, 0)) % 36
    return state == 1


def settle(folder: Path) -> None:
    """Put the folder's files on disk, and then their names."""
    for path in (*folder.iterdir(), folder):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
