"""Reading a file: recognition, rows and their numbers, cells, and every refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.domain.words import FileKind
from pipeline.errors import FileRefused
from pipeline.formats import FormatProfile, load_format, load_formats
from pipeline.intake.readers import COUNTS_DIFFER, Reading, raw_rows, read, read_many
from pipeline.intake.readers.sheet import frame, headings, parse
from pipeline.programme import load_programme

DATA = Path(__file__).parents[3] / "shared" / "data"
FORMATS = load_formats(load_programme("vietnam"))
MANIFEST = "tube_code,collected_at,full_name,birth_date\n"
RESULTS = "tube_code,result,tested_at,ct\n"

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real files of ../shared/data are absent")


def _read(text: str | bytes, kind: FileKind | None = None, formats: tuple[FormatProfile, ...] = FORMATS) -> Reading:
    return read(text if isinstance(text, bytes) else text.encode(), "a.csv", kind, formats)


def _refusal(text: str | bytes, kind: FileKind | None = None, formats: tuple[FormatProfile, ...] = FORMATS) -> FileRefused:
    with pytest.raises(FileRefused, match=r"a\.csv") as refused:
        _read(text, kind, formats)
    return refused.value


def _column(reading: Reading, name: str) -> list[Any]:
    return list(reading.table[name].to_pylist())


def _profile(folder: Path, name: str, text: str) -> FormatProfile:
    (folder / f"{name}.toml").write_text(f'name = "{name}"\n{text}', encoding="utf-8")
    return load_format(folder / f"{name}.toml")


def test_a_manifest_in_canonical_columns() -> None:
    reading = _read(MANIFEST + "T1,2026-11-20 08:05, Đỗ  Ánh ,1/2/1990\nT1,2026-11-20T08:05,x,31/12/1990\n")
    assert (reading.kind, reading.profile_name, reading.rows) == (FileKind.MANIFEST, "canonical_manifest", 2)
    assert reading.table.schema.field("row_no").type == pa.int32()
    assert reading.table.column_names[:4] == ["row_no", "problem", "tube_code", "collected_at"]
    assert reading.table.slice(0, 1).to_pylist()[0] == {
        **dict.fromkeys(reading.table.column_names, ""),
        "row_no": 2,
        "tube_code": "T1",
        "collected_at": "2026-11-20T08:05",
        "full_name": "Đỗ  Ánh",
        "birth_date": "1990-02-01",
    }
    assert _column(reading, "birth_date") == ["1990-02-01", "1990-12-31"]


def test_results_in_canonical_columns_with_the_call_of_each_word() -> None:
    words = ["Positive", " ÂM TÍNH ", "not  detected", "Null", ""]
    reading = _read(RESULTS + "".join(f"T{n},{word},2026-11-20,23.1\n" for n, word in enumerate(words)))
    assert reading.kind is FileKind.RESULTS
    assert _column(reading, "call") == ["detected", "not_detected", "not_detected", "", ""]
    assert _column(reading, "result") == ["Positive", "ÂM TÍNH", "not  detected", "Null", ""]
    assert _column(reading, "status") == ["F"] * 5
    assert _column(reading, "ct") == ["23.1"] * 5
    assert reading.table.column_names.index("call") == reading.table.column_names.index("result") + 1


def test_a_status_column_is_read_and_never_filled() -> None:
    reading = _read("tube_code,result,tested_at,status\nT1,neg,2026-11-20,C\nT2,neg,2026-11-20,\n")
    assert _column(reading, "status") == ["C", ""]


def test_a_date_that_no_pattern_knows_stays_as_it_is() -> None:
    reading = _read(MANIFEST + "T1,20.11.2026,x,11/20/2026\nT1,yesterday,x,31/02/2026\n")
    assert _column(reading, "collected_at") == ["20.11.2026", "yesterday"]
    assert _column(reading, "birth_date") == ["2026-20-11", "2026-02-31"]


def test_a_day_and_a_time_in_two_columns_are_one_moment() -> None:
    reading = _read("mã ống;ngày lấy mẫu;giờ lấy mẫu\nT1;20/11/2026;8:05\nT2;20/11/2026;\n")
    assert _column(reading, "collected_at") == ["2026-11-20T08:05", "2026-11-20"]


def test_a_reject_reason_becomes_its_code_and_an_unknown_one_stays() -> None:
    reading = _read("tube_code,result,tested_at,reason\nT1,rejected,2026-11-20,Rò rỉ\nT2,rejected,2026-11-20,eaten\n")
    assert _column(reading, "reject_reason") == ["leaked", "eaten"]


def test_names_are_composed_and_odd_spaces_stripped() -> None:
    decomposed = "Nguye\u0302\u0303n"
    reading = _read(MANIFEST + f"\u00a0T1\u3000,2026-11-20, {decomposed}\t,\n")
    assert (_column(reading, "tube_code"), _column(reading, "full_name")) == (["T1"], ["Nguyễn"])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_F07_declared_delimiters_and_all_line_ends(delimiter: str, line_end: str) -> None:
    rows = (MANIFEST + "T1,2026-11-20,x,\nT2,2026-11-20,y,\n").replace(",", delimiter).replace("\n", line_end)
    assert _column(_read(rows), "row_no") == [2, 3]
    assert _column(_read(rows), "full_name") == ["x", "y"]


@pytest.mark.parametrize("line", ["sep=;\n", "sep=;\r\n", '"sep=;"\r\n', "\ufeffSEP=;\n"])
def test_a_separator_line_declares_the_delimiter_and_counts_as_no_row(line: str) -> None:
    reading = _read(line + (MANIFEST + "T1,2026-11-20,x,\n").replace(",", ";"))
    assert _column(reading, "row_no") == [2]


def test_a_separator_line_wins_over_what_profiles_declare() -> None:
    assert _column(_read("sep=|\n" + (MANIFEST + "T1,2026-11-20,x,\n").replace(",", "|")), "tube_code") == ["T1"]
    assert _refusal("sep=;\n" + MANIFEST + "T1,2026-11-20,x,\n").code == "unknown_format"


@pytest.mark.parametrize("delimiter", ["|", ", ;", ":"])
def test_F07_a_delimiter_that_nobody_declared_is_not_guessed(delimiter: str) -> None:
    assert _refusal((MANIFEST + "T1,2026-11-20,x,\n").replace(",", delimiter)).code == "unknown_format"


def test_row_numbers_are_those_of_a_spreadsheet() -> None:
    body = 'T1,2026-11-20,"two\nlines",\n\nT2,2026-11-20\nT3,2026-11-20,x,,\n,,,\n"T4",2026-11-20,y,""\r\n \nT5,2026-11-20,z,\n\n\n'
    reading = _read(MANIFEST + body)
    found = list(zip(_column(reading, "row_no"), _column(reading, "problem"), _column(reading, "tube_code"), strict=True))
    assert found == [(2, "", "T1"), (4, "ragged_row", ""), (5, "ragged_row", ""), (7, "", "T4"), (8, "ragged_row", ""), (9, "", "T5")]
    assert reading.rows == 6


def test_cells_with_line_breaks_and_ragged_rows_keep_their_numbers_in_a_large_file() -> None:
    rows = ['T1,2026-11-20,"two\nlines",', "T1,2026-11-20", "T1,2026-11-20,x,"] * 20_000
    reading = _read(MANIFEST + "\n".join(rows) + "\n")
    assert _column(reading, "row_no") == list(range(2, 60_002))
    assert _column(reading, "problem") == ["", "ragged_row", ""] * 20_000


def test_a_heading_with_a_line_break_is_one_row() -> None:
    reading = _read('"tube\ncode",collected_at,"note\n1"\nT1,2026-11-20,\n')
    assert (_column(reading, "row_no"), _column(reading, "tube_code")) == ([2], ["T1"])


def test_a_row_with_text_only_where_nobody_reads_is_still_counted() -> None:
    reading = _read("tube_code,collected_at,shoe size\nT1,2026-11-20,\n,,42\n,,\n")
    assert _column(reading, "row_no") == [2, 3]
    assert reading.unknown_headings == ("shoe size",)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (MANIFEST, "header_only"),
        (MANIFEST.strip(), "header_only"),
        (MANIFEST + "\n\n", "header_only"),
        (MANIFEST + ",,,\n , ,,\n", "header_only"),
        ("", "empty"),
        ("\n\n", "empty"),
    ],
)
def test_F03_empty_header_only_and_all_null_files_are_refused(text: str, code: str) -> None:
    assert _refusal(text).code == code


def test_a_heading_line_within_the_data_is_refused_and_its_row_named() -> None:
    refused = _refusal(MANIFEST + "T1,2026-11-20,x,\n" + MANIFEST + "T2,2026-11-20,y,\n")
    assert (refused.code, refused.fields["row"]) == ("doubled_header", 3)


@pytest.mark.parametrize("line", ["tube_code,collected_at,Tube Code", "tube_code,collected_at,mã ống", "tube_code,collected_at,note,note"])
def test_two_headings_for_one_thing_are_refused(line: str) -> None:
    assert _refusal(f"{line}\nT1,2026-11-20,T2{',' * (line.count(',') - 2)}\n").code == "doubled_header"


def test_a_file_sent_as_another_kind_is_refused_with_that_reason() -> None:
    refused = _refusal(MANIFEST + "T1,2026-11-20,x,\n", FileKind.RESULTS)
    assert refused.code == "unknown_format" and "sent as results" in refused.message
    assert "sent as" not in _refusal("a,b\n1,2\n", FileKind.RESULTS).message


def test_of_two_profiles_the_more_demanding_is_meant_and_of_equals_none(tmp_path: Path) -> None:
    text = 'kind = "manifest"\nrequired = {}\nallows_unknown = true\ndates = ["yyyy-mm-dd"]\ndelimiters = [","]\n[columns]\n'
    text += 'tube_code = ["tube"]\ncollected_at = ["day"]\nsite_code = ["site"]\n'
    one = _profile(tmp_path, "one", text.replace("{}", '["tube_code", "collected_at"]'))
    two = _profile(tmp_path, "two", text.replace("{}", '["tube_code", "site_code"]'))
    more = _profile(tmp_path, "more", text.replace("{}", '["tube_code", "collected_at", "site_code"]'))
    file = "tube,day,site\nT1,2026-11-20,S1\n"
    assert _read(file, formats=(one, two, more)).profile_name == "more"
    refused = _refusal(file, formats=(one, two))
    assert refused.code == "ambiguous_format" and "one, two" in refused.message


def test_F06_an_encoding_is_read_where_the_profile_declares_it(tmp_path: Path) -> None:
    text = 'kind = "manifest"\nrequired = ["tube_code"]\nallows_unknown = true\ndates = ["yyyy-mm-dd"]\ndelimiters = [","]\n'
    text += 'encoding = "cp1258"\n[columns]\ntube_code = ["tube"]\ncollected_at = ["day"]\nfull_name = ["name"]\n'
    profile = _profile(tmp_path, "old", text)
    file = "tube,day,name\nT1,2026-11-20,Nguyê\u0303n\n".encode("cp1258")
    assert _column(_read(file, formats=(*FORMATS, profile)), "full_name") == ["Nguyễn"]
    assert _refusal(file).code == "not_utf8"
    # Another profile's encoding is no licence for the rest.
    assert _refusal(file.replace(b"tube,day", b"tube_code,collected_at"), formats=(*FORMATS, profile)).code == "unknown_format"
    assert raw_rows(file, profile, {2})[1] == {2: ["T1", "2026-11-20", "Nguyê\u0303n"]}


@pytest.mark.parametrize(
    "body",
    ['T1,2026-11-20,"Anna,\nT2,2026-11-20,Bert,\n', 'T1,2026-11-20,"An"na,\n', 'T1,2026-11-20,"Anna,\nT2,2026-11-20,"Bert,\n'],
)
def test_F07_a_mark_that_could_swallow_rows_refuses_the_file(body: str) -> None:
    assert _refusal(MANIFEST + body).code == "quoting_broken"


def test_a_parser_that_loses_a_row_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.intake.readers.sheet.count_rows", lambda body, delimiter: 3)
    assert _refusal(MANIFEST + "T1,2026-11-20,x,\nT2,2026-11-20,y,\n").code == "row_counts_differ" in COUNTS_DIFFER


def test_a_row_of_a_megabyte_is_refused() -> None:
    assert _refusal(MANIFEST + f"T1,2026-11-20,{'x' * 2_000_000},\n").code == "too_large"


@pytest.mark.parametrize("last", ["T2,2026-11-20,y,1990-01-0", "T2,2026-11-20,y,", 'T2,2026-11-20,y,"1990-01-01"', "T2,2026"])
def test_F05_a_last_line_without_its_end_may_be_cut_and_is_sent_back(last: str) -> None:
    reading = _read(MANIFEST + "T1,2026-11-20,x,\n" + last)
    assert _column(reading, "problem") == ["", "ragged_row"]
    assert _column(reading, "row_no") == [2, 3]


def test_F05_a_last_line_without_its_end_is_whole_when_nobody_reads_its_last_cell() -> None:
    assert _column(_read("tube_code,collected_at,note\nT1,2026-11-20,all go"), "problem") == [""]


def test_many_keep_their_order_and_a_refusal_takes_its_files_place() -> None:
    good = (MANIFEST + "T{},2026-11-20,x,\n").encode()
    items = [(good.replace(b"{}", b"%d" % n) if n % 3 else b"", f"{n}.csv", None) for n in range(100)]
    for number, one in enumerate(read_many(items, FORMATS, threads=4)):
        if isinstance(one, FileRefused):
            assert number % 3 == 0 and one.fields["file"] == f"{number}.csv"
        else:
            assert _column(one, "tube_code") == [f"T{number}"]


def test_raw_rows_are_as_the_sender_wrote_them() -> None:
    text = 'sep=;\ntube_code;collected_at;full_name;note\nT1;2026-11-20; "x" ;a\n\nT2;2026-11-20;"y\n;z";b\nT3;c\nT4;;;\n'
    reading = _read(text)
    profile = next(one for one in FORMATS if one.name == reading.profile_name)
    names, rows = raw_rows(text.encode(), profile, [4, 5])
    assert names == ["tube_code", "collected_at", "full_name", "note"]
    assert rows == {4: ["T2", "2026-11-20", "y\n;z", "b"], 5: ["T3", "c"]}
    assert _column(reading, "problem") == ["", "", "ragged_row", ""]
    assert raw_rows(text.encode(), profile, [])[1] == {}


@needs_data
@pytest.mark.real_data
def test_the_real_week_is_read_whole() -> None:
    formats = load_formats(load_programme("floodlamp"))
    names = ("floodlamp_COSP_2022w01_swabs-in-tubes.csv", "floodlamp_COSP_2022w01_tubes.csv")
    items = [((DATA / "floodlamp_cosp" / name).read_bytes(), name, None) for name in names]
    manifest, results = read_many(items, formats)
    assert isinstance(manifest, Reading) and isinstance(results, Reading)
    assert (manifest.kind, manifest.rows, set(_column(manifest, "problem"))) == (FileKind.MANIFEST, 2_451, {""})
    assert (results.kind, results.rows, set(_column(results, "problem"))) == (FileKind.RESULTS, 828, {""})
    assert _column(results, "call").count("") == 30
    assert _column(manifest, "row_no") == list(range(2, 2_453))


@needs_data
@pytest.mark.real_data
@pytest.mark.parametrize("name", sorted(path.stem for path in (DATA / "corpora/csv-spectrum/csvs").glob("*.csv")) or ["absent"])
def test_F07_csv_spectrum_is_read_equal_to_its_json(name: str) -> None:
    # One file's JSON is a row without its list, with another phone number.
    data = (DATA / f"corpora/csv-spectrum/csvs/{name}.csv").read_bytes()
    expected = json.loads((DATA / f"corpora/csv-spectrum/json/{name}.json").read_text("utf-8").replace("1234567890", "2095257564"))
    at = frame(data)
    names = headings(at.heading, ",")
    sheet = parse(data[at.body_start :], name, ",", len(names), range(len(names)), last_is_read=False)
    columns = [sheet.cells[place].to_pylist() for place in range(len(names))]
    assert [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)] == (
        expected if isinstance(expected, list) else [expected]
    )


TRAPS = {
    "column-shift": {3: "ragged_row"},
    "header-twice": "doubled_header",
    "latin1-names": "not_utf8",
    "nul-bytes": "not_text",
    "ragged": {3: "ragged_row", 4: "ragged_row"},
    "truncated-last-row": {3: "ragged_row"},
    "unclosed-quote": "quoting_broken",
    "utf16": {},
    "same-id-conflict": {},
    "homoglyph-ids": {},
    "dimension-A1_1000rows": {},
    "dimension-half_1000rows": {},
    "dimension-onecol_1000rows": {},
    "bomb-150MiB-unpacked-3.2Mrows": "workbook_too_large",
    "rows-65536-plus": "not_text",
}


@needs_data
@pytest.mark.real_data
@pytest.mark.parametrize("name", TRAPS)
def test_F07_own_traps_end_as_tabled(tmp_path: Path, name: str) -> None:
    """The traps have no time of testing, so a profile of their own reads them: that is all it takes."""
    text = 'kind = "results"\nrequired = ["tube_code", "result"]\nallows_unknown = true\ndates = ["yyyy-mm-dd"]\ndelimiters = [","]\n'
    text += '[columns]\ntube_code = ["sample_id"]\nresult = ["result"]\ntested_at = ["tested"]\n'
    text += '[constants]\nstatus = "F"\n[words]\ndetected = ["positive"]\nnot_detected = ["negative", "neg"]\n'
    (path,) = (DATA / "corpora/own-traps").glob(f"{name}.*")
    expected = TRAPS[name]
    if isinstance(expected, str):
        assert _refusal(path.read_bytes(), formats=(_profile(tmp_path, "traps", text),)).code == expected
        return
    reading = _read(path.read_bytes(), formats=(_profile(tmp_path, "traps", text),))
    problems = zip(_column(reading, "row_no"), _column(reading, "problem"), strict=True)
    assert {row: problem for row, problem in problems if problem} == expected
