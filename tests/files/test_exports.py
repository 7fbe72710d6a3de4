"""What laboratories' machines and portals write, file by file: what is read of each, and what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.words import FileKind
from pipeline.errors import FileRefused
from pipeline.formats import FormatProfile, load_format
from pipeline.intake.readers import Reading, raw_rows, read
from pipeline.programme import SHIPPED
from tests.files.kit import DATA, ZONE, column, needs_data, outcome

PROFILES = {file.stem: load_format(file, ZONE) for file in sorted((SHIPPED / "formats").glob("*.toml"))}
EVERY = tuple(PROFILES.values())

# file → the refusal, or: profile, and of each row its number, problem, tube, call, status and time of testing.
Rows = tuple[str, list[tuple[int, str, str, str, str, str]]]
EXPORTS: dict[str, str | Rows] = {
    "lab_exports/uk_lighthouse_garbage_row.csv": (
        "uk_lighthouse",
        [
            (2, "", "14", "not_detected", "F", "2020-04-16T21:30:40"),
            (3, "", "15", "detected", "F", "2020-04-16T21:30:40"),
            (4, "ragged_row", "", "", "", ""),
        ],
    ),
    # One row, without a line end after it; the last column is nobody's, so nothing that is read can have been cut.
    "lab_exports/uk_lighthouse_randox_BOM_CRLF.csv": ("uk_lighthouse", [(2, "", "16", "detected", "F", "2020-04-16T21:30:40")]),
    "lab_exports/uk_lighthouse_whitespace_header.csv": (
        "uk_lighthouse",
        [(2, "", "3", "not_detected", "F", "2020-04-16T21:30:40"), (3, "", "4", "detected", "F", "2020-04-16T21:30:41")],
    ),
    "lab_exports/genexpert_utf8_fixture_openelis.csv": (
        "genexpert_csv",
        [(11, "", "SAMP-GX-001", "not_detected", "F", ""), (28, "other_test", "SAMP-GX-002", "", "F", "")],
    ),
    "submissions/openelis_genexpert-sarscov2_oru-r01.hl7": ("hl7_oru_order", [(5, "", "GX-ORDER-001", "not_detected", "F", "")]),
    "submissions/openelis_genexpert-sarscov2_export.csv": (
        "genexpert_csv",
        [(11, "", "SAMP-GX-001", "not_detected", "F", ""), (28, "other_test", "SAMP-GX-002", "", "F", "")],
    ),
    "submissions/openelis_malformed-results.csv": "unknown_format",
    "submissions/simplereport_people_invalid-and-missing.csv": "unknown_format",
    "submissions/simplereport_results_escaped-commas.csv": (
        "simplereport_results",
        [(row, "", "123", "detected", "F", "12/23/2021 14:00 PST") for row in (2, 3)],
    ),
    "submissions/simplereport_results_invalid-values.csv": ("simplereport_results", [(2, "ragged_row", "", "", "", "")]),
    "submissions/simplereport_results_valid-different-results.csv": (
        "simplereport_results",
        [
            (row, "", tube, call, "F", "2021-12-23T14:00")
            for row, tube, call in (
                (2, "123", "detected"),
                (3, "234", "not_detected"),
                (4, "345", "detected"),
                (5, "456", "not_detected"),
                (6, "567", "invalid"),
                (7, "678", "detected"),
            )
        ],
    ),
    "submissions/reportstream_submission-response_item-warnings.json": "unknown_format",
    # Its positive control failed, by its cycles and by the instrument's word. Its zone (EST) is not among those of the profile.
    "lab_exports/diomni_v4.3_presence_absence.xlsx": (
        "diomni_xlsx",
        [(row, "plate_failed", tube, "", "F", "2026-02-13 02:39:53 PM EST") for row, tube in ((30, "Sample001"), (32, "Sample002"))],
    ),
    # Two assays, no control, no time.
    "lab_exports/quantstudio_qs7_fixture_openelis.xls": (
        "quantstudio_ct_list",
        [(row, "plate_failed", f"SAMPLE-QS7-00{row - 1}", "", "F", "") for row in (2, 3)],
    ),
    # Its results are genotypes.
    "lab_exports/quantstudio_missing_results_section.txt": "unknown_format",
}

# Plates of no diagnostic assay: how many tubes, none with a call (test_plates.py and test_instruments.py read them by assays of their own).
PLATES = {
    "lab_exports/biorad_cfx_maestro_cq_results.csv": 12,
    "lab_exports/quantstudio_compCt_CRLF_TSV.txt": 2,
    "lab_exports/quantstudio_presence_absence_TSV.txt": 2,
    "lab_exports/viia7_compCt_utf8_float_well.txt": 16,
}


def told(found: Reading | str) -> Any:
    if isinstance(found, str):
        return found
    assert found.kind is FileKind.RESULTS
    columns = [column(found, name) for name in ("row_no", "problem", "tube_code", "call", "status", "tested_at")]
    return found.profile_name, list(zip(*columns, strict=True))


@needs_data
@pytest.mark.real_data
@pytest.mark.parametrize("name", EXPORTS)
def test_F20_every_export_ends_as_tabled(name: str) -> None:
    assert told(outcome((DATA / name).read_bytes(), "result.csv", EVERY)) == EXPORTS[name]


@needs_data
@pytest.mark.real_data
@pytest.mark.parametrize("name", PLATES)
def test_F20_a_plate_of_another_assay_gives_no_call(name: str) -> None:
    found = outcome((DATA / name).read_bytes(), "result.csv", EVERY)
    assert column(found, "problem") == ["plate_failed"] * PLATES[name]
    assert set(column(found, "call")) == {""}


@needs_data
@pytest.mark.real_data
def test_F20_no_export_is_left_out() -> None:
    there = {f"{folder}/{path.name}" for folder in ("lab_exports", "submissions") for path in (DATA / folder).iterdir()}
    assert there - EXPORTS.keys() - PLATES.keys() == {"submissions/reportstream_pdi-batch-20rows_mixed-status.csv"}


@needs_data
@pytest.mark.real_data
def test_F20_twenty_antigen_tests_are_none_of_the_programme_s() -> None:
    found = outcome((DATA / "submissions/reportstream_pdi-batch-20rows_mixed-status.csv").read_bytes(), "a.csv", EVERY)
    assert column(found, "problem") == ["other_test"] * 20
    assert sorted(column(found, "status")) == ["C"] * 11 + ["F"] * 8 + ["W"]


# File of results → rows without a problem, rows of another test, rows whose time could be read (PST is not). Lists of people are no results.
UPLOADS = {
    "all-fields": (1, 1, 2),
    "integration-expected-transform": (5, 0, 5),
    "integration": (4, 0, 4),
    "invalid-deviceModel_testPerformedCode": (1, 0, 1),
    "invalid-specimen-name": (1, 0, 1),
    "invalid-values": (0, 0, 0),
    "valid-blank-dates": (1, 0, 1),
    "valid-chlamydia-only": (0, 1, 1),
    "valid-dates-no-timezone": (1, 0, 1),
    "valid-default-dates": (1, 0, 1),
    "valid-different-results": (6, 0, 6),
    "valid-flu-only": (0, 1, 1),
    "valid-gonorrhea-only": (0, 1, 1),
    "valid-hepatitisC-only": (0, 1, 1),
    "valid-hiv-only": (0, 1, 1),
    "valid-no-ordering-facility": (1, 0, 1),
    "valid-required-only": (1, 1, 2),
    "valid-rsv-only": (0, 1, 1),
    "valid-syph-only": (0, 1, 1),
    "valid-syphilis-only": (0, 1, 1),
    "valid-with-comments": (2, 0, 2),
    "valid-with-escaped-commas-expected-transform": (2, 0, 2),
    "valid-with-escaped-commas": (2, 0, 0),
    "valid-with-flu-results": (2, 1, 0),
    "valid-with-processingModeCode-D": (0, 1, 1),
    "valid-with-specimenType-loinc": (2, 0, 2),
    "valid-without-ordering-facility": (1, 0, 1),
    "valid": (1, 0, 1),
}


@needs_data
@pytest.mark.real_data
def test_F20_simplereport_s_own_tests_end_as_tabled() -> None:
    folder = DATA / "corpora/simplereport-csv"
    for path in folder.glob("patientBulkUpload/*.csv"):
        assert outcome(path.read_bytes(), path.name, EVERY) == "unknown_format"
    found = {}
    for path in folder.glob("testResultUpload/*.csv"):
        reading = outcome(path.read_bytes(), path.name, EVERY)
        problems = column(reading, "problem")
        timed = [time for time in column(reading, "tested_at") if time[:2] == "20" and time[4] == "-"]
        found[path.stem.removeprefix("test-results-upload-")] = (problems.count(""), problems.count("other_test"), len(timed))
    assert found == UPLOADS


MESSAGE = (
    "MSH|^~\\&|GX|LAB|UNPOOL|HCDC|20261112143000||ORU^R01^ORU_R01|1|P|2.5.1\r"
    "PID|1||X^^^L||NGUYỄN^AN\r"
    "OBR|1|ORD1|FIL1|94500-6^SARS-CoV-2 RNA^LN|||20261112080000\r"
    "OBX|1|CWE|94500-6^SARS-CoV-2 RNA^LN||260373001^Detected^SCT||||||F||||||||20261112140000+0700\r"
    "OBX|2|NM|94745-7^SARS-CoV-2 RNA Ct^LN||28.5|Ct|||||F\r"
    "SPM|1|TUBE\\T\\01^A||258500001^Swab^SCT\r"
)


def _message(*changes: tuple[str, str]) -> Reading | str:
    text = MESSAGE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return outcome(text.encode(), "a.txt", EVERY)


def test_a_message_is_a_row_with_its_specimen_time_and_ct() -> None:
    found = _message()
    assert told(found) == ("hl7_oru_specimen", [(4, "", "TUBE&01", "detected", "F", "2026-11-12T14:00:00")])
    assert column(found, "ct") == ["28.5"]
    assert told(outcome(MESSAGE.replace("\r", "\r\n").encode("utf-8-sig"), "b.csv", EVERY)) == told(found)
    assert told(outcome(b"\xff\xfe" + MESSAGE.encode("utf-16-le"), "b.csv", EVERY)) == told(found)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("|P|2.5.1", "|T|2.5.1", [(4, "other_test")]),
        ("|P|2.5.1", "|P|2.3", [(4, "other_test")]),
        ("CWE|94500-6", "CWE|94558-4", [(4, "other_test")]),
        ("^LN||260373001", "^LN||260373001~260415000", [(4, "")]),
        ("ORU^R01", "ADT^A01", "unknown_format"),
        ("MSH|^~\\&|GX", "MSH|", "unknown_format"),
        ("MSH|^~\\&|GX", "MSH", "unknown_format"),
        ("MSH|^~\\&|GX", "MSH|^~\rGX", "unknown_format"),
        ("SPM|1|TUBE", "SPM|1\rOBX|3|CE|94500-6^x^LN||260415000^n^SCT||||||F\rZZZ|", [(4, ""), (7, "")]),
    ],
)
def test_what_a_message_says_otherwise_is_no_result(old: str, new: str, expected: Any) -> None:
    found = _message((old, new))
    if isinstance(expected, str):
        assert found == expected
        return
    assert list(zip(column(found, "row_no"), column(found, "problem"), strict=True)) == expected
    if "~" in new:
        assert column(found, "call") == [""]


def test_an_order_without_a_coded_result_is_a_row_that_lacks_one() -> None:
    found = _message(("OBX|1|CWE", "OBX|1|ST"))
    assert told(found)[1] == [(3, "other_test", "TUBE&01", "", "", "")]


@pytest.mark.parametrize(
    ("written", "meant"), [("A\\T\\B", "A&B"), ("A\\F\\B", "A|B"), ("A\\E\\F\\E\\B", "A\\F\\B"), ("A\\H\\B", "A\\H\\B"), ("A\\E", "A\\E")]
)
def test_F09_escapes_are_read_once_from_left_to_right(written: str, meant: str) -> None:
    assert column(_message(("TUBE\\T\\01", written)), "tube_code") == [meant]


def test_two_orders_in_one_message_keep_their_specimens() -> None:
    second = MESSAGE.split("\r", 2)[2].replace("TUBE\\T\\01", "TUBE2").replace("260373001", "260415000")
    found = outcome((MESSAGE + second).encode(), "a", EVERY)
    assert [row[2:4] for row in told(found)[1]] == [("TUBE&01", "detected"), ("TUBE2", "not_detected")]


@pytest.mark.parametrize("name", ["hl7_oru_specimen", "genexpert_csv"])
def test_raw_rows_of_other_contents_are_given_under_their_own_names(name: str) -> None:
    data = MESSAGE.encode() if name.startswith("hl7") else BLOCK.encode()
    headings, rows = raw_rows(data, PROFILES[name], [4 if name.startswith("hl7") else 5])
    (cells,) = rows.values()
    told_as = dict(zip(headings, cells, strict=False))
    assert told_as["OBX-5.1" if name.startswith("hl7") else "Test Result"] in ("260373001", "SARS-CoV-2 POSITIVE")
    assert "NGUYỄN" not in str(cells)


BLOCK = (
    "GeneXpert Dx System Export File\nExport Date,2026-11-12\nExport Time,15:00:00\n\n"
    'RESULT TABLE\nSample ID,TUBE01\nAssay,Xpert Xpress SARS-CoV-2\nEnd Time,2026-11-12 14:00:00\nNotes,\nTest Result,"SARS-CoV-2 POSITIVE"\n'
)


def test_a_block_is_a_row() -> None:
    assert told(outcome(BLOCK.encode(), "a.xlsx", EVERY)) == ("genexpert_csv", [(5, "", "TUBE01", "detected", "F", "2026-11-12T14:00:00")])


@pytest.mark.parametrize(
    ("old", "new"),
    [("Notes,\n", "Sample ID,TUBE02\n"), ("Notes,\n", "Notes,a,b\n"), ('POSITIVE"\n', "POSITIVE"), ("TUBE01\n", "TUBE01,x\n")],
)
def test_F07_a_block_that_is_no_list_of_pairs_is_ragged(old: str, new: str) -> None:
    assert column(outcome(BLOCK.replace(old, new).encode(), "a", EVERY), "problem") == ["ragged_row"]


def _first(profile: FormatProfile, data: bytes) -> Reading:
    try:
        return read(data, "a", None, (profile,))
    except FileRefused as refused:
        raise AssertionError(refused.message) from None


def test_F10_a_time_with_an_offset_becomes_the_programme_s_and_one_without_a_zone_stays_unread() -> None:
    text = "Root Sample ID,RNA ID,Result,Date Tested,Lab ID\n{},x,Positive,{},L\n"
    for told_time, local in (("2026-11-12 20:00:00 UTC", "2026-11-13T03:00:00"), ("2026-11-12 20:00:00 +0900", "2026-11-12T18:00:00")):
        found = _first(PROFILES["uk_lighthouse"], text.format("T01", told_time).encode())
        assert column(found, "tested_at") == [local]
    assert column(_first(PROFILES["uk_lighthouse"], text.format("T01", "2026-11-12 20:00:00 CST").encode()), "tested_at") == [
        "2026-11-12 20:00:00 CST"
    ]
    without = load_format(Path(SHIPPED / "formats/uk_lighthouse.toml"))
    assert column(_first(without, text.format("T01", "2026-11-12 20:00:00 UTC").encode()), "tested_at") == ["2026-11-12T20:00:00UTC"]
