"""What bad input gets: a refusal in one sentence, or its rows back with their reasons. Nothing is dropped without being counted."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.domain.words import FileKind, Verdict
from pipeline.errors import FileRefused
from pipeline.formats import load_formats
from pipeline.intake.readers import read
from pipeline.ledger import receipts
from pipeline.ledger.receipts import Receipt
from pipeline.ledger.server import Server
from pipeline.programme import load_programme
from pipeline.quality.texts import reason_text
from pipeline.stages.house import House
from pipeline.stages.intake import intake
from pipeline.stages.returns import rejects_path
from pipeline.stages.verify import verify
from tests.homes import Installation, new_installation

NOW = datetime.fromisoformat("2026-11-12T18:00:00+07:00")
HEADINGS = "tube_code,collected_at,full_name,birth_date,phone"


def row(number: int, tube: str = "TUBE1", **changes: str) -> str:
    cells = {"tube": tube, "at": "2026-11-12 08:30", "name": f"Người Số {number}", "born": "1980-05-17", "phone": f"09120{number:05}"}
    return ",".join({**cells, **changes}.values())


def sheet(*rows: str, headings: str = HEADINGS) -> bytes:
    return "".join(f"{line}\n" for line in (headings, *rows)).encode()


GOOD = sheet(*(row(number, f"TUBE{number // 5}") for number in range(1, 21)))
# What arrives under which name, and the code of its refusal (texts/reasons.toml).
REFUSED: dict[str, tuple[bytes, str]] = {
    "picture.csv": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), "not_text"),
    "latin.csv": (GOOD.decode().encode("cp1258", errors="replace") + b"\xff\xfe\xc3", "not_utf8"),
    "empty.csv": (b"", "empty"),
    "blank.csv": (b"\n \n\n", "empty"),
    "heading_only.csv": (sheet(), "header_only"),
    "two_headings.csv": (sheet(HEADINGS, row(1)), "doubled_header"),
    "same_column_twice.csv": (sheet(f"{row(1)},0912345678", headings=f"{HEADINGS},mobile"), "doubled_header"),
    "of_somebody_else.csv": (b"when,what\n2026-11-12,rain\n", "unknown_format"),
    "workbook.xlsx": (b"PK\x03\x04" + b"\x14\x00\x06\x00" * 40, "workbook_damaged"),
    "old_workbook.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 500, "workbook_damaged"),
    "workbook_named_otherwise.csv": (b"PK\x03\x04" + b"\x14\x00\x06\x00" * 40, "workbook_damaged"),
    "open_quote.csv": (sheet(row(1), f'"{row(2)}'), "quoting_broken"),
    "all_rows_bad.csv": (sheet(row(1, tube=""), row(2, tube="")), "all_rows_rejected"),
}
# These have rows that were read, and so have to be counted.
WITH_ROWS = {"all_rows_bad.csv": 2}

# One row each that breaks one rule: rule → (row, column). In the file they stand from row 2 on, in this order.
BAD_ROWS: dict[str, tuple[str, str]] = {
    "missing_tube_code": (row(31, tube=""), "tube_code"),
    "bad_tube_code": (row(32, tube="A!"), "tube_code"),
    "missing_collected_at": (row(33, at=""), "collected_at"),
    "bad_collected_at": (row(34, at="yesterday"), "collected_at"),
    "future_collected_at": (row(35, at="2026-11-14 08:30"), "collected_at"),
    "missing_identity": (row(36, name=""), "full_name"),
    "bad_birth_date": (row(37, born="2027-01-01"), "birth_date"),
    # Of the row as a whole, not of a column.
    "ragged_row": ("TUBE9,2026-11-12 08:30,Người Số 39", "problem"),
}


@dataclass(frozen=True)
class Arrived:
    """What one intake made of files by name: their receipts, and the rejects files' rows."""

    receipts: dict[str, Receipt]
    rejects: dict[str, list[dict[str, str]]]
    violations: list[str]
    archived: set[str]


def arrive(house: House, files: dict[str, bytes], sender: str = "TEAM1") -> Arrived:
    """Put files into the inbox, sealed, and take them in."""
    folder = house.home.inbox / sender if sender else house.home.inbox
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o440)
    intake(house, NOW)
    with house.ledger.begin() as conn:
        found = {one.file_name: one for one in receipts.listing(conn) if one.file_name in files}
    rejects = {name: rejected_rows(rejects_path(house.home, one)) for name, one in found.items()}
    return Arrived(
        found, rejects, verify(house), {one.file_name for one in found.values() if house.archive.get(one.sha256) == files[one.file_name]}
    )


def rejected_rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def assert_balanced(one: Receipt) -> None:
    assert one.verdict is not Verdict.WAITING
    assert one.rows_received == one.rows_accepted + one.rows_duplicate + one.rows_rejected + one.rows_held


@pytest.fixture(scope="module")
def home(warm_judge: None, embedded: Server, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = new_installation(tmp_path_factory.mktemp("bad_files") / "home", embedded, ledger_template)
    yield made
    made.drop()


@pytest.fixture(scope="module")
def arrived(home: Installation) -> Arrived:
    """Every bad file at once, a good one and one with a bad row of each kind beside them: none spoils another's fate."""
    bad_rows = sheet(*(bad for bad, _ in BAD_ROWS.values()), *(row(number, "TUBE8") for number in range(41, 61)))
    files = {name: data for name, (data, _) in REFUSED.items()} | {"good.csv": GOOD, "some_rows_bad.csv": bad_rows}
    return home.do(lambda house: arrive(house, files))


def test_F03_a_bad_file_is_refused_and_stays_in_the_archive(arrived: Arrived) -> None:
    assert {name: one.reason for name, one in arrived.receipts.items() if one.verdict is Verdict.REFUSED} == {
        name: code for name, (_, code) in REFUSED.items()
    }
    assert arrived.archived == set(arrived.receipts)
    for name, (_, code) in REFUSED.items():
        assert arrived.receipts[name].rows_received == WITH_ROWS.get(name, 0)
        assert reason_text(code, "vi") != reason_text(code, "en")


@pytest.mark.parametrize("name", [name for name in REFUSED if name not in WITH_ROWS])
def test_F03_a_refusal_is_one_sentence_that_names_the_file_and_says_what_to_do(name: str) -> None:
    data, code = REFUSED[name]
    with pytest.raises(FileRefused) as refused:
        read(data, name, None, load_formats(load_programme("vietnam")))
    assert refused.value.code == code
    assert refused.value.message.startswith(name)
    assert re.fullmatch(r"[^\n]+: [^\n.]+\.", refused.value.message.removeprefix(name))


def test_a_good_file_beside_bad_ones_is_accepted_whole(arrived: Arrived) -> None:
    good = arrived.receipts["good.csv"]
    assert (good.verdict, good.rows_accepted, good.rows_received) == (Verdict.ACCEPTED, 20, 20)
    assert arrived.rejects["good.csv"] == []


def test_a_bad_row_comes_back_with_its_number_its_column_and_its_rule(arrived: Arrived) -> None:
    file = arrived.receipts["some_rows_bad.csv"]
    assert (file.verdict, file.rows_rejected, file.rows_accepted) == (Verdict.ACCEPTED, len(BAD_ROWS), 20)
    came_back = arrived.rejects["some_rows_bad.csv"]
    assert [(one["row"], one["column"]) for one in came_back] == [
        (str(place), column) for place, (_, column) in enumerate(BAD_ROWS.values(), 2)
    ]
    for rule, one, (bad, _) in zip(BAD_ROWS, came_back, BAD_ROWS.values(), strict=True):
        assert one["reason"].startswith(f"{rule}: {reason_text(rule, 'vi')} / {reason_text(rule, 'en')}")
        assert [one[heading] or "" for heading in HEADINGS.split(",")] == [*bad.split(","), "", ""][:5]


def test_I1_every_file_balances(arrived: Arrived) -> None:
    assert len(arrived.receipts) == len(REFUSED) + 2
    for one in arrived.receipts.values():
        assert_balanced(one)
    assert arrived.violations == []


def test_a_file_outside_a_sender_s_folder_is_refused_as_nobody_s(home: Installation) -> None:
    found = home.do(lambda house: arrive(house, {"whose.csv": GOOD}, sender=""))
    assert (found.receipts["whose.csv"].verdict, found.receipts["whose.csv"].reason) == (Verdict.REFUSED, "no_sender")
    assert found.archived == {"whose.csv"}


def test_a_mended_file_is_taken_though_it_was_refused_before(home: Installation) -> None:
    bad, good = sheet(), sheet(row(71, "TUBE71"))
    first = home.do(lambda house: arrive(house, {"mended.csv": bad}))
    second = home.do(lambda house: arrive(house, {"mended_2.csv": good}))
    assert (first.receipts["mended.csv"].verdict, second.receipts["mended_2.csv"].verdict) == (Verdict.REFUSED, Verdict.ACCEPTED)


SMALL = sheet(*(row(number, f"SMALL{number // 3}") for number in range(1, 8)))
PIECES = st.sampled_from(
    [b"", b",", b'"', b"\n", b"\r\n", b"\x00", b"\xff", b";", b"\t", "ộ".encode(), b"=1+1", b"2026-02-30", SMALL[:40], b"9" * 400]
)


@st.composite
def mutants(draw: Callable[..., Any]) -> bytes:
    """The small good manifest with one to four stretches of it replaced."""
    data = SMALL
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.integers(0, 30)))
        data = data[:start] + draw(st.one_of(PIECES, st.binary(max_size=6))) + data[stop:]
    return data


@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
@given(files=st.lists(mutants(), min_size=25, max_size=25, unique=True))
def test_F19_no_mutilation_crashes_intake_and_every_one_balances(home: Installation, files: list[bytes]) -> None:
    """100 mutilations, 25 a batch, all of the same people and tubes: each file on its own, and all against each other."""
    named = {f"{hashlib.sha256(data).hexdigest()[:12]}.csv": data for data in files}
    found = home.do(lambda house: arrive(house, named))
    assert set(found.receipts) == set(named) == found.archived
    for one in found.receipts.values():
        assert_balanced(one)
    assert found.violations == []


def test_a_manifest_sent_as_results_is_refused(home: Installation) -> None:
    def work(house: House) -> Receipt:
        folder = house.home.inbox / "TEAM1" / FileKind.RESULTS.value
        folder.mkdir(parents=True)
        (folder / "wrong_kind.csv").write_bytes(GOOD)
        (folder / "wrong_kind.csv").chmod(0o440)
        intake(house, NOW)
        with house.ledger.begin() as conn:
            return next(one for one in receipts.listing(conn) if one.file_name == "wrong_kind.csv")

    one = home.do(work)
    assert (one.verdict, one.reason, one.kind_hint) == (Verdict.REFUSED, "unknown_format", FileKind.RESULTS)
