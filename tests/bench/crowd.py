"""A synthetic programme of any size as CSV files, quickly: people in pools of ten, with the defects that real programmes have."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import lcm
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
ROWS = 1_000
# People that are made at once.
CHUNK = 1_000_000
ABOUT = "crowd.json"
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
    """Where the files lie, and how many rows they hold. `as_of`: the local time to decide at."""

    manifests: list[Path]
    results: list[Path]
    people: int
    rows: int
    bytes: int
    as_of: datetime


def write_crowd(
    folder: Path, people: int, seed: int, *, manifest_rows: int = ROWS, result_rows: int = ROWS, collected: datetime = COLLECTED
) -> Crowd:
    """Write manifests of `manifest_rows` people and result files of `result_rows` tubes into `folder`, with a `crowd.json`.

    Byte for byte the same for one seed. A chunk of people at a time is in memory (about 2 KB a person); a file has people of one chunk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    manifests: list[Path] = []
    results: list[Path] = []
    rows = 0
    step = lcm(POOL, manifest_rows)
    chunk = max(step, CHUNK // step * step)
    for first in range(0, people, chunk):
        random = np.random.default_rng([seed, first])
        some = Chunk(first, min(chunk, people - first), manifest_rows, collected)
        manifest, positive = _manifest(random, some)
        result = _results(random, some, manifest, positive)
        manifests += _write(folder, "manifest", manifest, manifest_rows, len(manifests))
        results += _write(folder, "results", result, result_rows, len(results))
        rows += manifest.num_rows + result.num_rows
    size = sum(path.stat().st_size for path in manifests + results)
    crowd = Crowd(manifests, results, people, rows, size, collected + (AS_OF - COLLECTED))
    names = {"manifests": [path.name for path in manifests], "results": [path.name for path in results]}
    about = vars(crowd) | names | {"as_of": crowd.as_of.isoformat()}
    (folder / ABOUT).write_text(json.dumps(about))
    return crowd


def open_crowd(folder: Path) -> Crowd:
    """What `write_crowd` left in `folder`."""
    about = json.loads((folder / ABOUT).read_text())
    paths = {kind: [folder / name for name in about[kind]] for kind in ("manifests", "results")}
    return Crowd(**(about | paths | {"as_of": datetime.fromisoformat(about["as_of"])}))


@dataclass(frozen=True)
class Chunk:
    """`people` people from number `first` on: those that are made at once."""

    first: int
    people: int
    manifest_rows: int
    collected: datetime

    @property
    def tubes(self) -> int:
        return -(-self.people // POOL)

    def at(self, hours: int) -> str:
        return (self.collected + timedelta(hours=hours)).strftime("%Y-%m-%d %H:%M")


def _manifest(random: np.random.Generator, chunk: Chunk) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
    """The manifest rows, and which of their people carry the virus."""
    people, manifest_rows = chunk.people, chunk.manifest_rows
    tube = np.arange(people) // POOL
    who = chunk.first + np.arange(people)
    # One person in two tubes of one file: the row ten places on names the same person.
    twice = np.flatnonzero(random.random(people) < TWO_TUBES)
    twice = twice[(twice + POOL < people) & ((twice % manifest_rows) + POOL < manifest_rows)]
    who[twice + POOL] = who[twice]
    positive = (random.random(people) < PREVALENCE)[who - chunk.first]
    codes = _codes(chunk.first // POOL + np.arange(chunk.tubes) + 1)
    is_older = np.zeros(chunk.tubes, dtype=bool)
    again = np.flatnonzero(random.random(chunk.tubes) < LABELS_AGAIN)
    again = again[again > 0]
    codes[again], is_older[again] = codes[again - 1], True
    own = _codes(chunk.first + np.arange(people) + 10_000_000)
    is_kept = (tube // max(1, manifest_rows // POOL)) % 2 == 0
    born = 1950 + who % 50
    phone = np.char.add("0520", _digits(who % 1_000_000, 6))
    phone[random.random(people) < BAD_ROWS] = ""
    columns = {
        "tube_code": codes[tube],
        "collected_at": np.where(is_older[tube], chunk.at(-24), chunk.at(0)),
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


def _results(random: np.random.Generator, chunk: Chunk, manifest: pa.Table, positive: npt.NDArray[np.bool_]) -> pa.Table:
    """A row a tube, but for the tubes that never get one; some rows twice, some for tubes that nobody knows."""
    tubes = chunk.tubes
    is_positive = np.zeros(tubes, dtype=bool)
    np.logical_or.at(is_positive, np.arange(chunk.people) // POOL, positive)
    call = np.where(is_positive, "Detected", "Not detected").astype("<U16")
    call[random.random(tubes) < INVALID_ONCE] = "Invalid"
    code = manifest["tube_code"].to_numpy(zero_copy_only=False).astype(str)[::POOL]
    rows = np.flatnonzero(random.random(tubes) >= NEVER_RESULTED)
    rows = np.concatenate([rows, rows[random.random(len(rows)) < SENT_AGAIN]])
    strangers = _codes(chunk.first // POOL + np.arange(max(1, int(len(rows) * NO_MANIFEST))) + 90_000_000)
    calls = np.concatenate([call[rows], np.full(len(strangers), "Not detected")])
    ct = np.where(calls == "Detected", np.char.mod("%.1f", random.uniform(17, 36, len(calls))), "")
    columns = {
        "tube_code": np.concatenate([code[rows], strangers]),
        "result": calls,
        "tested_at": np.full(len(calls), chunk.at(9)),
        "ct": ct,
    }
    return pa.table({name: pa.array(cells) for name, cells in columns.items()})


def _write(folder: Path, kind: str, table: pa.Table, rows: int, files: int) -> list[Path]:
    """Files of `rows` rows each, numbered from `files` on."""
    paths = []
    for number, start in enumerate(range(0, table.num_rows, rows), files):
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
