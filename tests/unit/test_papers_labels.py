"""Labels read back: the PDF is drawn by another engine than ours and decoded by a reader that knows nothing of what was printed."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest
import zxingcpp

from pipeline.domain.tube_codes import has_check
from pipeline.errors import ActionNeeded, SettingsError
from pipeline.papers.labels import SHEETS, labels, sheets, tube_codes

# What an office printer prints; dots an inch.
DPI = 300
KINDS = [zxingcpp.BarcodeFormat.Code128, zxingcpp.BarcodeFormat.QRCode]


def read_back(pdf: bytes) -> list[list[tuple[str, str, int, int]]]:
    """Of each page: kind, text, left and top in millimetres of every code that a reader finds."""
    pages = []
    for page in pypdfium2.PdfDocument(pdf):
        assert [round(side / 72 * 25.4) for side in page.get_size()] == [210, 297]
        codes = zxingcpp.read_barcodes(page.render(scale=DPI / 72).to_pil(), formats=KINDS)
        corners = [(one, one.position.top_left) for one in codes]
        pages.append([(one.format.name, one.text, round(at.x / DPI * 25.4), round(at.y / DPI * 25.4)) for one, at in corners])
    return pages


@pytest.mark.parametrize("name", sorted(sheets()))
def test_every_label_of_every_sheet_is_read_as_bars_and_as_qr(name: str) -> None:
    sheet = sheets()[name]
    codes = tube_codes("UP", 123_400, sheet.labels)
    (page,) = read_back(labels(codes, sheet))
    for kind in ("Code128", "QRCode"):
        assert sorted(text for each, text, *_ in page if each == kind) == sorted(codes)
    for number, code in enumerate(codes):
        left, bottom = sheet.place(number)
        for _, _, x, y in (one for one in page if one[1] == code):
            assert left <= x <= left + sheet.width and 297 - bottom - sheet.height <= y <= 297 - bottom, "on its own label"


def test_a_sheet_that_was_begun_is_gone_on_with() -> None:
    sheet = sheets()["a4_24"]
    first, second = read_back(labels(tube_codes("UP", 1, 4), sheet, skip=22))
    assert [sum(kind == "QRCode" for kind, *_ in page) for page in (first, second)] == [2, 2]
    assert min(y for _, _, _, y in first) > 240 and max(y for _, _, _, y in second) < 60


def test_codes_are_counted_up_and_end_in_their_check_character() -> None:
    codes = tube_codes("UP", 999_999, 2)
    assert [code[:-1] for code in codes] == ["UP999999", "UP1000000"]
    assert all(map(has_check, codes))


def test_the_same_codes_are_the_same_bytes_and_a_wrong_code_is_not_printed() -> None:
    sheet = sheets()["a4_40"]
    assert labels(tube_codes("UP", 1, 2), sheet) == labels(tube_codes("UP", 1, 2), sheet)
    with pytest.raises(ValueError, match="check character"):
        labels(["UP000001X"], sheet)


@pytest.mark.parametrize(("prefix", "first", "count"), [("", 1, 1), ("UP", 0, 1), ("UP", 1, 0), ("UP", 1, 1_001), ("UP", 10**9, 1)])
def test_what_cannot_be_printed_is_said(prefix: str, first: int, count: int) -> None:
    with pytest.raises(ActionNeeded):
        tube_codes(prefix, first, count)


@pytest.mark.parametrize(
    "change", [("width = 38.1", "width = 45"), ("rows = 13", "rows = 14"), ("qr = 9.5", ""), ("qr = 9.5", "qr = 9.5\nq = 1")]
)
def test_a_sheet_that_does_not_fit_is_refused_when_it_is_loaded(tmp_path: Path, change: tuple[str, str]) -> None:
    file = tmp_path / "sheets.toml"
    text = SHEETS.read_text()
    assert change[0] in text
    file.write_text(text.replace(*change))
    with pytest.raises(SettingsError, match=r"sheets\.toml"):
        sheets(file)
