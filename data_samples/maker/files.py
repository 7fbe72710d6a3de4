"""Files as teams and labs write them: Vietnamese or English headings, their dates and words, sometimes a byte-order mark."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

MANIFEST = {
    "tube_code": {"vi": "Mã ống", "en": "Tube code"},
    "collected_at": {"vi": "Thời gian lấy mẫu", "en": "Collected at"},
    "full_name": {"vi": "Họ và tên", "en": "Full name"},
    "birth_date": {"vi": "Ngày sinh", "en": "Birth date"},
    "sex": {"vi": "Giới tính", "en": "Sex"},
    "phone": {"vi": "Số điện thoại", "en": "Phone"},
    "citizen_id": {"vi": "Số CCCD", "en": "Citizen ID"},
    "address": {"vi": "Địa chỉ", "en": "Address"},
    "pool_size": {"vi": "Số người trong ống", "en": "Pool size"},
    "pooling_mode": {"vi": "Hình thức gộp", "en": "Pooling mode"},
    "specimen_code": {"vi": "Mã mẫu đơn", "en": "Specimen code"},
    "replaces_tube": {"vi": "Thay cho ống", "en": "Replaces tube"},
    "site_code": {"vi": "Mã điểm lấy mẫu", "en": "Site code"},
}
RESULTS = {
    "tube_code": {"vi": "Mã ống", "en": "Tube code"},
    "result": {"vi": "Kết quả", "en": "Result"},
    "status": {"vi": "Trạng thái", "en": "Status"},
    "tested_at": {"vi": "Thời gian xét nghiệm", "en": "Tested at"},
    "resulted_at": {"vi": "Thời gian trả kết quả", "en": "Resulted at"},
    "collected_at": {"vi": "Thời gian lấy mẫu", "en": "Collected at"},
    "reject_reason": {"vi": "Lý do từ chối", "en": "Reject reason"},
    "ct": {"vi": "Giá trị Ct", "en": "Ct"},
    "plate_code": {"vi": "Mã đĩa", "en": "Plate code"},
}
WORDS = {
    "detected": {"vi": "Dương tính", "en": "Detected"},
    "not_detected": {"vi": "Âm tính", "en": "Not detected"},
    "inconclusive": {"vi": "Nghi ngờ", "en": "Inconclusive"},
    "invalid": {"vi": "Không hợp lệ", "en": "Invalid"},
    "rejected": {"vi": "Từ chối", "en": "Rejected"},
}
REASONS = {
    "leaked": {"vi": "Rò rỉ", "en": "leaked"},
    "broken": {"vi": "Vỡ", "en": "broken"},
    "insufficient": {"vi": "Không đủ", "en": "insufficient"},
}
SEXES = {"M": {"vi": "Nam", "en": "M"}, "F": {"vi": "Nữ", "en": "F"}}
EXTRA = "extra_cell"
DATES = {"vi": "%d/%m/%Y", "en": "%Y-%m-%d"}
MOMENTS = {"vi": "%d/%m/%Y %H:%M", "en": "%Y-%m-%d %H:%M"}


@dataclass(frozen=True)
class Sheet:
    """How one sender writes one kind of file. `columns` are canonical, in the sender's order."""

    name: str
    kind: str  # manifest or results
    language: str  # vi or en
    columns: Sequence[str]
    delimiter: str = ","
    has_bom: bool = False

    def render(self, rows: Sequence[Mapping[str, str]]) -> bytes:
        """`rows` are canonical cells with ISO dates and canonical words; what is not one of these stays as planted."""
        headings = MANIFEST if self.kind == "manifest" else RESULTS
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator="\r\n")
        writer.writerow([headings[column][self.language] for column in self.columns])
        for row in rows:
            # A ragged row has one cell too many: EXTRA is no column of any sheet.
            writer.writerow([self._cell(column, row.get(column, "")) for column in self.columns] + ([row[EXTRA]] if EXTRA in row else []))
        return (b"\xef\xbb\xbf" if self.has_bom else b"") + text.getvalue().encode()

    def _cell(self, column: str, value: str) -> str:
        if column == "result" and value in WORDS:
            return WORDS[value][self.language]
        if column == "reject_reason" and value in REASONS:
            return REASONS[value][self.language]
        if column == "sex" and value in SEXES:
            return SEXES[value][self.language]
        if column in ("birth_date", "collected_at", "tested_at", "resulted_at") and value:
            return self._date(value)
        return value

    def _date(self, value: str) -> str:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        return moment.strftime((MOMENTS if "T" in value else DATES)[self.language])
