"""Plots: what is known is drawn to scale, what is unknown is a gap, and nothing in them needs a looser CSP."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from pipeline.web.plots import HEIGHT, WIDTH, Series, Words, bars, lines

DAY = date(2026, 11, 1)
WORDS = Words("a", "Arrivals", lambda value: f"{value:g}", "{name}: {days} days, {least} to {most}, last {last}.", "nothing known")
SVG = "{http://www.w3.org/2000/svg}"


def days(number: int) -> list[date]:
    return [DAY + timedelta(days=one) for one in range(number)]


def parts(drawn: str, name: str) -> list[dict[str, str]]:
    return [dict(one.attrib) for one in ElementTree.fromstring(drawn).iter(f"{SVG}{name}")]


def test_bars_are_as_high_as_their_values_and_an_unknown_day_has_none() -> None:
    rects = parts(bars(WORDS, days(4), [Series("x", [10, 5, None, 0])]), "rect")
    heights = [float(one["height"]) for one in rects]
    assert len(heights) == 3 and heights[0] == pytest.approx(2 * heights[1], abs=0.2) and heights[2] == 0


def test_a_line_breaks_where_a_day_is_unknown_or_missing() -> None:
    shown = [DAY, DAY + timedelta(days=1), DAY + timedelta(days=3), DAY + timedelta(days=4), DAY + timedelta(days=5)]
    drawn = lines(WORDS, shown, [Series("x", [1, 2, 3, None, 4])])
    assert [len(one["points"].split()) for one in parts(drawn, "polyline")] == [2, 1, 1]
    assert len(parts(drawn, "circle")) == 4


def test_it_says_its_figures_to_who_does_not_see_it() -> None:
    tree = ElementTree.fromstring(lines(WORDS, days(3), [Series("p50", [3, 1, None]), Series("p90", [None] * 3)]))
    assert tree.get("role") == "img" and tree.get("aria-labelledby") == "a-t a-d"
    assert tree.findtext(f"{SVG}title") == "Arrivals"
    assert tree.findtext(f"{SVG}desc") == "p50: 2 days, 1 to 3, last nothing known. p90: nothing known."


@pytest.mark.parametrize("draw", [bars, lines])
@pytest.mark.parametrize("values", [[], [0], [None], [1e-9], [1], [7, 3e7], [0.01] * 400, [99, 101], [2.5]])
def test_W07_whatever_is_drawn_fits_the_picture_and_has_no_style_and_no_script(draw, values) -> None:  # type: ignore[no-untyped-def]
    drawn = draw(WORDS, days(len(values)), [Series("<b>&", values), Series("y", values)])
    assert not re.search(r"style|<script|<b>|\son\w+=|NaN|inf", drawn)
    for rect in parts(drawn, "rect"):
        assert 0 <= float(rect["x"]) <= WIDTH and 0 <= float(rect["y"]) <= float(rect["y"]) + float(rect["height"]) <= HEIGHT
    for text in parts(drawn, "text"):
        assert 0 <= float(text["x"]) <= WIDTH and 0 <= float(text["y"]) <= HEIGHT
    assert 1 < len(parts(drawn, "line")) - 2 <= 7, "rules, and two marks in the legend"
