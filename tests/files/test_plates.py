"""Wells and targets: one call a tube, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from openpyxl import Workbook

from pipeline.domain.plate import Assay, Task, Tube, Unclear, Well, WordOf, tubes
from pipeline.domain.words import Call
from pipeline.formats import FormatProfile, load_format
from pipeline.intake.readers.wells import run_end
from pipeline.programme import SHIPPED
from tests.files.kit import DATA, ZONE, book, column, needs_data, outcome, saved

SHIPPED_TEXT = (SHIPPED / "formats/quantstudio_text.toml").read_text("utf-8")
ASSAY = Assay(
    targets=("n", "orf"),
    needed=2,
    cut_offs={"n": 38.0, "orf": 38.0, "rp": 36.0},
    internal="rp",
    tasks={"unknown": Task.SAMPLE, "ntc": Task.NEGATIVE, "pc": Task.POSITIVE},
    words={"presence": Call.DETECTED, "absence": Call.NOT_DETECTED},
    controls=frozenset({Task.NEGATIVE, Task.POSITIVE}),
)
NONE = "Undetermined"


def tube(code: str, n: str = NONE, orf: str = NONE, rp: str = "25.1", task: str = "UNKNOWN", word: str = "") -> list[Well]:
    return [Well(0, code, target, task, ct, word if target != "RP" else "") for target, ct in (("N", n), ("ORF", orf), ("RP", rp))]


NTC, PC = tube("ntc", rp=NONE, task="NTC"), tube("pc", "22", "23", task="PC")


def made(*groups: list[Well], assay: Assay = ASSAY) -> dict[str, Call | Unclear | None]:
    wells = [Well(number, one.sample, one.target, one.task, one.ct, one.word) for number, one in enumerate(chain(*groups), start=2)]
    return {one.code: one.call or one.unclear for one in tubes(wells, assay)}


@pytest.mark.parametrize(
    ("wells", "expected"),
    [
        (tube("T"), Call.NOT_DETECTED),
        (tube("T", "20", "21.5"), Call.DETECTED),
        (tube("T", "38", "38.0"), Call.DETECTED),
        (tube("T", "38.01", "38.5"), Call.NOT_DETECTED),
        (tube("T", "20"), Call.INCONCLUSIVE),
        (tube("T", rp=NONE), Call.INVALID),
        (tube("T", rp="36.1"), Call.INVALID),
        (tube("T", "20", "21", rp=NONE), Call.DETECTED),
        (tube("T", ""), Unclear.CALLS_DISAGREE),
        (tube("T", "2O.5"), Unclear.CALLS_DISAGREE),
        (tube("T", "1E2"), Unclear.CALLS_DISAGREE),
        (tube("T", rp=""), Unclear.CALLS_DISAGREE),
        (tube("T", "20", "21") + tube("T", "20", "21"), Call.DETECTED),
        (tube("T", "20", "21") + tube("T", "20"), Unclear.CALLS_DISAGREE),
        (tube("T")[1:], Unclear.WELLS_MISSING),
        (tube("T")[:2], Unclear.WELLS_MISSING),
        (tube("T", "20", "21", word="Presence"), Call.DETECTED),
        (tube("T", "20", "21", word="Absence"), Unclear.CALLS_DISAGREE),
        (tube("T", "20", "21", word="Unconfirmed"), Unclear.CALLS_DISAGREE),
        (tube("T", word="Presence"), Unclear.CALLS_DISAGREE),
        (tube("T", task="?"), Call.NOT_DETECTED),
        (tube("T") + tube("T")[:2], Unclear.WELLS_MISSING),
        (tube("T") + tube("T")[2:], Unclear.WELLS_MISSING),
    ],
)
def test_a_tube_s_wells_make_one_call_or_none(wells: list[Well], expected: Call | Unclear) -> None:
    assert made(NTC, PC, wells) == {"T": expected}


@pytest.mark.parametrize("word", ["Undetermined", "UNDETERMINED", "NaN", "n/a", "N/A", "No Ct"])
def test_each_word_for_no_cycle_is_one(word: str) -> None:
    assert made(NTC, PC, tube("T", word, word)) == {"T": Call.NOT_DETECTED}


def test_a_profile_says_of_what_the_instrument_s_word_is() -> None:
    assert {one.value for one in WordOf} == {"tube", "target"}


SAYS_EACH = replace(ASSAY, word_of=WordOf.TARGET)


def said(wells: list[Well], *words: str) -> list[Well]:
    return [replace(well, word=word) for well, word in zip(wells, words, strict=True)]


NTC_SAID, PC_SAID = said(NTC, "Absence", "Absence", "Absence"), said(PC, "Presence", "Presence", "Presence")


@pytest.mark.parametrize(
    ("wells", "expected"),
    [
        (said(tube("T", "20"), "Presence", "Absence", "Presence"), Call.INCONCLUSIVE),
        (said(tube("T", "20", "21"), "Presence", "Presence", "Presence"), Call.DETECTED),
        (said(tube("T", "20", "21", rp=NONE), "Presence", "Presence", "Absence"), Call.DETECTED),
        (said(tube("T", rp=NONE), "Absence", "Absence", "Absence"), Call.INVALID),
        (said(tube("T", "20", "21"), "Presence", "Absence", "Presence"), Unclear.CALLS_DISAGREE),
        (said(tube("T", "39"), "Presence", "Absence", "Presence"), Unclear.CALLS_DISAGREE),
        (said(tube("T"), "Absence", "Absence", "Absence"), Unclear.CALLS_DISAGREE),
        (said(tube("T"), "Absence", "", "Presence"), Unclear.CALLS_DISAGREE),
        (said(tube("T"), "Absence", "?", "Presence"), Unclear.CALLS_DISAGREE),
        (said(tube("T", "20", "21", rp="?"), "Presence", "Presence", "Presence"), Unclear.CALLS_DISAGREE),
        (said(tube("T", "20", "21", rp="?"), "Presence", "Presence", "Absence"), Unclear.CALLS_DISAGREE),
    ],
)
def test_an_instrument_that_speaks_of_each_target_must_say_of_each_what_its_cycles_say(wells: list[Well], expected: Call | Unclear) -> None:
    assert made(NTC_SAID, PC_SAID, wells, assay=SAYS_EACH) == {"T": expected}


@pytest.mark.parametrize("controls", [[NTC, PC_SAID], [said(NTC, "Presence", "Absence", "Absence"), PC_SAID], [NTC_SAID, PC]])
def test_a_control_that_the_instrument_calls_otherwise_leaves_the_plate_without_a_call(controls: list[list[Well]]) -> None:
    assert made(*controls, said(tube("T"), "Absence", "Absence", "Presence"), assay=SAYS_EACH) == {"T": Unclear.PLATE_FAILED}


def test_a_replicate_s_number_is_no_part_of_its_task_only_where_the_profile_says_so() -> None:
    plate = [tube("ntc", rp=NONE, task="NTC-1"), tube("pc", "22", "23", task="PC-02"), tube("T", task="Unknown-114")]
    assert made(*plate, assay=replace(ASSAY, numbered_tasks=True)) == {"T": Call.NOT_DETECTED}
    assert set(made(*plate).values()) == {Unclear.PLATE_FAILED}


def test_what_an_instrument_writes_for_no_ct_is_declared() -> None:
    wells = tube("T", "-1.00", "-1.00")
    assert made(NTC, PC, wells) == {"T": Unclear.CALLS_DISAGREE}
    assert made(NTC, PC, wells, assay=replace(ASSAY, no_ct=frozenset({"-1.00"}))) == {"T": Call.NOT_DETECTED}


@pytest.mark.parametrize(
    "controls",
    [
        [tube("ntc", "37.9", task="NTC"), PC],
        [tube("ntc", "", task="NTC"), PC],
        [NTC, tube("pc", task="PC")],
        [NTC, tube("pc", "39", "22", task="PC")],
        [NTC],
        [PC],
        [NTC[1:], PC],
        [NTC, PC[:1]],
        [],
    ],
)
def test_a_failed_or_missing_control_leaves_the_whole_plate_without_a_call(controls: list[list[Well]]) -> None:
    assert made(*controls, tube("T1"), tube("T2", "20", "20")) == {"T1": Unclear.PLATE_FAILED, "T2": Unclear.PLATE_FAILED}


def test_the_cycles_are_told_by_target() -> None:
    (one,) = tubes(NTC + PC + tube("T", "20", "21.5"), ASSAY)
    assert one == Tube(0, "T", Call.DETECTED, None, "N=20;ORF=21.5")


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("2010-10-01 01:44:54 AM EDT", "2010-10-01T01:44:54-0400"),
        ("2014-09-21 22:05:31 PM EDT", "2014-09-21T22:05:31-0400"),
        ("2001-12-31 09:09:19 PM EDT", "2001-12-31T21:09:19-0400"),
        ("2001-12-31 12:09:19 PM EDT", "2001-12-31T12:09:19-0400"),
        ("2001-12-31 12:09:19 AM EDT", "2001-12-31T00:09:19-0400"),
        ("2001-12-31 22:09:19 AM EDT", "2001-12-31 22:09:19 AM EDT"),
        ("2001-12-31 02:09:19 AM PST", "2001-12-31 02:09:19 AM PST"),
        ("2001-12-31 21:09:19 EDT", "2001-12-31T21:09:19-0400"),
        ("2001-12-31 09:09:19 PM", "2001-12-31 21:09:19"),
        ("7/8/2018 3:49:20 PM M/d/yyyy", "2018-07-08T15:49:20"),
        ("7/8/2018 12:49:20 AM M/d/yyyy", "2018-07-08T00:49:20"),
        ("08.07.2018 15:49:20 dd.MM.yyyy", "2018-07-08T15:49:20"),
        ("2018-07-08 15:49:20 yyyy-MM-dd", "2018-07-08T15:49:20"),
        ("7/8/2018 3:49:20 PM", "7/8/2018 15:49:20"),
        ("7/8/2018 3:49:20 PM M/M/yyyy", "7/8/2018T15:49:20"),
        ("", ""),
    ],
)
def test_F10_a_run_s_end_is_read_where_its_zone_is_known_and_only_so(written: str, iso: str) -> None:
    assert run_end(written, {"EDT": "-0400"}) == iso


def _for_the_example(folder: Path, internal_cut_off: float = 40.0, unconfirmed: str = "") -> FormatProfile:
    """The shipped profile with the targets of the instrument's own example."""
    text = SHIPPED_TEXT.replace('targets = ["N", "ORF1ab"]', 'targets = ["TGFb"]').replace("needed = 2", "needed = 1")
    text = text.replace('"RNase P"', '"IPC"').replace("internal_cut_off = 38.0", f"internal_cut_off = {internal_cut_off}")
    text = text.replace('controls = ["negative", "positive"]', 'controls = ["negative"]').replace("ICT = ", 'EDT = "-0400"\nICT = ')
    if unconfirmed:
        text = text.replace("[plate.zones]", f'{unconfirmed} = ["Unconfirmed"]\n[plate.zones]')
    file = folder / "quantstudio_text.toml"
    file.write_text(text, encoding="utf-8")
    return load_format(file, ZONE)


PRESENCE = "lab_exports/quantstudio_presence_absence_TSV.txt"


@needs_data
@pytest.mark.real_data
def test_F20_the_real_plate_s_word_and_cycles_must_agree(tmp_path: Path) -> None:
    """Its two samples stand in 12 and 10 wells each; the instrument says that the internal control failed in all of them."""
    data = (DATA / PRESENCE).read_bytes()
    found = outcome(data, "export.csv", (_for_the_example(tmp_path),))
    assert list(zip(column(found, "tube_code"), column(found, "call"), column(found, "problem"), strict=True)) == [
        ("(-)", "", "calls_disagree"),
        ("(+)", "detected", ""),
    ]
    assert set(column(found, "tested_at")) == {"2010-10-01T12:44:54"}
    found = outcome(data, "export.csv", (_for_the_example(tmp_path, 30.0, "invalid"),))
    assert column(found, "call") == ["invalid", "detected"]
    assert column(found, "problem") == ["", ""]
    assert Counter(part.partition("=")[0] for part in column(found, "ct")[1].split(";")) == {"TGFb": 24}


@needs_data
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("quantstudio_compCt_CRLF_TSV.txt", ["plate_failed", "plate_failed"]),
        ("viia7_compCt_utf8_float_well.txt", ["plate_failed"] * 16),
        ("quantstudio_missing_results_section.txt", "unknown_format"),
    ],
)
def test_F20_plates_without_controls_or_targets_give_no_result(tmp_path: Path, name: str, expected: list[str] | str) -> None:
    found = outcome((DATA / "lab_exports" / name).read_bytes(), "export.csv", (_for_the_example(tmp_path),))
    assert (found if isinstance(found, str) else column(found, "problem")) == expected


SMALL = [
    ["* Experiment Run End Time = 2026-11-12 14:00:00 PM ICT"],
    ["* Experiment Barcode = P7"],
    [],
    ["[Sample Setup]"],
    ["Well", "Well Position", "Sample Name", "Target Name", "Task"],
    *[
        [str(place), f"A{place}", name, target, task]
        for place, name, task in ((1, "NTC", "NTC"), (2, "TUBE01", "UNKNOWN"), (3, "TUBE02", "UNKNOWN"))
        for target in ("TGFb", "IPC")
    ],
    [],
    ["[Results]"],
    ["Well", "Well Position", "Omit", "Sample Name", "Target Name", "Task", "CT"],
    *[
        [str(place), f"A{place}", "false", name, target, task, ct]
        for place, name, task, cts in (
            (1, "NTC", "NTC", (NONE, NONE)),
            (2, "TUBE01", "UNKNOWN", ("21.5", "25.0")),
            (3, "TUBE02", "UNKNOWN", (NONE, "26.0")),
        )
        for target, ct in zip(("TGFb", "IPC"), cts, strict=True)
    ],
]
SMALL_TEXT = "".join("\t".join(row) + "\r\n" for row in SMALL)


def test_F05_a_plate_cut_at_any_byte_gives_no_call_since_its_setup_names_every_well(tmp_path: Path) -> None:
    profile = (_for_the_example(tmp_path),)
    whole = outcome(SMALL_TEXT.encode(), "a", profile)
    assert column(whole, "tube_code") == ["TUBE01", "TUBE02"]
    assert column(whole, "call") == ["detected", "not_detected"]
    assert column(whole, "tested_at") == ["2026-11-12T14:00:00"] * 2
    assert column(whole, "plate_code") == ["P7"] * 2
    for length in range(len(SMALL_TEXT) - 1):
        found = outcome(SMALL_TEXT[:length].encode(), "a", profile)
        if not isinstance(found, str):
            assert set(column(found, "problem")) == {"plate_failed"}, length


def test_an_omitted_well_leaves_its_tube_without_a_call(tmp_path: Path) -> None:
    text = SMALL_TEXT.replace("2\tA2\tfalse\tTUBE01\tIPC", "2\tA2\ttrue\tTUBE01\tIPC")
    assert column(outcome(text.encode(), "a", (_for_the_example(tmp_path),)), "problem") == ["wells_missing", ""]


def workbook(change: Callable[[Workbook], None] = lambda made: None) -> bytes:
    """The small plate as the instrument's XLS has it: a sheet for each section, the keys above each table."""
    head = [line[0].removeprefix("* ").split(" = ") for line in SMALL[:2]]
    results = SMALL.index(["[Results]"])
    made_book = book(*head, [], *SMALL[4 : results - 1], sheet="Sample Setup")
    sheet = made_book.create_sheet("Results")
    for row in (*head, [], *SMALL[results + 1 :]):
        sheet.append(row)
    change(made_book)
    return saved(made_book)


def test_the_same_plate_as_a_workbook_is_the_same(tmp_path: Path) -> None:
    found = outcome(workbook(), "a.xls", (_for_the_example(tmp_path),))
    columns = [column(found, name) for name in ("row_no", "call", "tested_at", "plate_code", "problem")]
    assert list(zip(*columns, strict=True)) == [
        (7, "detected", "2026-11-12T14:00:00", "P7", ""),
        (9, "not_detected", "2026-11-12T14:00:00", "P7", ""),
    ]


def test_a_key_above_the_table_is_no_heading_of_it_and_one_that_stands_twice_says_nothing(tmp_path: Path) -> None:
    def above(made_book: Workbook) -> None:
        sheet = made_book["Results"]
        sheet.insert_rows(1, 2)
        sheet["A1"], sheet["B1"], sheet["A2"], sheet["B2"] = "Sample Name", "TUBE99", "Experiment Barcode", "P8"

    found = outcome(workbook(above), "a.xls", (_for_the_example(tmp_path),))
    assert column(found, "tube_code") == ["TUBE01", "TUBE02"] and column(found, "plate_code") == ["", ""]


def test_F05_a_workbook_s_results_must_have_every_well_of_its_setup(tmp_path: Path) -> None:
    def lose(made_book: Workbook) -> None:
        made_book["Results"].delete_rows(10)

    assert column(outcome(workbook(lose), "a.xls", (_for_the_example(tmp_path),)), "problem") == ["plate_failed"] * 2


def test_F08_a_sample_that_is_a_number_in_the_workbook_goes_back(tmp_path: Path) -> None:
    def number(made_book: Workbook) -> None:
        for sheet, place in (("Sample Setup", 3), ("Results", 4)):
            for row in made_book[sheet].iter_rows():
                for cell in row[place - 1 : place]:
                    cell.value = 123456789012345 if cell.value == "TUBE01" else cell.value

    found = outcome(workbook(number), "a.xls", (_for_the_example(tmp_path),))
    assert column(found, "problem") == ["number_as_code:tube_code", ""]
