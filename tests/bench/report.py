"""docs/benchmarks.md and its plots from docs/benchmarks.json: `python -m tests.bench.report`. Numbers by machine, remarks by hand.

The remarks stand in `benchmarks.md.j2`, beside the numbers they speak of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tests.bench import figures, plots
from tests.bench.ours import PARTS

SIZES = ("10k", "100k", "1m", "10m", "26m")


@dataclass(frozen=True)
class Bar:
    """A figure that must reach `limit`: at most, or at least."""

    key: str
    text: str
    limit: float
    is_floor: bool = False
    unit: str = ""

    def line(self, known: Mapping[str, Any]) -> str:
        sign = "≥" if self.is_floor else "≤"
        if (value := known.get(self.key)) is None:
            return f"| {self.text} | {sign} {self.limit:g}{self.unit} | not measured | |"
        is_reached = value >= self.limit if self.is_floor else value <= self.limit
        return f"| {self.text} | {sign} {self.limit:g}{self.unit} | {value:.3g}{self.unit} | {'yes' if is_reached else '**no**'} |"


BARS = (
    Bar("floor_ratio_1m", "floor ratio at 1 million people", 6),
    Bar("floor_ratio_10m", "floor ratio at 10 million", 6),
    Bar("floor_ratio_growth", "floor ratio at 10 million over that at 1 million", 1.2),
    Bar("pandas_gx_ratio_1m", "pandas with Great Expectations over ours, 1 million", 3, is_floor=True),
    Bar("small_files_ratio", "2,000 files of 260 rows over one file of the same rows", 2.5),
    Bar("one_more_file_ratio", "one more file of 260 into 26 million, over into an empty warehouse", 2),
    Bar("peak_gib_10m", "peak memory at 10 million, whole tree, limit 2 GB", 3, unit=" GiB"),
    Bar("latency_ratio_single_p50", "from drop to message on Airflow over an empty DAG, single drop, median", 4),
    Bar("send_rate_ratio", "send rate over the rate asked for (100/s)", 0.95, is_floor=True),
    Bar("page_ask_ratio", "result page, form of a link, over a bare Starlette hello, 32 clients", 0.3, is_floor=True),
    Bar("page_read_ratio", "result page, a result read, over a bare Starlette hello, 32 clients", 0.3, is_floor=True),
    Bar("page_errors", "errors of the result page under 32 clients", 0),
)


def main() -> None:
    write()


def write() -> None:
    """Raises jinja2.UndefinedError, naming the figure, where one is missing that the text needs."""
    known = figures.read()
    sizes = [size for size in SIZES if f"floor_ratio_{size}" in known]
    if sizes:
        plots.write_cost(known, sizes, figures.DOCS / "benchmarks.svg")
    if "day_line" in known:
        plots.write_day(known, figures.DOCS / "benchmarks-day.svg")
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    shown = environment.get_template("benchmarks.md.j2").render(
        **known, known=known, sizes=sizes, bars=[bar.line(known) for bar in BARS], parts=[part for part, _, _ in PARTS]
    )
    (figures.DOCS / "benchmarks.md").write_text(shown + "\n")


if __name__ == "__main__":
    main()
