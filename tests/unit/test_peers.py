"""The peers that the product is measured against do one job: the same counts from the same files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench.crowd import COLLECTED, write_crowd
from tests.bench.peers import job, pandas_gx, polars_peer, sqlite_peer

PEERS = {"pandas_gx": pandas_gx, "polars": polars_peer, "sqlite": sqlite_peer}
SEED = 24

TAKEN, TESTED = f"{COLLECTED:%Y-%m-%d %H:%M}", "2026-11-09 17:00"
PERSON = {
    "tube_code": "FOREIGN1", "collected_at": TAKEN, "full_name": "Trần Thị Anh", "birth_date": "1951-06-15", "sex": "F", "phone": "0520000001",
    "citizen_id": "079151000000", "pool_size": "1", "pooling_mode": "field", "specimen_code": "",
}  # fmt: skip
TEST = {"tube_code": "FOREIGN1", "result": "Not detected", "tested_at": TESTED, "ct": ""}


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crowd")
    write_crowd(folder, 5_000, SEED)
    return folder


@pytest.fixture(scope="module")
def counts(crowd: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return {name: peer.run(crowd, tmp_path_factory.mktemp(name), job.Clock()) for name, peer in PEERS.items()}


@pytest.mark.parametrize("peer", ["pandas_gx", "polars"])
def test_peers_count_the_same(peer: str, counts: dict[str, dict[str, Any]]) -> None:
    assert counts[peer] == counts["sqlite"]


def test_every_case_of_a_crowd_is_counted(counts: dict[str, dict[str, Any]]) -> None:
    found = counts["sqlite"]
    assert all(found.values())
    assert found["outcomes"].keys() == {"awaiting", "held", "not_detected", "recollect", "retest"}
    assert found["holds"].keys() == {"conflict", "incomplete", "overdue", "relabelled", "unmatched"}
    told = sum(people for outcome, people in found["outcomes"].items() if outcome not in ("awaiting", "held"))
    assert found["messages"] == told
    assert found["manifest_rows"] - found["rejected_rows"] == sum(found["outcomes"].values())


BAD_PEOPLE = [
    {"tube_code": ""},
    {"tube_code": "UP00000001Y"},
    {"tube_code": "F!1"},
    {"collected_at": ""},
    {"collected_at": "2026-02-31 08:00"},
    {"collected_at": "2026-11-12 08:00"},
    {"collected_at": "2026-10-01 08:00"},
    {"full_name": ""},
    {"birth_date": ""},
    {"phone": ""},
    {"birth_date": "1951-06-31"},
    {"birth_date": "1851", "citizen_id": ""},
    {"birth_date": "2026-11-10", "citizen_id": ""},
    {"citizen_id": "79151000000"},
    {"citizen_id": "079152000000"},
    {"citizen_id": "079051000000"},
    {"pool_size": "21"},
    {"pool_size": "5x6"},
    {"pooling_mode": "both"},
    {"pooling_mode": "lab"},
    {"specimen_code": "UP100000002"},
]
BAD_TESTS = [
    {"tube_code": "UP00000001Y"},
    {"result": "Negativ"},
    {"result": ""},
    {"result": "Rejected"},
    {"tested_at": "2026-11-31 08:00"},
    {"tested_at": "2026-11-12 08:00"},
    {"ct": "17,3"},
    {"ct": "41350"},
]


@pytest.mark.parametrize("peer", PEERS)
def test_each_bad_row_is_rejected_and_no_other(peer: str, tmp_path: Path) -> None:
    out = _files(
        tmp_path,
        [{}, *({"tube_code": f"OTHER{n}"} | row for n, row in enumerate(BAD_PEOPLE))],
        [{}, *BAD_TESTS, {"ct": "nan", "tube_code": "FOREIGN2"}],
    )
    counts = PEERS[peer].run(tmp_path, out, job.Clock())
    assert counts["rejected_rows"] == len(BAD_PEOPLE) + len(BAD_TESTS)
    assert counts["outcomes"] == {"not_detected": 1}
    assert counts["holds"] == {"unmatched": 1}


def _tube(code: str, *changes: dict[str, str], **same: str) -> list[dict[str, str]]:
    """People of one tube, told apart by their ids; `changes` of one person each."""
    return [
        {"tube_code": code, "pool_size": str(len(changes)), "citizen_id": f"079151{code[-2:]}{n:04}"} | same | one
        for n, one in enumerate(changes)
    ]


@pytest.mark.parametrize("peer", PEERS)
def test_cases_that_a_crowd_has_none_of(peer: str, tmp_path: Path) -> None:
    """As pipeline decides them: domain.md, sections 2 and 3."""
    me, late = {"citizen_id": "079151999999"}, "2026-11-09 18:00"
    people = [
        *_tube("SINGLE01", me),
        *_tube("NEGATIVE02", me, {}),
        *_tube("AGAIN03", {}, {}),
        *_tube("ONCE04", {}, {}),
        *_tube("DOUBT06", {"pooling_mode": "lab", "specimen_code": "KEPT1"}, {"pooling_mode": "lab", "specimen_code": "KEPT2"}),
        *_tube("aged-07", {}, {}),
        *_tube("AGED07", {}, {}, collected_at="2026-11-03 08:00"),
    ]  # fmt: skip
    tests = [
        {"tube_code": "SINGLE01", "result": "Detected"},
        {"tube_code": "NEGATIVE02"},
        {"tube_code": "AGAIN03", "result": "Invalid"},
        {"tube_code": "AGAIN03", "result": "Invalid", "tested_at": late},
        {"tube_code": "ONCE04", "result": "Invalid"},
        {"tube_code": "ONCE04", "result": "Not detected", "tested_at": late},
        {"tube_code": "DOUBT06", "result": "Inconclusive"},
        {"tube_code": "DOUBT06", "result": "Inconclusive"},
    ]
    counts = PEERS[peer].run(tmp_path, _files(tmp_path, people, tests), job.Clock())
    assert counts["rejected_rows"] == 0
    assert counts["outcomes"] == {"awaiting": 4, "detected": 1, "held": 2, "not_detected": 2, "recollect": 2, "retest": 2}
    assert counts["holds"] == {"contradiction": 1, "overdue": 2}
    assert counts["messages"] == 7


def test_a_peer_is_a_program_that_prints_its_figures_last(crowd: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.bench.peers.polars_peer", "--crowd", str(crowd), "--out", str(tmp_path / "new")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    figures = json.loads(printed.splitlines()[-1])
    assert list(figures) == ["seconds", "core_s", "steps", "counts"]
    assert list(figures["steps"]) == list(job.STEPS)
    assert figures["core_s"] < sum(figures["steps"].values()) <= figures["seconds"]
    assert (tmp_path / "new" / "messages.parquet").stat().st_size


def _files(folder: Path, people: list[dict[str, str]], tests: list[dict[str, str]]) -> Path:
    """A file of each kind, its rows told by how they differ from the ordinary; and the folder for what a peer keeps."""
    for kind, ordinary, rows in (("manifest", PERSON, people), ("results", TEST, tests)):
        with (folder / f"{kind}_000000.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ordinary)
            writer.writeheader()
            writer.writerows(ordinary | row for row in rows)
    out = folder / "out"
    out.mkdir()
    return out
