"""A link as it is written into a text, and as it is found there again."""

from __future__ import annotations

import pytest

from pipeline.delivery.link import Link, link_in, links

TOKEN = "0123456789abcdef" * 2


@pytest.mark.parametrize("base", ["https://kq.example.vn/r", "kq.example.vn", "https://kq.example.vn:8443/a/r?x=1"])
@pytest.mark.parametrize("text", ["CDC: Da co ket qua. {} ", "({})", "{}", "xem:\n{}."])
def test_what_was_written_is_found(base: str, text: str) -> None:
    link = links(base, lambda _: TOKEN)("specimen")
    found = link_in(text.format(link))
    assert found is not None
    assert found.token == TOKEN
    assert found.whole.endswith(link)


def test_the_whole_link_is_what_stands_between_blanks() -> None:
    assert link_in(f"CDC: xem https://kq.example/r#{TOKEN}") == Link(f"https://kq.example/r#{TOKEN}", TOKEN)


@pytest.mark.parametrize(
    "body",
    ["", "no link", f"r/{TOKEN[:-1]}", f"r/{TOKEN}0", f"r/{TOKEN.upper()}", f"r {TOKEN}", f"r/{TOKEN} r#{TOKEN}"],
    ids=["empty", "none", "short", "long", "capitals", "no slash", "two"],
)
def test_what_is_no_link_of_ours(body: str) -> None:
    assert link_in(body) is None
