"""Data Docs: what Great Expectations checked and found, a page for each judged batch and an index, for operators.

Our own rendering: Great Expectations' pages load bootstrap and jquery from other hosts and quote cells. Here are counts, codes and
receipt numbers only, and nothing is loaded. A batch judged again gives the same pages.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.domain.words import Verdict
from pipeline.durable import make_folder, write_file
from pipeline.quality.suites import Finding
from pipeline.quality.texts import reason_text

if TYPE_CHECKING:
    import pandas as pd

# Older pages stay in the folder; the index would grow without end.
INDEX_PAGES = 500
# No name that leads elsewhere, or that is too long for a folder.
_NAME = re.compile(r"[a-z_]{1,40}(-[a-z0-9]{1,20}){0,2}\.html")

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: .25rem } h2 { font-size: 1.1rem; margin-top: 2rem } p { color: #444c56 }
table { border-collapse: collapse; width: 100% } caption { text-align: left; padding: .25rem 0 }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #d0d7de; vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.good { color: #116329 } .held { color: #7d4e00; font-weight: 600 } .bad { color: #a40e26; font-weight: 600 }
"""
# By which a policy lets the pages' own style stand, and no other.
STYLE_HASH = f"'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
INDEX = "index.html"
_PAGE = """<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title><style>{style}</style></head>
<body><h1>{title}</h1>
{body}
</body></html>
"""
_TITLES = {
    "manifest_file": "Danh sách lấy mẫu / Manifests",
    "result_file": "Tệp kết quả / Result files",
    "manifest_rows": "Dòng danh sách đã nhận / Accepted manifest rows",
    "result_rows": "Dòng kết quả đã nhận / Accepted result rows",
}
_CLASSES = {Verdict.WAITING: "", Verdict.ACCEPTED: "good", Verdict.HELD: "held", Verdict.REFUSED: "bad"}
_VERDICTS = {
    Verdict.WAITING: "đang chờ / waiting",
    Verdict.ACCEPTED: "nhận / accepted",
    Verdict.HELD: "giữ lại / held",
    Verdict.REFUSED: "từ chối / refused",
}


def write_files_page(
    docs_dir: Path, suite: str, profiles: pd.DataFrame, findings: Sequence[Finding], verdicts: Mapping[int, tuple[Verdict, str]]
) -> None:
    """One batch of files: what each expectation found, then every file that is not accepted, with its reason."""
    counts = Counter(verdict for verdict, _ in verdicts.values())
    summary = {verdict.value: counts[verdict] for verdict in (Verdict.ACCEPTED, Verdict.HELD, Verdict.REFUSED)}
    rows = {int(number): (int(total), int(bad)) for number, total, bad in profiles[["receipt_no", "rows", "rejected"]].to_numpy()}
    lines = [
        (f"{number}", f"{rows[number][0]:,}", f"{rows[number][1]:,}", _mark(_VERDICTS[verdict], _CLASSES[verdict]), _reason(reason))
        for number, (verdict, reason) in sorted(verdicts.items())
        if verdict is not Verdict.ACCEPTED
    ]
    body = f"<p>{len(verdicts):,} tệp / files · " + " · ".join(f"{name} {count:,}" for name, count in summary.items()) + "</p>"
    body += _expectations(findings)
    if lines:
        heads = ("số nhận / receipt", "dòng / rows", "bị trả / rejected", "quyết định / verdict", "lý do / reason")
        body += _table("Tệp không được nhận ngay / Files not accepted", heads, lines, numbers=3)
    _write(docs_dir, suite, sorted(verdicts), summary, body)


def write_rows_page(docs_dir: Path, suite: str, sample: pd.DataFrame, findings: Sequence[Finding]) -> None:
    """One batch's sample of accepted rows: it must find nothing but warnings."""
    failed = sum(not one.success for one in findings)
    body = f"<p>{len(sample):,} dòng / rows · {len(findings):,} kỳ vọng / expectations</p>" + _expectations(findings)
    _write(docs_dir, suite, sorted({int(number) for number in sample["receipt_no"]}), {"rows": len(sample), "failed": failed}, body)


def _expectations(findings: Sequence[Finding]) -> str:
    lines = [
        (
            escape(one.meta.get("rule") or one.meta["reason"]),
            f"{escape(one.expectation)} ({escape(one.column)})" if one.column else escape(one.expectation),
            f"{one.checked:,}",
            f"{len(one.failing):,}",
            _mark("đạt / met", "good") if one.success else _mark("không đạt / not met", "bad"),
        )
        for one in findings
    ]
    heads = ("mã / code", "kỳ vọng / expectation", "đã xét / checked", "không đạt / failing", "")
    return _table("Kỳ vọng / Expectations", heads, lines, numbers=(2, 3))


def page(docs_dir: Path, name: str) -> bytes | None:
    """A page as it was written; None where there is none of that name."""
    if not _NAME.fullmatch(name):
        return None
    try:
        return (docs_dir / name).read_bytes()
    except FileNotFoundError:
        return None


def _write(docs_dir: Path, suite: str, receipts: Sequence[int], summary: Mapping[str, int], body: str) -> None:
    name = f"{suite}-{receipts[0]}-{receipts[-1]}" if receipts else f"{suite}-none"
    make_folder(docs_dir)
    title = f"{_TITLES[suite]} · {receipts[0]}-{receipts[-1]}" if receipts else _TITLES[suite]
    _write_page(docs_dir / f"{name}.html", title, f'<p><a href="index.html">← tất cả / all</a></p>{body}')
    note = {"suite": suite, "last_receipt": receipts[-1] if receipts else 0, "summary": dict(summary)}
    write_file(docs_dir / f"{name}.json", json.dumps(note).encode())
    _write_index(docs_dir)


def _write_index(docs_dir: Path) -> None:
    notes = [(json.loads(file.read_text(encoding="utf-8")), file.stem) for file in docs_dir.glob("*-*.json")]
    notes.sort(key=lambda note: (-note[0]["last_receipt"], note[1]))
    lines = [
        (
            f'<a href="{escape(stem)}.html">{escape(stem)}</a>',
            _TITLES[note["suite"]],
            " · ".join(f"{escape(name)} {count:,}" for name, count in note["summary"].items()),
        )
        for note, stem in notes[:INDEX_PAGES]
    ]
    heads = ("trang / page", "nội dung / what", "số đếm / counts")
    note = f"<p>{len(lines):,} trang gần nhất / latest pages. Chỉ số đếm, không có dữ liệu cá nhân. / Counts only, nobody's data.</p>"
    _write_page(docs_dir / INDEX, "Kiểm tra dữ liệu / Data Docs", note + _table("", heads, lines))


def _write_page(path: Path, title: str, body: str) -> None:
    write_file(path, _PAGE.format(title=escape(title), style=_STYLE, body=body).encode())


def _table(caption: str, heads: Sequence[str], lines: Sequence[Sequence[str]], numbers: int | tuple[int, ...] = ()) -> str:
    """Cells are HTML already. numbers: which columns are right-aligned, or how many of the first."""
    right = set(range(numbers)) if isinstance(numbers, int) else set(numbers)
    style = ['class="n"' if place in right else "" for place in range(len(heads))]
    top = "".join(f'<th scope="col" {kind}>{head}</th>' for head, kind in zip(heads, style, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td {kind}>{cell}</td>" for cell, kind in zip(line, style, strict=True)) + "</tr>\n" for line in lines
    )
    title = f"<h2>{caption}</h2>" if caption else ""
    return f"{title}<table><thead><tr>{top}</tr></thead><tbody>\n{body}</tbody></table>"


def _mark(text: str, kind: str) -> str:
    return f'<span class="{kind}">{text}</span>'


def _reason(code: str) -> str:
    return f"<code>{escape(code)}</code><br>{escape(reason_text(code, 'vi'))}<br>{escape(reason_text(code, 'en'))}"
