"""Instruments' exports of wells, each by its shipped profile with another assay put in: real files where there are some, else files made by hand
from what the profile says it was made from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl import Workbook

from pipeline.errors import FormatError, ProgrammeError
from pipeline.formats import FormatProfile, load_format, load_formats
from pipeline.intake.readers import raw_rows
from pipeline.programme import SHIPPED, load_programme
from tests.files.kit import DATA, ZONE, book, column, needs_data, outcome, saved

REAL = DATA / "lab_exports"


def assay(folder: Path, name: str, *changes: tuple[str, str]) -> tuple[FormatProfile]:
    """A shipped profile, changed as a laboratory would."""
    text = (SHIPPED / f"formats/{name}.toml").read_text("utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file = folder / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    return (load_format(file, ZONE),)


def told(data: bytes, profiles: tuple[FormatProfile, ...], *names: str) -> list[Any]:
    found = outcome(data, formats=profiles)
    return list(zip(*(column(found, name) for name in names or ("tube_code", "call", "problem")), strict=True))


# Bio-Rad CFX. Its real file has no controls and names no targets: two dyes, two wells a sample, all found.
TWO_DYES = (
    ('targets = ["FAM", "HEX"]', 'targets = ["FAM"]'),
    ("needed = 2", "needed = 1"),
    ('"Cy5"', '"VIC"'),
    ('["negative", "positive"]', "[]"),
)


@needs_data
@pytest.mark.real_data
def test_F20_a_real_cfx_file_is_called_by_its_dyes_cycles(tmp_path: Path) -> None:
    data = (REAL / "biorad_cfx_maestro_cq_results.csv").read_bytes()
    found = told(data, assay(tmp_path, "biorad_cfx", *TWO_DYES, ("\ncut_off = 38.0", "\ncut_off = 24.65")))
    assert len(found) == 12
    # Cycles of 24.62 and 24.68; 27.19 and 27.03.
    assert [row for row in found if row[1] != "detected"] == [("M3906 R Ctx", "", "calls_disagree"), ("M4354 R Ctx", "not_detected", "")]
    assert told(data, assay(tmp_path, "biorad_cfx", *TWO_DYES[:3])) == [(tube, "", "plate_failed") for tube, *_ in found]


CFX_HEADINGS = ",Well,Fluor,Target,Content,Sample,Biological Set Name,Cq,Cq Mean,Cq Std. Dev,Set Point,Well Note\r\n"
CFX_WELLS = {
    "A01": ("NTC-1", "", "NaN", "NaN", "NaN"),
    "A02": ("Pos Ctrl-1", "", "22.5", "23.1", "25"),
    "A03": ("Unkn-01", "TUBE01", "21.1877528266099", "22.5", "26.1"),
    "A04": ("Unkn-02", "TUBE02", "NaN", "NaN", "26.2"),
    "A05": ("Unkn-02", "TUBE02", "NaN", "NaN", "26.3"),
    "A06": ("Unkn-03", "TUBE03", "NaN", "36.2", "27"),
    "A07": ("Unkn-04", "TUBE04", "NaN", "NaN", "NaN"),
}
CFX_HEAD = "File Name,run.pcrd\r\nRun Started,11/12/2026 05:00:00 UTC\r\nRun Ended,11/12/2026 07:00:00 UTC\r\n\r\n"
CFX_ROWS = "".join(
    f",{well},{dye},,{content},{sample},,{cycles[place]},0,0,60,\r\n"
    for place, dye in enumerate(("FAM", "HEX", "Cy5"))
    for well, (content, sample, *cycles) in CFX_WELLS.items()
)
CFX = CFX_HEAD + CFX_HEADINGS + CFX_ROWS


def test_a_cfx_plate_has_its_controls_its_calls_and_its_time(tmp_path: Path) -> None:
    shipped = assay(tmp_path, "biorad_cfx")
    time = "2026-11-12T14:00:00"
    assert told(CFX.encode(), shipped, "row_no", "tube_code", "call", "tested_at", "problem") == [
        (8, "TUBE01", "detected", time, ""),
        (9, "TUBE02", "not_detected", time, ""),
        (11, "TUBE03", "inconclusive", time, ""),
        (12, "TUBE04", "invalid", time, ""),
    ]
    assert column(outcome(CFX.encode(), formats=shipped), "ct") == ["FAM=21.1877528266099;HEX=22.5", "", "HEX=36.2", ""]
    # Without the header of the run nobody says when.
    assert told((CFX_HEADINGS + CFX_ROWS).encode(), shipped, "tested_at") == [("",)] * 4
    as_book = saved(book(*[line.split(",") for line in (CFX_HEAD + CFX_HEADINGS + CFX_ROWS).splitlines()], sheet="0"))
    assert told(as_book, shipped) == told(CFX.encode(), shipped)


@pytest.mark.parametrize(
    ("old", "new", "problems"),
    [
        (",A01,FAM,,NTC-1,,,NaN", ",A01,FAM,,NTC-1,,,37.9", ["plate_failed"] * 4),
        (",A02,HEX,,Pos Ctrl-1,,,23.1", ",A02,HEX,,Pos Ctrl-1,,,NaN", ["plate_failed"] * 4),
        ("NTC-1", "Std-1", ["plate_failed"] * 5),
        (",A05,Cy5,,Unkn-02,TUBE02,,26.3", ",A05,Cy5,,Unkn-02,TUBE02,,NaN", ["", "calls_disagree", "", ""]),
        (",A03,FAM,,Unkn-01,TUBE01,,21.1877528266099", ',A03,FAM,,Unkn-01,TUBE01,,"21,2"', ["calls_disagree", "", "", ""]),
        (",A03,FAM,,Unkn-01,TUBE01,,21.1877528266099", ",A03,FAM,,Unkn-01,TUBE01,,", ["calls_disagree", "", "", ""]),
        (",A03,FAM,,Unkn-01,TUBE01,,21.1877528266099,0,0,60,\r\n", "", ["wells_missing", "", "", ""]),
        (",A03,FAM,,Unkn-01,TUBE01,,21.1877528266099", ",A03,FAM,,Unkn-01,TUBE01", ["plate_failed"] * 5),
        (",A03,FAM,,Unkn-01,TUBE01,,21.1877528266099", ",A03,FAM,,Unkn-01,TUBE01,,21.1,9", ["plate_failed"] * 5),
    ],
)
def test_P07_a_cfx_plate_that_is_not_clear_gives_no_call(tmp_path: Path, old: str, new: str, problems: list[str]) -> None:
    assert old in CFX
    found = outcome(CFX.replace(old, new).encode(), formats=assay(tmp_path, "biorad_cfx"))
    assert sorted(column(found, "problem")) == sorted(problems)
    assert all(call == "" for call, problem in zip(column(found, "call"), column(found, "problem"), strict=True) if problem)


# The cycles last: of the last tube's 39.5, which is none, a cut leaves 3.
CYCLES_LAST = "Well,Fluor,Content,Sample,Cq\r\n" + "".join(
    f"{well},{dye},{content},{sample},{'39.5' if (sample, dye) == ('TUBE04', 'Cy5') else cycles[place]}\r\n"
    for place, dye in enumerate(("FAM", "HEX", "Cy5"))
    for well, (content, sample, *cycles) in CFX_WELLS.items()
)


@pytest.mark.parametrize("plate", [CFX, CYCLES_LAST], ids=["whole export", "cycles last"])
def test_F05_a_cfx_plate_cut_at_any_byte_gives_no_call_that_the_whole_does_not(tmp_path: Path, plate: str) -> None:
    shipped = assay(tmp_path, "biorad_cfx")
    whole = {tube: call for tube, call, problem in told(plate.encode(), shipped) if not problem}
    assert whole["TUBE04"] == "invalid"
    called = 0
    for length in range(len(plate)):
        found = outcome(plate[:length].encode(), formats=shipped)
        if isinstance(found, str):
            continue
        for tube, call, problem in told(plate[:length].encode(), shipped):
            assert problem or whole.get(tube) == call, length
            called += not problem
    # The dyes stand one below the other, so that a cut file lacks a dye of the tubes behind the cut.
    assert called


def test_F07_two_plates_in_one_file_are_refused(tmp_path: Path) -> None:
    shipped = assay(tmp_path, "biorad_cfx")
    assert outcome((CFX + CFX_HEADINGS + CFX_ROWS).encode(), formats=shipped) == "doubled_header"


def test_raw_rows_of_a_text_of_wells_are_its_tubes(tmp_path: Path) -> None:
    (shipped,) = assay(tmp_path, "biorad_cfx")
    headings, rows = raw_rows(CFX.encode(), shipped, [9])
    assert dict(zip(headings, rows[9], strict=True))["tube"] == "TUBE02"


# Diomni. The positive control of the real file was not found.
GLOBIN = (
    ('targets = ["N", "ORF1ab"]', 'targets = ["T4"]'),
    ("needed = 2", "needed = 1"),
    ('"RNase P"', '"Globin"'),
    ('ICT = "+0700"', 'ICT = "+0700"\nEST = "-0500"'),
)
DIOMNI = REAL / "diomni_v4.3_presence_absence.xlsx"


def diomni(change: Callable[[Any], None]) -> bytes:
    """The real file with its control found, and `change` made to its sheet of calls."""
    made = openpyxl.load_workbook(DIOMNI)
    sheet = made["Target Call"]
    sheet["G37"], sheet["H37"] = "POSITIVE", "24.10"
    change(sheet)
    return saved(made)


@needs_data
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("change", "cut_off", "expected"),
    [
        (lambda sheet: None, 40, [("detected", ""), ("invalid", "")]),
        # 39.54 is not found by the kit's cut-off, and the instrument says POSITIVE.
        (lambda sheet: None, 38, [("", "calls_disagree"), ("invalid", "")]),
        (lambda sheet: sheet.__setitem__("G33", "POSITIVE"), 40, [("detected", ""), ("", "calls_disagree")]),
        (lambda sheet: sheet.__setitem__("G33", "INCONCLUSIVE"), 40, [("detected", ""), ("", "calls_disagree")]),
        (lambda sheet: sheet.__setitem__("G33", None), 40, [("detected", ""), ("", "calls_disagree")]),
        (lambda sheet: sheet.__setitem__("G37", "NEGATIVE"), 40, [("", "plate_failed")] * 2),
        (lambda sheet: sheet.__setitem__("H35", "30"), 40, [("", "plate_failed")] * 2),
        (lambda sheet: sheet.__setitem__("D35", "SOMETHING"), 40, [("", "plate_failed")] * 2),
        (lambda sheet: sheet.__setitem__("B31", "TRUE"), 40, [("", "wells_missing"), ("invalid", "")]),
        (lambda sheet: sheet.__setitem__("H31", 39.54), 40, [("detected", ""), ("invalid", "")]),
        (lambda sheet: sheet.__setitem__("C30", 79180001234), 40, [("", "wells_missing"), ("", "wells_missing"), ("invalid", "")]),
    ],
)
def test_F20_a_real_diomni_file_is_called_where_cycles_words_and_controls_agree(
    tmp_path: Path, change: Callable[[Any], None], cut_off: int, expected: list[tuple[str, str]]
) -> None:
    shipped = assay(tmp_path, "diomni_xlsx", *GLOBIN, ("\ncut_off = 38.0", f"\ncut_off = {cut_off}.0"))
    found = told(diomni(change), shipped, "call", "problem")
    found = [(call, problem.replace("number_as_code:tube_code", "wells_missing")) for call, problem in found]
    if expected == [("", "plate_failed")] * 2:
        assert set(found) == set(expected)
        return
    assert found == expected
    assert set(told(diomni(change), shipped, "tested_at", "plate_code")) == {("2026-02-14T02:39:53", "BARCODE1")}


# Design & Analysis 2, made by hand.
HEAD = [["File Name", "run.eds"], ["Barcode", "P9"], ["Run End Data/Time", "2026-11-12 02:00:00 PM ICT"], ["For Research Use Only"], []]
RESULTS = [
    "Well",
    "Well Position",
    "Omit",
    "Sample",
    "Target",
    "Task",
    "Reporter",
    "Quencher",
    "Amp Status",
    "Cq",
    "Cq Confidence",
    "Threshold",
]
CALLS = ["Well", "Well Position", "Omit", "Sample", "Target", "Reporter", "Call"]
UNDETERMINED = "UNDETERMINED"
DA_WELLS = [
    (1, "NTC", "NTC", (UNDETERMINED, UNDETERMINED, UNDETERMINED)),
    (2, "PC", "POSITIVE CONTROL", (22.5, 23, 25)),
    (3, "TUBE01", "UNKNOWN", (30.25, 31.5, 26)),
    (4, "TUBE02", "UNKNOWN", (UNDETERMINED, UNDETERMINED, 26.5)),
    (5, "TUBE03", "UNKNOWN", (UNDETERMINED, 33.1, 26.5)),
]


def design_analysis(change: Callable[[Workbook], None] = lambda made: None) -> bytes:
    wells = [
        (well, name, task, target, cq)
        for well, name, task, cycles in DA_WELLS
        for target, cq in zip(("N", "ORF1ab", "RNase P"), cycles, strict=True)
    ]
    rows = [
        [well, f"A{well}", "FALSE", name, target, task, "FAM", "NFQ-MGB", "AMP", cq, 0.97, 0.04] for well, name, task, target, cq in wells
    ]
    words = [
        [well, f"A{well}", "FALSE", name, target, "FAM", "Absence" if cq == UNDETERMINED else "Presence"]
        for well, name, _, target, cq in wells
    ]
    made = book(*HEAD, RESULTS, *rows, sheet="Results")
    calls = made.create_sheet("Target Call")
    for row in (*HEAD, CALLS, *words):
        calls.append(row)
    curves = made.create_sheet("Amplification Data")
    for row in (*HEAD, ["Well", "Cycle Number", "Target", "Rn", "dRn"], [1, 1, "N", 0.4, 0.1]):
        curves.append(row)
    change(made)
    return saved(made)


def _set(sheet: str, cell: str, value: Any) -> Callable[[Workbook], None]:
    return lambda made: made[sheet].__setitem__(cell, value)


def _without_calls(made: Workbook) -> None:
    del made["Target Call"]


def _twice(made: Workbook) -> None:
    made["Target Call"].append([3, "A3", "FALSE", "TUBE01", "N", "FAM", "Absence"])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda made: None, [("detected", ""), ("not_detected", ""), ("inconclusive", "")]),
        (_set("Target Call", "G13", "Absence"), [("", "calls_disagree"), ("not_detected", ""), ("inconclusive", "")]),
        (_set("Target Call", "D13", "else"), [("detected", ""), ("not_detected", ""), ("inconclusive", "")]),
        (_set("Target Call", "E13", "else"), [("", "calls_disagree"), ("not_detected", ""), ("inconclusive", "")]),
        (_twice, [("", "calls_disagree"), ("not_detected", ""), ("inconclusive", "")]),
        (_set("Target Call", "A6", "Brunnen"), [("", "plate_failed")] * 3),
        (_without_calls, [("", "plate_failed")] * 3),
        (_set("Results", "J10", UNDETERMINED), [("", "plate_failed")] * 3),
        # The negative control lacks one of the targets: it is somebody's tube now.
        (_set("Results", "F7", "UNKNOWN"), [("", "plate_failed")] * 4),
    ],
)
def test_a_design_and_analysis_workbook_is_called_where_both_its_sheets_agree(
    tmp_path: Path, change: Callable[[Workbook], None], expected: list[tuple[str, str]]
) -> None:
    shipped = assay(tmp_path, "design_analysis_xlsx")
    found = told(design_analysis(change), shipped, "call", "problem")
    assert found == expected
    assert set(told(design_analysis(change), shipped, "tested_at", "plate_code")) == {("2026-11-12T14:00:00", "P9")}


# QuantStudio 7's bare list, by the headings of the real one.
CT_LIST = [["Sample Name", "Assay", "CT", "Units"]] + [
    [name, target, ct, "Ct"]
    for name, cycles in (
        ("NTC", ("Undetermined", "Undetermined", "Undetermined")),
        ("PC", ("22.1", "22.9", "25.0")),
        ("TUBE01", ("27.12", "28.5", "26.0")),
    )
    for target, ct in zip(("N", "ORF1ab", "RNase P"), cycles, strict=True)
]


def test_a_list_of_cts_knows_its_controls_by_their_names(tmp_path: Path) -> None:
    shipped = assay(tmp_path, "quantstudio_ct_list")
    assert told(saved(book(*CT_LIST)), shipped) == [("TUBE01", "detected", "")]
    assert told(saved(book(*CT_LIST[:1], *CT_LIST[4:])), shipped) == [("TUBE01", "", "plate_failed")]
    timed = book(["Experiment Run End Time", "2026-11-12 14:00:00"], [], *CT_LIST)
    assert told(saved(timed), shipped, "call", "tested_at") == [("detected", "2026-11-12T14:00:00")]


# Abbott m2000, made by hand.
M2000_KEYS = [
    "SAMPLE LOCATION",
    "SAMPLE ID",
    "SAMPLE TYPE",
    "ASSAY NAME",
    "ASSAY VERSION",
    "RESULT",
    "INTERPRETATION",
    "FLAGS",
    "TARGET CYCLE NUMBER",
    "IC CYCLE NUMBER",
    "ERROR CODE/DESCRIPTION",
    "",
]
M2000_ROWS = [
    ["A1", "HIV_NEG", "Control", "KIT", "1.00", "Not detected", "", "", "-1.00", "20.72", "", ""],
    ["B1", "HIV_HIPOS", "Control", "KIT", "1.00", "88,734 Copies / mL", "", "", "15.91", "20.37", "", ""],
    ["C1", "TUBE01", "Patient", "KIT", "1.00", "< 40 Copies / mL", "Detected", "", "27.87", "22.01", "", ""],
    ["D1", "TUBE02", "Patient", "KIT", "1.00", "Not detected", "Target not detected", "", "-1.00", "20.63", "", ""],
    ["E1", "TUBE03", "Patient", "KIT", "1.00", "52 Copies / mL", "", "", "26.57", "20.67", "", ""],
    ["F1", "TUBE04", "Patient", "KIT", "1.00", "", "", "4442", "-1.00", "-1.00", "4442", ""],
]
M2000 = "".join(
    "\t".join(row) + "\r\n"
    for row in (
        ["FILE SIGNATURE", "0123456789abcdef"],
        [],
        ["PLATE NAME", "P1112"],
        ["RUN COMPLETION TIME", "11/12/2026 2:00:00 PM", "M/d/yyyy"],
        ["PLATE COMMENT", ""],
        [],
        M2000_KEYS,
        *M2000_ROWS,
    )
)
KIT = (("the name of your kit's assay", "KIT"),)


def test_an_m2000_row_has_its_target_and_its_control_beside_each_other(tmp_path: Path) -> None:
    found = told(
        M2000.encode("utf-8-sig"), assay(tmp_path, "abbott_m2000", *KIT), "row_no", "tube_code", "call", "tested_at", "plate_code", "ct"
    )
    time = "2026-11-12T14:00:00"
    assert found == [
        (10, "TUBE01", "detected", time, "P1112", "target=27.87"),
        (11, "TUBE02", "not_detected", time, "P1112", ""),
        (12, "TUBE03", "detected", time, "P1112", "target=26.57"),
        (13, "TUBE04", "invalid", time, "P1112", ""),
    ]
    # As shipped, it is of another test.
    shipped = outcome(M2000.encode(), formats=assay(tmp_path, "abbott_m2000"))
    assert column(shipped, "problem") == ["other_test"] * 6
    assert set(column(shipped, "call")) == {""}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("M/d/yyyy", "d/M/yyyy", ("2026-12-11T14:00:00", [""] * 4)),
        ("\tM/d/yyyy", "", ("11/12/2026 14:00:00", [""] * 4)),
        ("Target not detected\t\t-1.00", "Detected\t\t-1.00", (None, ["", "calls_disagree", "", ""])),
        ("Target not detected\t\t-1.00", "Unheard of\t\t-1.00", (None, ["", "calls_disagree", "", ""])),
        ("-1.00\t20.72", "30.1\t20.72", (None, ["plate_failed"] * 4)),
        ("15.91\t20.37", "-1.00\t20.37", (None, ["plate_failed"] * 4)),
        ("HIV_NEG", "HIV_ZERO", (None, ["plate_failed"] * 5)),
        ("TUBE03\tPatient\tKIT", "TUBE03\tPatient\tANOTHER", (None, ["", "", "other_test", ""])),
        ("HIV_NEG\tControl\tKIT", "HIV_NEG\tControl\tANOTHER", (None, ["other_test", *["plate_failed"] * 4])),
    ],
)
def test_P07_an_m2000_plate_that_is_not_clear_gives_no_call(
    tmp_path: Path, old: str, new: str, expected: tuple[str | None, list[str]]
) -> None:
    assert old in M2000
    found = outcome(M2000.replace(old, new).encode(), formats=assay(tmp_path, "abbott_m2000", *KIT))
    time, problems = expected
    assert column(found, "problem") == problems
    assert all(call == "" for call, problem in zip(column(found, "call"), column(found, "problem"), strict=True) if problem)
    if time is not None:
        assert set(column(found, "tested_at")) == {time}


# Roche .rsf, made by hand.
RSF_KEYS = [
    "Order Number",
    "Sample ID",
    "Sample Type",
    "Test",
    "Result",
    "Unit",
    "Flags",
    "Accepted Date/Time",
    "Detection Start Date/Time",
]
RSF_ROWS = [
    ["TUBE01", "TUBE01", "S", "KIT", "Target Not Detected", "", "", "2026/11/12 15:20:06", "2026/11/12 14:00:00"],
    ["TUBE02", "TUBE02", "S", "KIT", "Detected DBS", "", "", "2026/11/12 15:20:06", "2026/11/12 14:00:00"],
    ["TUBE03", "TUBE03", "S", "KIT", "7.95E+2 (2.90) ", "cp/mL", "", "2026/11/12 15:20:06", "2026/11/12 14:00:00"],
    ["HL", "HL", "C", "KIT", "Detected DBS", "", "", "2026/11/12 15:20:06", "2026/11/12 14:00:00"],
    ["TUBE04", "TUBE04", "S", "HI2CAP96", "Target Not Detected", "", "", "2026/11/12 15:20:06", "2026/11/12 14:00:00"],
]


def rsf(keep: int = len(RSF_KEYS), between: str = "\t") -> bytes:
    return "".join(between.join(f'"{cell}"' for cell in row[:keep]) + "\n" for row in (RSF_KEYS, *RSF_ROWS)).encode()


def test_an_rsf_has_samples_of_the_kit_s_test_and_controls_are_none(tmp_path: Path) -> None:
    kit = assay(tmp_path, "roche_taqman_rsf", ("the code of your kit's test", "KIT"))
    names = ("tube_code", "call", "problem", "tested_at", "resulted_at")
    moments = ("2026-11-12T14:00:00", "2026-11-12T15:20:06")
    expected = [
        ("TUBE01", "not_detected", "", *moments),
        ("TUBE02", "detected", "", *moments),
        ("TUBE03", "", "", *moments),
        ("HL", "detected", "other_test", *moments),
        ("TUBE04", "not_detected", "other_test", *moments),
    ]
    assert told(rsf(), kit, *names) == expected
    assert told(rsf(between=","), kit, *names) == expected
    assert told(rsf(keep=8), kit, "tested_at") == [("",)] * 5
    assert set(told(rsf(), assay(tmp_path, "roche_taqman_rsf"), "problem")) == {("other_test",)}


# The programme's cut-offs.
VIETNAM = (SHIPPED / "programmes/vietnam/programme.toml").read_text("utf-8")


def by_programme(folder: Path, lines: str) -> tuple[FormatProfile, ...]:
    home = folder / "formats"
    home.mkdir(exist_ok=True)
    (home / "biorad_cfx.toml").write_text((SHIPPED / "formats/biorad_cfx.toml").read_text("utf-8"), encoding="utf-8")
    file = folder / "programme.toml"
    file.write_text(f"{VIETNAM}\n{lines}\n", encoding="utf-8")
    return load_formats(load_programme(str(file)), home)


def test_a_programme_s_cut_off_wins_over_the_profile_s_for_the_targets_that_it_names(tmp_path: Path) -> None:
    without = told(CFX.encode(), by_programme(tmp_path, ""), "tube_code", "call")
    assert without == [("TUBE01", "detected"), ("TUBE02", "not_detected"), ("TUBE03", "inconclusive"), ("TUBE04", "invalid")]
    found = told(CFX.encode(), by_programme(tmp_path, "[cut_offs]\nhex = 36\nsomething_else = 20"), "tube_code", "call")
    assert found == [("TUBE01", "detected"), ("TUBE02", "not_detected"), ("TUBE03", "not_detected"), ("TUBE04", "invalid")]
    found = told(CFX.encode(), by_programme(tmp_path, "[cut_offs]\nCY5 = 26.15"), "tube_code", "call", "problem")
    assert found == [
        ("TUBE01", "detected", ""),
        ("TUBE02", "invalid", ""),
        ("TUBE03", "inconclusive", ""),
        ("TUBE04", "invalid", ""),
    ]


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ("[cut_offs]\nN = 0", "cut_offs.N"),
        ("[cut_offs]\nN = 46", "cut_offs.N"),
        ('[cut_offs]\nN = "38"', "cut_offs.N"),
        ("[cut_offs]\nN = true", "cut_offs.N"),
        ("[cut_offs]\nN = 38\nn = 37", "cut_offs.n"),
    ],
)
def test_a_cut_off_that_is_none_is_refused_by_its_key(tmp_path: Path, lines: str, key: str) -> None:
    with pytest.raises(ProgrammeError, match=rf"programme\.toml: {key}:"):
        by_programme(tmp_path, lines)


@pytest.mark.parametrize(
    ("name", "old", "new", "key"),
    [
        ("biorad_cfx", 'internal_control = "Cy5"', 'internal_control = "fam"', "plate.internal_control"),
        ("biorad_cfx", "needed = 2", "needed = 3", "plate.needed"),
        ("biorad_cfx", 'ct = ["cq"]', "", "plate.columns"),
        ("biorad_cfx", 'ct = ["cq"]', 'ct = ["cq"]\nword_of = ["x"]', "plate.columns"),
        ("diomni_xlsx", 'word_of = "target"', 'word_of = "plate"', "plate.word_of"),
        ("design_analysis_xlsx", 'word_of = "target"\n', "", "plate.word_sheet"),
        ("abbott_m2000", '"ic cycle number" = "IC"\n', "", "plate.wide"),
        ("abbott_m2000", '"ic cycle number" = "IC"\n', '"ic cycle number" = "another"\n', "plate.wide"),
        ("abbott_m2000", 'well = ["sample location"]', 'ct = ["result"]', "plate.columns"),
    ],
)
def test_a_plate_that_cannot_be_meant_is_refused_by_its_key(tmp_path: Path, name: str, old: str, new: str, key: str) -> None:
    with pytest.raises(FormatError, match=rf"{name}\.toml: {key}:"):
        assay(tmp_path, name, (old, new))


def test_every_shipped_profile_of_wells_has_its_file_here_or_with_the_plates() -> None:
    wells = {file.stem for file in (SHIPPED / "formats").glob("*.toml") if (load_format(file)).plate is not None}
    assert wells == {"biorad_cfx", "diomni_xlsx", "design_analysis_xlsx", "quantstudio_ct_list", "quantstudio_text", "abbott_m2000"}
