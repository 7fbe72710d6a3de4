"""Plots as SVG drawn on the server: bars and lines by day, without a script and without a style attribute, so that the CSP stays strict.

Colours are presentation attributes. Each plot has a title and a description that says its figures, for who hears the page; a day of which
nothing is known is a gap, never a zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup

# Small, so that its letters are still read on a telephone of 320 px; a wide screen draws it larger.
WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 26, 26
INK, GRID = "#1a1a1a", "#767676"
# Told apart without colour too: a bar or line is named in the legend in its order, and the second line is dashed.
COLOURS = ("#0b4a8f", "#b35900")
DASHES = ("", "4 2")
# Labels below the axis: more would run into each other.
DATES = 4
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Series:
    """One named row of values, one a day; None where nothing is known."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Words:
    """What a plot says. key: unique on its page; write: a value as text; sentence: with {name}, {days}, {least}, {most}, {last};
    unknown: what is said of a series, or of a last day, of which nothing is known."""

    key: str
    title: str
    write: Callable[[float], str]
    sentence: str
    unknown: str


def bars(words: Words, days: Sequence[date], series: Sequence[Series]) -> Markup:
    """Bars, side by side within a day. Days in order, each once."""
    scale = _Scale(days, series)
    width = scale.slot * 0.8 / max(1, len(series))
    marks = [
        Markup('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>').format(
            _n(scale.x(day) - scale.slot * 0.4 + width * place), _n(scale.y(value)), _n(max(width, 0.5)), _n(scale.zero - scale.y(value)),
            COLOURS[place],
        )
        for place, one in enumerate(series)
        for day, value in zip(days, one.values, strict=True)
        if value is not None
    ]  # fmt: skip
    return _figure(words, scale, series, marks)


def lines(words: Words, days: Sequence[date], series: Sequence[Series]) -> Markup:
    """Lines that break where a day is unknown; a day alone is a dot. Arguments as for `bars`."""
    scale = _Scale(days, series)
    marks = []
    for place, one in enumerate(series):
        for run in _runs(days, one.values):
            points = [(scale.x(day), scale.y(value)) for day, value in run]
            path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
            marks.append(
                Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="2"{}/>').format(path, COLOURS[place], _dashed(place))
            )
            marks += [Markup('<circle cx="{}" cy="{}" r="3" fill="{}"/>').format(_n(x), _n(y), COLOURS[place]) for x, y in points]
    return _figure(words, scale, series, marks)


class _Scale:
    """From days and values to places in the picture."""

    def __init__(self, days: Sequence[date], series: Sequence[Series]) -> None:
        self.first, self.last = (days[0], days[-1]) if days else (date.min, date.min)
        self.days = (self.last - self.first).days + 1
        self.slot = (WIDTH - LEFT - RIGHT) / self.days
        self.zero = float(HEIGHT - BOTTOM)
        highest = max((value for one in series for value in one.values if value is not None), default=0.0)
        self.step = _step(highest)
        self.top = max(1, math.ceil(highest / self.step)) * self.step

    def x(self, day: date) -> float:
        return LEFT + self.slot * ((day - self.first).days + 0.5)

    def y(self, value: float) -> float:
        return self.zero - (self.zero - TOP) * max(value, 0.0) / self.top

    def rules(self) -> list[float]:
        return [self.step * number for number in range(round(self.top / self.step) + 1)]

    def dates(self) -> list[date]:
        every = max(1, math.ceil(self.days / DATES))
        return [self.first + timedelta(days=number) for number in range(0, self.days, every)]


def _step(highest: float) -> float:
    """A round distance between rules, so that there are two to five of them."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest / 4))
    return next(power * step for step in STEPS if power * step * 4 >= highest)


def _runs(days: Sequence[date], values: Sequence[float | None]) -> list[list[tuple[date, float]]]:
    runs: list[list[tuple[date, float]]] = []
    for day, value in zip(days, values, strict=True):
        if value is None:
            continue
        if runs and day - runs[-1][-1][0] == timedelta(days=1):
            runs[-1].append((day, value))
        else:
            runs.append([(day, value)])
    return runs


def _figure(words: Words, scale: _Scale, series: Sequence[Series], marks: Sequence[Markup]) -> Markup:
    rules = [
        Markup(
            '<line x1="{}" x2="{}" y1="{y}" y2="{y}" stroke="{}" stroke-width="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>'
        ).format(
            LEFT, WIDTH - RIGHT, INK if not value else GRID, 1 if not value else 0.5, LEFT - 6, _n(scale.y(value) + 4), words.write(value),
            y=_n(scale.y(value)),
        )
        for value in scale.rules()
    ]  # fmt: skip
    dates = [
        Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(_n(scale.x(day)), HEIGHT - 8, f"{day:%d.%m.}")
        for day in scale.dates()
        if scale.days and scale.first != date.min
    ]
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" role="img" aria-labelledby="{key}-t {key}-d" font-size="12" '
        'font-family="system-ui, sans-serif" fill="{}"><title id="{key}-t">{}</title><desc id="{key}-d">{}</desc>{}{}{}{}</svg>'
    ).format(
        WIDTH, HEIGHT, INK, words.title, _told(words, series), _legend(series), Markup("").join(rules), Markup("").join(marks),
        Markup("").join(dates), key=words.key
    )  # fmt: skip


def _legend(series: Sequence[Series]) -> Markup:
    """Names above the picture, each beside its colour, from left to right."""
    room = (WIDTH - LEFT - RIGHT) / max(1, len(series))
    marks = [
        Markup('<line x1="{}" x2="{}" y1="10" y2="10" stroke="{}" stroke-width="4"{}/><text x="{}" y="14">{}</text>').format(
            _n(LEFT + room * place), _n(LEFT + room * place + 16), COLOURS[place], _dashed(place), _n(LEFT + room * place + 21), one.name
        )
        for place, one in enumerate(series)
    ]  # fmt: skip
    return Markup("").join(marks)


def _dashed(place: int) -> Markup:
    return Markup(' stroke-dasharray="{}"').format(DASHES[place]) if DASHES[place] else Markup("")


def _told(words: Words, series: Sequence[Series]) -> str:
    """What the picture shows, in a sentence for each series."""
    sentences = []
    for one in series:
        known = [value for value in one.values if value is not None]
        if not known:
            sentences.append(f"{one.name}: {words.unknown}.")
            continue
        last = one.values[-1]
        told = {"least": min(known), "most": max(known), "last": last}
        spoken = {name: words.unknown if value is None else words.write(value) for name, value in told.items()}
        sentences.append(words.sentence.format(name=one.name, days=len(known), **spoken))
    return " ".join(sentences)


def _n(number: float) -> str:
    """A coordinate, short."""
    return f"{number:.1f}".removesuffix(".0")
