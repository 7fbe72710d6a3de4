"""A synthetic programme of any size as CSV files, quickly: people in pools of ten, with the defects that real programmes have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

# Shares, from domain.md section 3.
PREVALENCE = 0.01
NEVER_RESULTED = 0.055  # of tubes [FloodLAMP]
NO_MANIFEST = 0.01  # of result rows; 0.6 to 15.6 % [FloodLAMP]
TWO_TUBES = 0.024  # of person-days [FloodLAMP]
SENT_AGAIN = 0.01  # of result rows
INVALID_ONCE = 0.005  # of tubes
BAD_ROWS = 0.003  # of manifest rows: no phone
LABELS_AGAIN = 0.0005  # of tubes: the label of another day's tube [Kenya: 7 labels]

POOL = 10
MANIFEST_ROWS, RESULT_ROWS = 1_000, 1_000
COLLECTED = datetime(2026, 11, 9, 8, 0)
# Past the overdue limit of 48 hours for tubes, not yet for retests.
AS_OF = COLLECTED + timedelta(hours=50)
ALPHABET = np.array(list("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
SURNAMES, MIDDLES = ["Nguyễn", "Trần", "Lê", "Phạm", "Đặng", "Võ", "Bùi"], ["Thị", "Văn", "Ngọc", "Hữu", "Minh", "Thu"]
GIVEN = ["Anh", "Bảo", "Dũng", "Hằng", "Hương", "Khánh", "Lan", "Long", "Mỹ", "Nghĩa", "Quỳnh", "Sơn", "Thảo", "Trang", "Tuấn", "Yến"]

Texts = npt.NDArray[np.str_]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Crowd:
    """Where the files lie, and how many rows they hold."""

    manifests: list[Path]
    results: list[Path]
    rows: int
    bytes: int


def write_crowd(folder: Path, people: int, seed: int) -> Crowd:
    """Write manifests of 1,000 people and result files of 1,000 tubes into `folder`; byte for byte the same for one seed."""
    random = np.random.default_rng(seed)
    manifest, positive = _manifest(random, people)
    results = _results(random, manifest, positive)
    manifests = _write(folder, "manifest", manifest, MANIFEST_ROWS)
    result_files = _write(folder, "results", results, RESULT_ROWS)
    size = sum(path.stat().st_size for path in manifests + result_files)
    return Crowd(manifests, result_files, manifest.num_rows + results.num_rows, size)


def _manifest(random: np.random.Generator, people: int) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
    """The manifest rows, and which of their people carry the virus."""
    tubes = -(-people // POOL)
    tube = np.arange(people) // POOL
    who = np.arange(people)
    # One person in two tubes of one file: the row ten places on names the same person.
    twice = np.flatnonzero(random.random(people) < TWO_TUBES)
    twice = twice[(twice + POOL < people) & ((twice % MANIFEST_ROWS) + POOL < MANIFEST_ROWS)]
    who[twice + POOL] = who[twice]
    positive = (random.random(people) < PREVALENCE)[who]
    codes = _codes(np.arange(tubes) + 1)
    day = np.zeros(tubes, dtype=np.int64)
    again = np.flatnonzero(random.random(tubes) < LABELS_AGAIN)
    again = again[again > 0]
    codes[again], day[again] = codes[again - 1], 1
    own = _codes(np.arange(people) + 10_000_000)
    is_kept = (tube // (MANIFEST_ROWS // POOL)) % 2 == 0
    born = 1950 + who % 50
    phone = np.char.add("0520", _digits(who % 1_000_000, 6))
    phone[random.random(people) < BAD_ROWS] = ""
    columns = {
        "tube_code": codes[tube],
        "collected_at": np.where(day[tube] == 0, "2026-11-09 08:00", "2026-11-08 08:00"),
        "full_name": _names(who),
        "birth_date": np.char.add(born.astype(str), "-06-15"),
        "sex": np.where(who % 2 == 0, "M", "F"),
        "phone": phone,
        "citizen_id": _citizen_ids(who, born),
        "pool_size": np.full(people, str(POOL)),
        "pooling_mode": np.where(is_kept, "lab", "field"),
        "specimen_code": np.where(is_kept, own, ""),
    }
    return pa.table({name: pa.array(cells) for name, cells in columns.items()}), positive


def _results(random: np.random.Generator, manifest: pa.Table, positive: npt.NDArray[np.bool_]) -> pa.Table:
    """A row a tube, but for the tubes that never get one; some rows twice, some for tubes that nobody knows."""
    people = manifest.num_rows
    tubes = -(-people // POOL)
    is_positive = np.zeros(tubes, dtype=bool)
    np.logical_or.at(is_positive, np.arange(people) // POOL, positive)
    call = np.where(is_positive, "Detected", "Not detected").astype("<U16")
    call[random.random(tubes) < INVALID_ONCE] = "Invalid"
    code = manifest["tube_code"].to_numpy(zero_copy_only=False).astype(str)[::POOL]
    rows = np.flatnonzero(random.random(tubes) >= NEVER_RESULTED)
    rows = np.concatenate([rows, rows[random.random(len(rows)) < SENT_AGAIN]])
    strangers = _codes(np.arange(max(1, int(len(rows) * NO_MANIFEST))) + 90_000_000)
    calls = np.concatenate([call[rows], np.full(len(strangers), "Not detected")])
    ct = np.where(calls == "Detected", np.char.mod("%.1f", random.uniform(17, 36, len(calls))), "")
    columns = {
        "tube_code": np.concatenate([code[rows], strangers]),
        "result": calls,
        "tested_at": np.full(len(calls), "2026-11-09 17:00"),
        "ct": ct,
    }
    return pa.table({name: pa.array(cells) for name, cells in columns.items()})


def _write(folder: Path, kind: str, table: pa.Table, rows: int) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, start in enumerate(range(0, table.num_rows, rows)):
        path = folder / f"{kind}_{number:06d}.csv"
        pacsv.write_csv(table.slice(start, rows), path)
        paths.append(path)
    return paths


def _digits(numbers: Numbers, width: int) -> Texts:
    return np.char.zfill(numbers.astype(str), width)


def _names(who: Numbers) -> Texts:
    parts = [np.array(words)[who // step % len(words)] for words, step in ((SURNAMES, 1), (MIDDLES, 7), (GIVEN, 42))]
    return np.char.add(np.char.add(np.char.add(parts[0], " "), np.char.add(parts[1], " ")), parts[2])


def _citizen_ids(who: Numbers, born: Numbers) -> Texts:
    """Province 079, the digit of sex and century, the year, six more; people beyond a million go on in other provinces."""
    province = np.array(["079", "001", "048", "092"])[who // 10_000_000 % 4]
    serial = _digits(who // 50 % 1_000_000, 6)
    return np.char.add(np.char.add(province, (who % 2).astype(str)), np.char.add(_digits(born % 100, 2), serial))


def _codes(numbers: Numbers) -> Texts:
    """Our own tube codes: UP, eight digits and the ISO 7064 MOD 37,36 check character, for all numbers at once."""
    body = np.char.add("UP", _digits(numbers, 8))
    letters = np.frombuffer(np.char.encode(body, "ascii").tobytes(), dtype=np.uint8).reshape(len(body), -1).astype(np.int64)
    worth = np.where(letters <= ord("9"), letters - ord("0"), letters - ord("A") + 10)
    state = np.full(len(body), 18)
    for place in range(worth.shape[1]):
        state = (np.where(state == 0, 36, state) * 2 % 37 + worth[:, place]) % 36
    check = (1 - np.where(state == 0, 36, state) * 2 % 37) % 36
    return np.char.add(body, ALPHABET[check])
