"""The row rules of the polars peer."""

from __future__ import annotations

import polars as pl
from polars import col, lit

from tests.bench.peers import job


def manifest_rules(cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    read = (
        cells.lazy()
        .with_columns(
            tube=_code("tube_code"),
            specimen=_code("specimen_code"),
            collected=col("collected_at").str.to_datetime(job.TIME_FORM, strict=False),
            born=col("birth_date").str.to_date("%Y-%m-%d", strict=False),
            size=_number("pool_size", job.POOL_SIZE),
            mode=pl.when(col("pooling_mode") == "").then(lit("field")).otherwise(col("pooling_mode").str.to_lowercase()),
            century=_number("citizen_id", job.CITIZEN_ID, 3, 1),
            years=_number("citizen_id", job.CITIZEN_ID, 4, 2),
            sex_digit=col("sex").str.to_lowercase().replace_strict(job.SEX_DIGITS, default=None, return_dtype=pl.Int64),
            is_reachable=col("phone").str.replace_all(r"[ .()\-]", "").str.contains(job.MOBILE),
            # Who has no citizen id is known by name, birth date and phone.
            person=pl.when(col("citizen_id") == "")
            .then(pl.concat_str("full_name", "birth_date", "phone", separator="|"))
            .otherwise("citizen_id"),
        )
        .with_columns(
            day=col("collected").dt.date(),
            born_year=pl.coalesce(col("born").dt.year(), col("birth_date").str.extract(job.BIRTH_YEAR).cast(pl.Int32)),
        )
        .collect(engine="streaming")
    )
    bad = [job.bad_codes(read[name].unique().to_arrow()) for name in ("tube", "specimen")]
    not_born = (col("born_year") < job.FIRST_BIRTH_YEAR) | (col("born") > col("day")) | (col("born_year") > col("day").dt.year())
    rules = {
        "missing_identity": pl.any_horizontal(col(name) == "" for name in job.REQUIRED),
        "bad_tube_code": ~col("tube").str.contains(job.CODE) | col("tube").is_in(bad[0]),
        "bad_collected_at": col("collected").is_null(),
        "future_collected_at": col("collected") > job.LATEST,
        "too_old_collected": col("collected") < job.OLDEST,
        "bad_birth_date": (col("birth_date") != "") & (col("born_year").is_null() | not_born),
        "bad_citizen_id": (col("citizen_id") != "") & col("century").is_null(),
        "citizen_id_disagrees": (col("born_year") != 1900 + 100 * (col("century") // 2) + col("years"))
        | (col("sex_digit") != col("century") % 2),
        "bad_pool_size": (col("pool_size") != "") & ~col("size").is_between(1, job.MAX_POOL).fill_null(False),
        "unknown_mode": ~col("mode").is_in(job.MODES),
        "missing_specimen_code": col("mode").is_in(job.KEPT_MODES) & (col("specimen") == ""),
        "bad_specimen_code": (col("specimen") != "") & (~col("specimen").str.contains(job.CODE) | col("specimen").is_in(bad[1])),
    }
    good, rejects = _split(read, rules, "manifest")
    return good.drop("tube_code", "specimen_code", "collected_at", "pooling_mode", "pool_size", "century", "years", "sex_digit"), rejects


def result_rules(cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    read = cells.with_columns(
        tube=_code("tube_code"),
        call=col("result").str.to_lowercase().replace_strict(job.WORDS, default=None, return_dtype=pl.String),
        tested=col("tested_at").str.to_datetime(job.TIME_FORM, strict=False),
    )
    rules = {
        "bad_tube_code": ~col("tube").str.contains(job.CODE) | col("tube").is_in(job.bad_codes(read["tube"].unique().to_arrow())),
        "unknown_result_word": col("call").is_null(),
        "bad_tested_at": col("tested").is_null(),
        "future_tested_at": col("tested") > job.LATEST,
        "bad_ct": ~col("ct").str.contains(job.CT),
        "ct_above_cycles": col("ct").str.extract(r"^([0-9.]+)$").cast(pl.Float64, strict=False) > job.MAX_CT,
    }
    return _split(read, rules, "results")


def _split(read: pl.DataFrame, rules: dict[str, pl.Expr], kind: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that break no rule, and those that do with the rules' names."""
    is_bad = read.lazy().select(pl.any_horizontal(rule.fill_null(False) for rule in rules.values())).collect(engine="streaming").to_series()
    named = [pl.when(rule.fill_null(False)).then(lit(name)) for name, rule in rules.items()]
    starts = read.lazy().group_by("file").agg(first=col("row").min()).collect(engine="streaming")
    rejects = (
        read.filter(is_bad)
        .join(starts, on="file")
        .select(
            lit(kind).alias("kind"),
            "file",
            row=col("row") - col("first") + 1,
            rules=pl.concat_str(named, separator=" ", ignore_nulls=True),
        )
    )
    return read.filter(~is_bad), rejects


def _code(name: str) -> pl.Expr:
    return col(name).str.replace_all(job.SEPARATORS, "").str.to_uppercase()


def _number(name: str, pattern: str, start: int = 0, length: int | None = None) -> pl.Expr:
    """NULL where the cell is not what it should be."""
    return pl.when(col(name).str.contains(pattern)).then(col(name).str.slice(start, length)).cast(pl.Int64, strict=False)
