from __future__ import annotations

import unicodedata

import pytest

from pipeline.domain.names import fold_key, fold_name, nfc


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Nguyễn Thị Ánh", "nguyen thi anh"),
        ("ĐỖ  ĐỨC  Đạt", "do duc dat"),
        ("  Lê\u00a0Văn\tTám ", "le van tam"),
        ("O'Brien", "o'brien"),
        ("Ｎguyen", "ｎguyen"),  # full-width stays itself: folding never merges look-alikes
        ("", ""),
    ],
)
def test_fold_name(text: str, folded: str) -> None:
    assert fold_name(text) == folded


def test_F09_both_unicode_forms_of_a_name_are_one() -> None:
    composed = "Trần Thị Mỹ Hường"
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    assert nfc(decomposed) == composed
    assert fold_name(decomposed) == fold_name(composed) == "tran thi my huong"


@pytest.mark.parametrize(
    "heading", ["Mã ống", "MÃ ỐNG", "ma ong", "ma_ong", "  mã - ống ", "\ufeffMã__ống", unicodedata.normalize("NFD", "Mã ống")]
)
def test_headings_fold_to_one_key(heading: str) -> None:
    assert fold_key(heading) == "ma_ong"


def test_a_plus_or_minus_is_not_folded_away() -> None:
    assert fold_key("+") == "+"
    assert fold_key("-") == "_"
    assert fold_key("neg+") != fold_key("neg")
