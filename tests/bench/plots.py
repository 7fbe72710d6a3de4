"""The plots of docs/benchmarks.md, as SVG: cost against size, and the national day."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Colours that also differ for who does not see red or green (Okabe and Ito).
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#E69F00", "#009E73", "#666666"
# The same figures give the same bytes.
STYLE = {
    "svg.hashsalt": "unpool",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def write_cost(known: Mapping[str, Any], sizes: list[str], file: Path) -> None:
    """Left: seconds against people, ours and the floor, both axes logarithmic. Right: seconds per million people, by step."""
    people = [known[f"people_{size}"] for size in sizes]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 4), layout="constrained")
        left, right = figure.subplots(1, 2)
        for name, label, colour in (("ours_s", "unpool", BLUE), ("floor_s", "floor", GREY)):
            left.plot(people, [known[f"{name}_{size}"] for size in sizes], marker="o", color=colour, label=label)
        for size, many in zip(sizes, people, strict=True):
            _note(left, f"×{known[f'floor_ratio_{size}']:.1f}", many, known[f"ours_s_{size}"])
        left.set(xscale="log", yscale="log", xlabel="people", ylabel="seconds", title="Intake + decide + enqueue, and the floor")
        left.margins(x=0.12)
        left.legend(frameon=False)
        base = [0.0] * len(sizes)
        for name, label, colour in (("intake_s", "intake", BLUE), ("decide_s", "decide + enqueue", ORANGE)):
            heights = [known[f"{name}_{size}"] / known[f"people_{size}"] * 1e6 for size in sizes]
            right.bar(sizes, heights, bottom=base, color=colour, label=label)
            base = [low + height for low, height in zip(base, heights, strict=True)]
        right.set(xlabel="people", ylabel="seconds per million people", title="Growth")
        right.legend(frameon=False)
        _save(figure, file)


def write_day(known: Mapping[str, Any], file: Path) -> None:
    """Files still in the inbox, and memory, over the day's run."""
    line = known["day_line"]
    minutes = [one["s"] / 60 for one in line]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 3.6), layout="constrained")
        files = figure.subplots()
        files.plot(minutes, [one["inbox"] / 1e3 for one in line], color=BLUE)
        files.set(
            xlabel="minutes", ylabel="thousand files in the inbox", title=f"{known['day_people'] / 1e6:g} million people", ylim=(0, None)
        )
        files.yaxis.label.set_color(BLUE)
        memory = files.twinx()
        memory.spines["right"].set_visible(True)
        memory.plot(minutes, [one["gib"] for one in line], color=ORANGE)
        memory.set(ylabel="GiB of memory, the whole tree", ylim=(0, None))
        memory.yaxis.label.set_color(ORANGE)
        _save(figure, file)


def _note(axes: Axes, text: str, x: float, y: float) -> None:
    axes.annotate(text, (x, y), textcoords="offset points", xytext=(-4, 7), ha="right", color=BLUE)


def _save(figure: Figure, file: Path) -> None:
    figure.savefig(file, format=file.suffix[1:], metadata={"Date": None} if file.suffix == ".svg" else None)
