"""The first screen's plots: arrivals, positivity and turnaround by day, in the language of who looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from pipeline.stages.overview import Day
from pipeline.web.base.languages import Language
from pipeline.web.plots import Series, Words, bars, lines


def count(value: float) -> str:
    """A whole number with thin gaps, which every language reads."""
    return f"{value:,.0f}".replace(",", "\u202f")


def hours(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def share(value: float) -> str:
    return f"{100 * value:.1f}".removesuffix(".0") + " %"


def pictures(days: Sequence[Day], language: Language) -> list[Markup]:
    """One plot each; none where no day is known yet."""
    if not days:
        return []
    dates = [one.day for one in days]

    def words(key: str, write: Callable[[float], str]) -> Words:
        return Words(key, language[f"plot.{key}"], write, language["plot.sentence"], language["plot.unknown"])

    return [
        bars(
            words("arrivals", count),
            dates,
            [
                Series(language["plot.specimens"], [one.specimens for one in days]),
                Series(language["plot.results"], [one.results for one in days]),
            ],
        ),
        lines(words("positivity", share), dates, [Series(language["plot.share"], [one.positivity for one in days])]),
        lines(
            words("turnaround", hours),
            dates,
            [Series(language["plot.p50"], [one.p50 for one in days]), Series(language["plot.p90"], [one.p90 for one in days])],
        ),
    ]
