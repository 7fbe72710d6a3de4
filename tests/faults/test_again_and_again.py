"""C07, C08: a stage run twice, a batch done twice, a file sent twice: nothing changes and nobody is told again."""

from __future__ import annotations

import csv
import io
import unicodedata
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest

from pipeline.ledger import journal, receipts
from pipeline.ledger.receipts import Arrival
from pipeline.stages.decide import decide
from pipeline.stages.decide_batch import run_decide_batch
from pipeline.stages.house import House
from pipeline.stages.intake import intake
from pipeline.stages.intake_batch import run_intake_batch
from pipeline.stages.notify_due import notify_due
from pipeline.stages.rebuild import rebuild
from pipeline.stages.watch import watch
from tests.faults.conftest import Scene, Scenes, small_and_quick
from tests.faults.town import CALMS, DAY_2, FIRST_DAY, SECOND_DAY, drop
from tests.homes import Figures, Installation

STAGES = {"intake": intake, "decide": decide, "notify": notify_due, "watch": watch}


@pytest.fixture
def done(scenes: Scenes) -> tuple[Scene, Figures]:
    """Both days done."""
    scene = scenes()
    return scene, scene.run(*CALMS)


def test_C07_every_stage_run_again_changes_nothing(done: tuple[Scene, Figures]) -> None:
    scene, before = done

    def again(house: House) -> dict[str, bool]:
        return {name: stage(house, CALMS[-1]).is_anything for name, stage in STAGES.items()}

    assert scene.installation.do(again) == dict.fromkeys(STAGES, False)
    assert scene.installation.figures() == before
    assert scene.accepted()["requests"] == 7


def test_C07_every_batch_of_the_journal_done_again_changes_nothing(done: tuple[Scene, Figures]) -> None:
    """What a task cleared after its success does."""
    scene, before = done

    def again(house: House) -> int:
        with house.ledger.begin() as conn:
            batches = journal.all_done(conn)
        for batch in batches:
            (run_intake_batch if batch.kind == "intake" else run_decide_batch)(house, batch)
        return len(batches)

    assert scene.installation.do(again) == 4
    assert scene.run(*CALMS[-1:]) == before
    assert scene.accepted()["requests"] == 7


def test_C07_rebuilt_twice_it_is_the_same(done: tuple[Scene, Figures]) -> None:
    scene, before = done

    def again(house: House) -> set[str]:
        return {state for _ in range(2) for one in [rebuild(house, CALMS[-1])] for state in (one.before, one.after)}

    assert scene.installation.do(again) == {before.state_hash}
    assert scene.installation.figures() == before


@pytest.mark.parametrize("order", ["as_before", "the_last_first"])
def test_C08_the_same_files_under_other_names(done: tuple[Scene, Figures], tmp_path: Path, order: str) -> None:
    scene, before = done
    days = [FIRST_DAY, SECOND_DAY] if order == "as_before" else [SECOND_DAY, FIRST_DAY]
    for day in days:
        drop(scene.installation, day, tmp_path / "desk", rename="again_{}")
    after = scene.run(CALMS[-1] + timedelta(minutes=5))
    assert after.violations == []
    assert (after.state_hash, after.messages) == (before.state_hash, before.messages)
    assert (after.status["outcomes"], after.status["holds"]) == (before.status["outcomes"], before.status["holds"])
    assert scene.accepted()["requests"] == 7
    rows, once = after.status["rows"], before.status["rows"]
    assert rows["accepted"] == once["accepted"]
    assert (rows["received"], rows["rejected"]) == (2 * once["received"], 2 * once["rejected"])


Rows = list[list[str]]


def text(rows: Rows, encoding: str = "utf-8", **dialect: object) -> bytes:
    sink = io.StringIO()
    csv.writer(sink, **({"lineterminator": "\n"} | dialect)).writerows(rows)  # type: ignore[arg-type]
    return sink.getvalue().encode(encoding)


def workbook(rows: Rows) -> bytes:
    book, data = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(data)
    return data.getvalue()


def zipped(rows: Rows) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("again.csv", text(rows))
    return data.getvalue()


# What a sender's own programs make of one table: file name → its bytes.
SAVED_AGAIN: dict[str, Callable[[Rows], bytes]] = {
    "as_it_was.csv": text,
    "windows.csv": lambda rows: text(rows, lineterminator="\r\n"),
    "with_bom.csv": lambda rows: text(rows, "utf-8-sig"),
    "utf_16.csv": lambda rows: text(rows, "utf-16"),
    "quoted.csv": lambda rows: text(rows, quoting=csv.QUOTE_ALL),
    "semicolons.csv": lambda rows: text(rows, delimiter=";"),
    "tabs.tsv": lambda rows: text(rows, delimiter="\t"),
    "other_columns_first.csv": lambda rows: text([row[::-1] for row in rows]),
    "last_row_first.csv": lambda rows: text([rows[0], *rows[:0:-1]]),
    "capitals.csv": lambda rows: text([[name.upper() for name in rows[0]], *rows[1:]]),
    "blank_lines.csv": lambda rows: text([*rows, [], []]),
    "decomposed.csv": lambda rows: text([[unicodedata.normalize("NFD", cell) for cell in row] for row in rows]),
    "workbook.xlsx": workbook,
    "workbook_named.csv": workbook,
}


def test_C08_the_same_table_saved_in_every_way(
    done: tuple[Scene, Figures], tmp_path: Path, record_property: Callable[[str, int], None]
) -> None:
    """Each row is known, or comes back for the reason for which it came back at first; nobody is told. Of an archive nothing is read."""
    scene, before = done
    tables = [(sender, name, data) for day in (FIRST_DAY, SECOND_DAY) for sender, files in day.items() for name, data in files.items()]
    for sender, name, data in tables:
        rows = list(csv.reader(io.StringIO(data.decode())))
        ways = {f"{Path(name).stem}_{way}": saved(rows) for way, saved in SAVED_AGAIN.items()}
        drop(scene.installation, {sender: ways | {f"{Path(name).stem}.zip": zipped(rows)}}, tmp_path / "desk")

    def counted(house: House) -> dict[str, tuple[int, int, int]]:
        with house.ledger.begin() as conn:
            return {one.file_name: (one.rows_received, one.rows_accepted, one.rows_rejected) for one in receipts.listing(conn)}

    first = scene.installation.do(counted)
    after = scene.run(CALMS[-1] + timedelta(minutes=5))
    again = scene.installation.do(counted)
    for _, name, _ in tables:
        received, _, rejected = first[name]
        for way in SAVED_AGAIN:
            assert again[f"{Path(name).stem}_{way}"] == (received, 0, rejected), (name, way)
        assert again[f"{Path(name).stem}.zip"] == (0, 0, 0)
    assert (after.violations, after.state_hash, after.messages) == ([], before.state_hash, before.messages)
    assert scene.accepted()["requests"] == 7
    record_property("saved_again", len(tables) * len(SAVED_AGAIN))


def taken_in_and_decided(house: House) -> None:
    small_and_quick()
    intake(house, DAY_2)
    decide(house, DAY_2)


def test_C08_the_lab_first_and_the_team_later_is_the_same_day(
    warm: None, installation: Callable[..., Installation], tmp_path: Path
) -> None:
    hashes = set()
    for senders in (["TEAM1", "LAB1"], ["LAB1", "TEAM1"]):
        made = installation()
        for sender in senders:
            drop(made, {sender: FIRST_DAY[sender]}, tmp_path / "desk")
            made.do(taken_in_and_decided)
        found = made.figures()
        assert found.violations == []
        hashes.add(found.state_hash)
    assert len(hashes) == 1


def test_the_claim_number_makes_the_receipt_unique(first_day: Installation, tmp_path: Path) -> None:
    """Recorded twice for one claim, as after a crash between commit and removal, a file has one receipt."""
    copy = first_day.copy(tmp_path / "copy")
    try:

        def twice(house: House) -> list[int]:
            with house.ledger.begin() as conn:
                for _ in range(2):
                    receipts.record(conn, [Arrival("one claim", "a.csv", "TEAM1", None, "0" * 64, 1)], DAY_2)
                return [one.receipt_no for one in receipts.listing(conn) if one.claim_id == "one claim"]

        assert len(copy.do(twice)) == 1
    finally:
        copy.drop()
