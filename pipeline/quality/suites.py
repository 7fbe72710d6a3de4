"""Running a suite of `expectations/` over a data frame. Great Expectations takes 4 seconds to import: only when it is needed."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import Broken

if TYPE_CHECKING:
    import pandas as pd

EXPECTATIONS = Path(__file__).parents[2] / "expectations"


@dataclass(frozen=True)
class Finding:
    """What one expectation found. `failing` are positions in the frame, empty for one about the whole table. No cell's value is kept."""

    expectation: str
    column: str
    meta: Mapping[str, str]
    success: bool
    checked: int
    failing: tuple[int, ...]


@cache
def load_suite(name: str, folder: Path = EXPECTATIONS) -> Mapping[str, Any]:
    """The suite as it stands in its file. Raises Broken where its first expectation is not a row count.

    Map expectations pass on an empty table, and so would a suite of them [GX issue 2726].
    """
    suite: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    if not suite["expectations"] or suite["expectations"][0]["type"] != "expect_table_row_count_to_be_between":
        raise Broken("the first expectation of a suite must be a row count", suite=name)
    return suite


def validate(frame: pd.DataFrame, name: str, parameters: Mapping[str, Any] | None = None, folder: Path = EXPECTATIONS) -> list[Finding]:
    """Every expectation of suite `name` over `frame`, in the suite's order.

    parameters: values for the suite's `$PARAMETER`s. Raises Broken, naming expectation and column, where one could not be computed:
    what was not checked has not passed.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    # This module of it tells of every temporary folder, at INFO, whatever the loggers above it want.
    logging.getLogger(ProgressBarsConfig.__module__).setLevel(logging.WARNING)
    written = load_suite(name, folder)["expectations"]
    numbered = [one | {"meta": one["meta"] | {"place": place}} for place, one in enumerate(written)]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batches = context.data_sources.add_pandas("pandas").add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")
    batch = batches.get_batch(batch_parameters={"dataframe": frame.reset_index(drop=True)})
    outcome = batch.validate(
        gx.ExpectationSuite(name=name, expectations=numbered),
        result_format={"result_format": "COMPLETE", "partial_unexpected_count": 0},
        expectation_parameters=dict(parameters or {}),
    )
    found = {result.expectation_config.meta["place"]: result for result in outcome.results}
    return [_finding(one, found.get(place), name, len(frame)) for place, one in enumerate(written)]


def _finding(written: Mapping[str, Any], result: Any, suite: str, rows: int) -> Finding:
    kwargs = written["kwargs"]
    column = kwargs.get("column") or kwargs.get("column_A") or ""
    if result is None or _raised(result.exception_info):
        # The exception's text may quote a cell: it is dropped.
        raise Broken("an expectation could not be computed", suite=suite, expectation=written["type"], column=column)
    failing = tuple(sorted(result.result.get("unexpected_index_list") or ()))
    return Finding(written["type"], column, written["meta"], bool(result.success), int(result.result.get("element_count") or rows), failing)


def _raised(info: Mapping[str, Any]) -> bool:
    """One flag for the expectation, or one for each of its metrics."""
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(one["raised_exception"] for one in info.values())
