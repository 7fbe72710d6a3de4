"""The row rules of the pandas peer, by Great Expectations: columns that it can look at, suites, and the rows that break them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa

os.environ["GX_ANALYTICS_ENABLED"] = "false"
import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.data_context.types.base import ProgressBarsConfig

from tests.bench.peers import job

# It tells of every temporary folder, at INFO.
logging.getLogger("great_expectations").setLevel(logging.WARNING)


def manifest_cells(cells: pd.DataFrame) -> pd.DataFrame:
    """What the suite looks at, and what later steps use: None or NaN where a cell is not what it should be."""
    citizen_id = cells["citizen_id"].where(cells["citizen_id"].str.fullmatch(job.CITIZEN_ID))
    century = pd.to_numeric(citizen_id.str[3])
    collected = _times(cells["collected_at"])
    born = pd.to_datetime(cells["birth_date"], format="%Y-%m-%d", errors="coerce")
    mode = cells["pooling_mode"].str.lower()
    unnamed = cells["full_name"] + "|" + cells["birth_date"] + "|" + cells["phone"]
    read = cells.drop(columns=["collected_at", "pooling_mode", "tube_code", "specimen_code"]).assign(
        tube=_codes(cells["tube_code"]),
        specimen=_codes(cells["specimen_code"]),
        collected=collected,
        day=collected.dt.normalize(),
        born=born,
        born_year=born.dt.year.astype("float64").fillna(
            pd.to_numeric(cells["birth_date"].where(cells["birth_date"].str.fullmatch(job.BIRTH_YEAR)))
        ),
        seen_year=collected.dt.year,
        id_year=1900 + 100 * (century // 2) + pd.to_numeric(citizen_id.str[4:6]),
        id_sex=century % 2,
        sex_digit=cells["sex"].str.lower().map(job.SEX_DIGITS),
        size=pd.to_numeric(cells["pool_size"].where(cells["pool_size"].str.fullmatch(job.POOL_SIZE))),
        mode=mode.where(mode != "", "field"),
        is_reachable=cells["phone"].str.replace(r"[ .()\-]", "", regex=True).str.fullmatch(job.MOBILE),
        # Who has no citizen id is known by name, birth date and phone.
        person=cells["citizen_id"].where(cells["citizen_id"] != "", unnamed),
    )
    kept_code = read["specimen"].where(read["mode"].isin(job.KEPT_MODES) | (read["specimen"] != ""))
    return read.assign(kept_code=kept_code)


def result_cells(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.drop(columns=["tube_code", "result", "tested_at"]).assign(
        tube=_codes(cells["tube_code"]),
        call=cells["result"].str.lower().map(job.WORDS),
        tested=_times(cells["tested_at"]),
        cycles=pd.to_numeric(cells["ct"], errors="coerce"),
    )


def manifest_suite(cells: pd.DataFrame) -> list[Any]:
    pair = {"ignore_row_if": "either_value_is_missing"}
    return [
        *(gxe.ExpectColumnValueLengthsToBeBetween(column=name, min_value=1, meta=_rule("missing_identity")) for name in job.REQUIRED),
        *_code_rules(cells, "tube", "bad_tube_code"),
        *_code_rules(cells, "kept_code", "bad_specimen_code"),
        gxe.ExpectColumnValuesToNotBeNull(column="collected", meta=_rule("bad_collected_at")),
        gxe.ExpectColumnValuesToBeBetween(column="collected", max_value=job.LATEST, meta=_rule("future_collected_at")),
        gxe.ExpectColumnValuesToBeBetween(column="collected", min_value=job.OLDEST, meta=_rule("too_old_collected")),
        gxe.ExpectColumnValuesToNotBeNull(column="born_year", meta=_rule("bad_birth_date")),
        gxe.ExpectColumnValuesToBeBetween(column="born_year", min_value=job.FIRST_BIRTH_YEAR, meta=_rule("bad_birth_date")),
        *(
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A=later, column_B=born, or_equal=True, meta=_rule("bad_birth_date"), **pair)
            for later, born in (("day", "born"), ("seen_year", "born_year"))
        ),
        gxe.ExpectColumnValuesToMatchRegex(column="citizen_id", regex=f"^$|{job.CITIZEN_ID}", meta=_rule("bad_citizen_id")),
        *(
            gxe.ExpectColumnPairValuesToBeEqual(column_A=own, column_B=of_id, meta=_rule("citizen_id_disagrees"), **pair)
            for own, of_id in (("born_year", "id_year"), ("sex_digit", "id_sex"))
        ),
        gxe.ExpectColumnValuesToMatchRegex(column="pool_size", regex=f"^$|{job.POOL_SIZE}", meta=_rule("bad_pool_size")),
        gxe.ExpectColumnValuesToBeBetween(column="size", min_value=1, max_value=job.MAX_POOL, meta=_rule("bad_pool_size")),
        gxe.ExpectColumnValuesToBeInSet(column="mode", value_set=job.MODES, meta=_rule("unknown_mode")),
    ]


def result_suite(cells: pd.DataFrame) -> list[Any]:
    return [
        *_code_rules(cells, "tube", "bad_tube_code"),
        gxe.ExpectColumnValuesToNotBeNull(column="call", meta=_rule("unknown_result_word")),
        gxe.ExpectColumnValuesToNotBeNull(column="tested", meta=_rule("bad_tested_at")),
        gxe.ExpectColumnValuesToBeBetween(column="tested", max_value=job.LATEST, meta=_rule("future_tested_at")),
        gxe.ExpectColumnValuesToMatchRegex(column="ct", regex=job.CT, meta=_rule("bad_ct")),
        gxe.ExpectColumnValuesToBeBetween(column="cycles", max_value=job.MAX_CT, meta=_rule("ct_above_cycles")),
    ]


def _code_rules(cells: pd.DataFrame, column: str, rule: str) -> list[Any]:
    bad = job.bad_codes(pa.array(cells[column].dropna().drop_duplicates()))
    return [
        gxe.ExpectColumnValuesToMatchRegex(column=column, regex=job.CODE, meta=_rule(rule)),
        # An empty set is no set to Great Expectations.
        gxe.ExpectColumnValuesToNotBeInSet(column=column, value_set=bad or ["none"], meta=_rule(rule)),
    ]


def _rule(name: str) -> dict[str, str]:
    return {"rule": name}


def judged(cells: pd.DataFrame, suite: Callable[[pd.DataFrame], list[Any]], kind: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that break no rule, and those that do with the rules' names."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batches = context.data_sources.add_pandas("pandas").add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")
    batch = batches.get_batch(batch_parameters={"dataframe": cells})
    form = {"result_format": "COMPLETE", "partial_unexpected_count": 0}
    checked = batch.validate(gx.ExpectationSuite(name=kind, expectations=suite(cells)), result_format=form)
    broken: dict[int, set[str]] = {}
    for one in checked.results:
        if any(info["raised_exception"] for info in _infos(one.exception_info)):
            raise RuntimeError(f"{one.expectation_config.meta['rule']} could not be computed: {one.exception_info}")
        for place in one.result.get("unexpected_index_list") or ():
            broken.setdefault(place, set()).add(one.expectation_config.meta["rule"])
    bad = cells.loc[sorted(broken), ["file", "row"]]
    rejects = bad.assign(kind=kind, rules=[" ".join(sorted(broken[place])) for place in bad.index])
    return cells.drop(index=bad.index), rejects


def _infos(info: dict[str, Any]) -> list[dict[str, Any]]:
    """One for the expectation, or one for each of its metrics."""
    return [info] if "raised_exception" in info else list(info.values())


def _codes(cells: pd.Series) -> pd.Series:
    return cells.str.replace(job.SEPARATORS, "", regex=True).str.upper()


def _times(cells: pd.Series) -> pd.Series:
    """In nanoseconds: Great Expectations compares other units row by row."""
    return pd.to_datetime(cells, format=job.TIME_FORM, errors="coerce").dt.as_unit("ns")
