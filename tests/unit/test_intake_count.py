"""The independent count of rows: equal to a strict parser's on sound text, an error where a mark could swallow rows."""

from __future__ import annotations

import pytest

from pipeline.intake.readers.count import QuotingBroken, count_rows


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b"", 0),
        (b"\n", 1),
        (b"a,b", 1),
        (b"a,b\n", 1),
        (b"a,b\r\nc,d\r\n", 2),
        (b"a,b\rc,d\r", 2),
        (b"a,b\r\nc,d\ne,f\rg,h", 4),
        (b"a\n\n\nb\n", 4),
        (b'"a\nb",c\n', 1),
        (b'"a\r\nb",c\r\nd,e\r\n', 2),
        (b'"",""\n"",x', 2),
        (b'"a ""b""\n",c\nd,e\n', 2),
        (b'"a"', 1),
        (b'""', 1),
        (b'12" tube,x\n13" tube,y\n', 2),
        (b'12" tube,x\n"a\nb",y\n', 2),
        (b'a, "b"\nc,d\n', 2),
    ],
)
def test_rows_are_counted(body: bytes, rows: int) -> None:
    assert count_rows(body, ",") == rows


@pytest.mark.parametrize(
    "body",
    [
        b'1,"Anna,negative\n2,Bert,positive\n3,Cid,negative\n4,"Dora",positive\n',
        b'1,"Anna,neg\n2,Bert,pos\n3,"Cid,neg\n',
        b'1,"Anna\n',
        b'"',
        b'1,"a"b\n',
        b'1,"a" \n',
        b'1,""a\n',
    ],
)
def test_F07_a_mark_that_could_swallow_rows_is_an_error(body: bytes) -> None:
    with pytest.raises(QuotingBroken):
        count_rows(body, ",")
