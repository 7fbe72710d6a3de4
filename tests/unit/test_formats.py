from __future__ import annotations

import csv
from pathlib import Path

import pytest

from pipeline.domain.columns import columns_of
from pipeline.domain.dates import to_iso
from pipeline.domain.words import Call, FileKind, RejectReason
from pipeline.errors import FormatError
from pipeline.formats import FormatProfile, load_format, load_formats
from pipeline.programme import SHIPPED, load_programme

ALL = {file.stem: load_format(file) for file in sorted((SHIPPED / "formats").glob("*.toml"))}
REAL = Path(__file__).parents[3] / "shared" / "data" / "floodlamp_cosp"
RESULTS = (SHIPPED / "formats" / "canonical_results.toml").read_text(encoding="utf-8")

VIETNAMESE_MANIFEST = [
    "STT",
    "Mã ống",
    "Ngày lấy mẫu",
    "Giờ lấy mẫu",
    "Họ và tên",
    "Ngày sinh",
    "Giới tính",
    "Số điện thoại",
    "Số CCCD",
    "Địa chỉ",
    "Số người",
    "Thay cho ống",
]
ENGLISH_MANIFEST = [
    "Tube code",
    "Collected at",
    "Full name",
    "Birth date",
    "Sex",
    "Phone",
    "Person code",
    "Pool size",
    "Pooling mode",
    "Specimen code",
    "Site code",
]
VIETNAMESE_RESULTS = ["Mã ống", "Kết quả", "Trạng thái", "Thời gian xét nghiệm", "Ngày trả kết quả", "Lý do từ chối", "Ct", "Mã đĩa"]
ENGLISH_RESULTS = ["Tube ID", "Result", "Status", "Test date", "Test time", "Collection date", "Rejection reason", "Ct value", "Plate"]
FLOODLAMP_MANIFEST = [
    "tube_id",
    "participant_id",
    "sponsor_id",
    "collection_date",
    "collection_time",
    "result_date",
    "result_time",
    "app_result",
    "final_result",
    "app_group",
    "final_group",
    "basic_correct_code",
    "result_correct_code",
    "correction_notes",
]
FLOODLAMP_RESULTS = [
    "tube_id",
    "collection_date",
    "collection_time",
    "sponsor_id",
    "pool_level_n",
    "app_result",
    "final_result",
    "result_date",
    "result_time",
    "result_correct_code",
    "correction_notes",
]


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (VIETNAMESE_MANIFEST, "canonical_manifest"),
        ([h.upper() for h in VIETNAMESE_MANIFEST], "canonical_manifest"),
        (["stt", "ma_ong", "ngay_lay_mau", "ho_va_ten"], "canonical_manifest"),
        (ENGLISH_MANIFEST, "canonical_manifest"),
        (list(columns_of(FileKind.MANIFEST)), "canonical_manifest"),
        (VIETNAMESE_RESULTS, "canonical_results"),
        (ENGLISH_RESULTS, "canonical_results"),
        (list(columns_of(FileKind.RESULTS)), "canonical_results"),
        (["tube_code", "result", "tested_at"], "canonical_results"),
        (FLOODLAMP_MANIFEST, "floodlamp_manifest"),
        (list(reversed(FLOODLAMP_RESULTS)), "floodlamp_results"),
        ([*FLOODLAMP_RESULTS, "retest_flag"], None),
        (["tube_code", "collected_at", "full_name", "result"], None),
        (["tube_code", "full_name"], None),
        (["a", "b"], None),
        ([], None),
    ],
)
def test_headings_are_of_one_shipped_format_or_none(headings: list[str], expected: str | None) -> None:
    found = [name for name, profile in ALL.items() if profile.recognises(headings)]
    assert found == ([expected] if expected else [])


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_dir(), reason="the real files of ../shared/data are not here")
def test_the_real_files_are_recognised_and_their_days_are_read() -> None:
    formats = load_formats(load_programme("floodlamp"))
    expected = {
        "floodlamp_COSP_2022w01_swabs-in-tubes.csv": (["floodlamp_manifest"], 2451, "collected_at", 0),
        "floodlamp_COSP_2022w01_tubes.csv": (["floodlamp_results"], 828, "tested_at", 29),
        "floodlamp_COSP_positive-pools.csv": ([], None, "", None),
    }
    for name, (profiles, count, column, empty) in expected.items():
        with (REAL / name).open(encoding="utf-8", newline="") as file:
            headings, *rows = csv.reader(file)
        found = [profile for profile in formats if profile.recognises(headings)]
        assert [profile.name for profile in found] == profiles
        for profile in found:
            places = profile.layout(headings).sources[column]
            cells = [" ".join(row[place] for place in places if row[place]) for row in rows]
            moments = [to_iso(cell, profile.date_rewrites) for cell in cells]
            assert len(rows) == count
            assert sum(moment == "" for moment in moments) == empty
            assert all(len(moment) in (0, 19) and moment[10:11] in ("", "T") for moment in moments)


def test_layout_of_a_vietnamese_manifest() -> None:
    layout = ALL["canonical_manifest"].layout([*VIETNAMESE_MANIFEST, "Cân nặng"])
    assert layout.sources["tube_code"] == (1,)
    assert layout.sources["collected_at"] == (2, 3)
    assert layout.sources["replaces_tube"] == (11,)
    assert "person_code" not in layout.sources
    assert layout.unknown == ("Cân nặng",)
    assert layout.doubled == ()


def test_a_day_alone_fills_the_column_that_day_and_time_would() -> None:
    assert ALL["canonical_manifest"].layout(["Mã ống", "Ngày lấy mẫu"]).sources["collected_at"] == (1,)


@pytest.mark.parametrize(
    "headings",
    [
        ["tube_code", "Tube Code", "collected_at"],
        ["tube_code", "Mã ống", "collected_at"],
        ["tube_code", "collected_at", "Cân nặng", "can nang"],
        ["tube_code", "Ngày lấy mẫu", "Giờ lấy mẫu", "collected_at"],
    ],
)
def test_doubled_headings_are_named(headings: list[str]) -> None:
    assert ALL["canonical_manifest"].layout(headings).doubled


def test_a_constant_only_stands_in_for_a_missing_heading() -> None:
    profile = ALL["canonical_results"]
    assert profile.layout(["tube_code", "result", "tested_at"]).constants == {"status": "F"}
    assert profile.layout(["tube_code", "result", "tested_at", "status"]).constants == {}


@pytest.mark.parametrize(
    ("word", "call"),
    [
        ("Âm tính", Call.NOT_DETECTED),
        ("AM TINH", Call.NOT_DETECTED),
        ("âm-tính", Call.NOT_DETECTED),
        ("Negative", Call.NOT_DETECTED),
        ("not_detected", Call.NOT_DETECTED),
        ("Not Detected", Call.NOT_DETECTED),
        ("Dương tính", Call.DETECTED),
        ("POSITIVE", Call.DETECTED),
        ("detected", Call.DETECTED),
        ("Không xác định", Call.INCONCLUSIVE),
        ("inconclusive", Call.INCONCLUSIVE),
        ("Presumptive positive", Call.INCONCLUSIVE),
        ("Invalid", Call.INVALID),
        ("rejected", Call.REJECTED),
        ("Từ chối", Call.REJECTED),
        ("", None),
        ("-", None),
        ("+", None),
        ("0", None),
        ("Null", None),
        ("NaN", None),
        ("N/A", None),
        ("Undetermined", None),
        ("nega", None),
        ("negative?", None),
        ("not detected / detected", None),
        ("Negativе", None),  # Cyrillic
        ("Ｎegative", None),
        ("Negative\u200b", None),
        ("Positive (weak)", None),
    ],
)
def test_F11_result_words(word: str, call: Call | None) -> None:
    assert ALL["canonical_results"].call_of(word) is call


def test_F11_null_is_no_result_word_of_floodlamp() -> None:
    profile = ALL["floodlamp_results"]
    assert [profile.call_of(word) for word in ("Negative", "Positive", "Null", "")] == [Call.NOT_DETECTED, Call.DETECTED, None, None]


def test_every_call_and_reject_reason_has_a_word() -> None:
    profile = ALL["canonical_results"]
    assert set(profile.words.values()) == set(Call)
    assert set(profile.reject_words.values()) == set(RejectReason)
    assert all(profile.call_of(call) is call for call in Call)
    assert all(profile.reject_reason_of(reason) is reason for reason in RejectReason)
    assert profile.reject_reason_of("Rò rỉ") is RejectReason.LEAKED
    assert profile.reject_reason_of("gone") is None


WRITTEN = {
    "hl7_oru_order": ("20220103023051", "2022-01-03T02:30:51"),
    "hl7_oru_specimen": ("20220103023051+0700", "2022-01-03T02:30:51+0700"),
    "reportstream_results": ("202201030230-0400", "2022-01-03T02:30-0400"),
    "quantstudio_text": ("2022-01-03T02:30:51+0700", "2022-01-03T02:30:51+0700"),
    "design_analysis_xlsx": ("2022-01-03T02:30:51+0700", "2022-01-03T02:30:51+0700"),
    "diomni_xlsx": ("2022-01-03T02:30:51+0700", "2022-01-03T02:30:51+0700"),
    "biorad_cfx": ("01/03/2022 02:30:51 UTC", "2022-01-03T02:30:51UTC"),
    "roche_taqman_rsf": ("2022/01/03 02:30:51", "2022-01-03T02:30:51"),
    "simplereport_results": ("1/3/2022 2:30", "2022-01-03T02:30"),
    "uk_lighthouse": ("2022-01-03 02:30:51 UTC", "2022-01-03T02:30:51UTC"),
}


@pytest.mark.parametrize("profile", ALL.values(), ids=ALL.keys())
def test_every_shipped_format_can_read_dates_of_its_kind(profile: FormatProfile) -> None:
    written, iso = WRITTEN.get(profile.name, ("2022-01-03 02:30:51", "2022-01-03T02:30:51"))
    assert to_iso(written, profile.date_rewrites) == iso


def test_a_laboratory_of_its_own_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "lab_17.toml").write_text(
        """
        name = "lab_17"
        kind = "results"
        required = ["Probe", "Ergebnis", "Datum"]
        allows_unknown = false
        dates = ["dd.mm.yyyy"]
        encoding = "latin-1"
        delimiters = [";"]
        [columns]
        tube_code = ["Probe"]
        result = ["Ergebnis"]
        tested_at = ["Datum"]
        [constants]
        status = "P"
        [words]
        not_detected = ["negativ"]
        """,
        encoding="utf-8",
    )
    profile = load_formats(load_programme("vietnam"), tmp_path)[-1]
    assert profile.name == "lab_17"
    assert profile.encoding == "iso8859-1"
    assert profile.recognises(["Probe", "Ergebnis", "Datum"])
    assert profile.call_of("Negativ") is Call.NOT_DETECTED
    assert profile.call_of("positiv") is None


def test_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert [profile.name for profile in load_formats(load_programme("vietnam"), tmp_path / "none")] == [
        "canonical_manifest",
        "canonical_results",
    ]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "canonical_results.toml").write_text(RESULTS, encoding="utf-8")
    with pytest.raises(FormatError, match=r"canonical_results.*two format files"):
        load_formats(load_programme("vietnam"), tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "canonical_results"', 'name = "other"', "name: must be the file's name"),
        ('kind = "results"', 'kind = "result"', "kind: must be one of"),
        ('required = ["tube_code", "result", "tested_at"]', "required = []", "required: must name"),
        ("allows_unknown = true", "allows_unknown = 1", "allows_unknown: must be true or false"),
        ("allows_unknown = true", "", "allows_unknown: is missing"),
        ("allows_unknown = true", "allows_unknown = true\nsniff = true", "sniff: is not a key"),
        ('plate_code = ["plate_code",', 'plate = ["plate_code",', "columns.plate: is no column of a results file"),
        ('plate_code = ["plate_code",', 'plate_code = ["tube_code",', "columns.plate_code: one of its headings already names tube_code"),
        ('plate_code = ["plate_code",', 'plate_code = ["",', "columns.plate_code: must be a list of texts"),
        ('status = "F"', 'status = "final"', "constants.status: must be one of"),
        ('[constants]\nstatus = "F"', '[constants]\nresult = "negative"', "constants.result: only"),
        ('"yyyy-mm-dd", ', '"yyyy-mm-dd", "mm/dd/yyyy", ', "dates: two patterns"),
        ('"yyyy-mm-dd", ', '"%Y", ', "dates: a pattern may hold"),
        ('detected = ["detected",', 'detected = ["negative",', "words.not_detected: has a word that already means detected"),
        ('detected = ["detected",', 'detected = ["-",', "words.detected: has a word without"),
        ('detected = ["detected",', 'maybe = ["detected",', "words.maybe: must be one of"),
        ('leaked = ["leak",', 'lost = ["leak",', "reject_words.lost: must be one of"),
        ('delimiters = [",", ";", "\\t"]', 'delimiters = ["::"]', "delimiters: must be some of"),
        ("allows_unknown = true", 'allows_unknown = true\nencoding = "tcvn9"', "encoding: is not"),
        (
            'tested_at = ["ngày xét nghiệm|test date|date tested", "giờ xét nghiệm|test time|time tested"]',
            'ct = ["a", "b"]',
            "joined.ct: must give",
        ),
        ('kind = "results"', 'kind = "manifest"', "is no column of a manifest file"),
    ],
)
def test_a_broken_format_names_file_key_and_rule(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in RESULTS
    path = tmp_path / "canonical_results.toml"
    path.write_text(RESULTS.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FormatError, match=r"canonical_results\.toml") as caught:
        load_format(path)
    assert message in caught.value.message


def test_a_manifest_has_no_result_words_and_needs_its_columns(tmp_path: Path) -> None:
    manifest = (SHIPPED / "formats" / "canonical_manifest.toml").read_text(encoding="utf-8")
    path = tmp_path / "canonical_manifest.toml"
    path.write_text(manifest + '\n[words]\ndetected = ["x"]\n', encoding="utf-8")
    with pytest.raises(FormatError, match="words: must be there for results, and for results only"):
        load_format(path)
    path.write_text("\n".join(line for line in manifest.splitlines() if not line.startswith("tube_code =")), encoding="utf-8")
    with pytest.raises(FormatError, match=r"columns\.tube_code: is missing"):
        load_format(path)
