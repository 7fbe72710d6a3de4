"""Small whole files of every kind, to be cut and spoilt."""

from __future__ import annotations

from pipeline.formats import FormatProfile
from pipeline.intake.readers import Reading
from tests.files.kit import FORMATS, column, outcome
from tests.files.test_exports import BLOCK, EVERY, MESSAGE, PROFILES
from tests.files.test_instruments import CFX
from tests.files.test_manifests import LISTED, POOLED, text
from tests.files.test_plates import SMALL_TEXT

ROWS = [["Mã ống", "Ngày lấy mẫu", "Họ và tên", "Năm sinh", "Số điện thoại"]] + [
    [f"TUBE{number:02}", "12/11/2026", f"Nguyễn Thị Số {number}", "1980", f"09123456{number:02}"] for number in range(4)
]
RESULTS = (
    b"tube_code,result,tested_at\nTUBE01,negative,2026-11-12 08:00\nTUBE123,positive,2026-11-12 09:00\nTUBE12,negative,2026-11-12 09:30\n"
)
TWO_BLOCKS = BLOCK + "\n" + BLOCK.split("\n\n")[1].replace("TUBE01", "TUBE02")
TWO_MESSAGES = MESSAGE + MESSAGE.split("\r", 2)[2].replace("TUBE\\T\\01", "TUBE2")
PLAIN = text(*ROWS)

# What is cut, and by which profiles it is read.
WHOLE: dict[str, tuple[bytes, tuple[FormatProfile, ...]]] = {
    "list": (PLAIN, FORMATS),
    "list_lf": (PLAIN.replace(b"\r\n", b"\n"), FORMATS),
    "list_cr": (PLAIN.replace(b"\r\n", b"\r"), FORMATS),
    "list_bom": (b"\xef\xbb\xbf" + PLAIN, FORMATS),
    "list_utf16": (b"\xff\xfe" + PLAIN.decode().encode("utf-16-le"), FORMATS),
    "list_utf16_be": (b"\xfe\xff" + PLAIN.decode().encode("utf-16-be"), FORMATS),
    "list_quoted": (PLAIN.replace(b",1980,", b',"1980",').replace(b",09", b',"09').replace(b"\r\n", b'"\r\n'), FORMATS),
    "list_semicolon": (b"sep=;\r\n" + PLAIN.replace(b",", b";"), FORMATS),
    "list_tab": (PLAIN.replace(b",", b"\t"), FORMATS),
    "list_titled": ("DANH SÁCH LẤY MẪU,,\r\n\r\n".encode() + PLAIN, FORMATS),
    "names_in_a_cell": (text(*LISTED), (POOLED,)),
    "results": (RESULTS, FORMATS),
    "blocks": (TWO_BLOCKS.encode(), (PROFILES["genexpert_csv"],)),
    "blocks_crlf": (TWO_BLOCKS.replace("\n", "\r\n").encode(), (PROFILES["genexpert_csv"],)),
    "messages": (TWO_MESSAGES.encode(), (PROFILES["hl7_oru_specimen"],)),
    "messages_lf": (TWO_MESSAGES.replace("\r", "\n").encode(), (PROFILES["hl7_oru_specimen"],)),
}
# With the programme's profiles beside each one's own; and plates, of which a cut leaves no row.
SEEDS: dict[str, tuple[bytes, tuple[FormatProfile, ...]]] = {
    name: (data, (*FORMATS, *profiles)) for name, (data, profiles) in WHOLE.items()
} | {"cfx": (CFX.encode(), EVERY), "quantstudio": (SMALL_TEXT.encode(), EVERY)}


def assert_read_or_refused(data: bytes, profiles: tuple[FormatProfile, ...]) -> None:
    """Anything else that is raised is a defect. Workbooks are read by a child, and not tried here."""
    if data.startswith((b"PK", b"\xd0\xcf")):
        return
    found = outcome(data, formats=profiles)
    if isinstance(found, Reading):
        numbers = column(found, "row_no")
        assert found.rows == len(numbers) == len(set(numbers)) > 0, data
        assert found.table["tube_code"].null_count == 0, data
