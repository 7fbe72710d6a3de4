"""The job in polars: `python -m tests.bench.peers.polars_peer --crowd FOLDER --out FOLDER`.

Each step is one lazy query on the streaming engine; they are collected one by one only so that each has a time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from polars import col, lit

from tests.bench.crowd import AS_OF
from tests.bench.peers import job, polars_rules

TUBE = ["tube", "day"]


def run(crowd: Path, out: Path, clock: job.Clock) -> dict[str, Any]:
    with clock.step("read"):
        manifest, results = (_read(job.files(crowd, kind)) for kind in ("manifest", "results"))
    with clock.step("rules"):
        people, bad_people = polars_rules.manifest_rules(manifest)
        tests, bad_tests = polars_rules.result_rules(results)
        rejects = pl.concat([bad_people, bad_tests])
    with clock.step("dedupe"):
        people = people.unique([*TUBE, "person"], keep="first", maintain_order=True)
        tests = tests.unique(["tube", "tested", "call", "ct"], keep="first", maintain_order=True)
    with clock.step("unpool"):
        tubes, unmatched = _unpool(people, tests)
    with clock.step("outcomes"):
        tubes = tubes.with_columns(ruling=_ruling()).unnest("ruling")
        outcomes = _outcomes(people, tubes)
        holds = _holds(tubes, unmatched)
        worklist = outcomes.filter(col("outcome") == "retest").select("specimen", "tube", "reason", "collected")
        callback = outcomes.filter(col("outcome") == "recollect").select("tube", "full_name", "phone", "reason", "collected")
    with clock.step("messages"):
        messages = _messages(outcomes)
    with clock.step("write"):
        kept = {"people": outcomes, "tests": tests, "tubes": tubes, "worklist": worklist, "callback": callback}
        for name, frame in (kept | {"messages": messages, "holds": holds, "rejects": rejects}).items():
            frame.write_parquet(out / f"{name}.parquet")
        job.settle(out)
    return {
        "manifest_rows": manifest.height,
        "result_rows": results.height,
        "rejected_rows": rejects.height,
        "tubes": tubes.height,
        "worklist": worklist.height,
        "callback": callback.height,
        "outcomes": _counted(outcomes["outcome"]),
        "holds": _counted(holds["hold"]),
        "messages": messages.height,
    }


def _read(paths: list[Path]) -> pl.DataFrame:
    cells = pl.scan_csv(paths, infer_schema=False, include_file_paths="file", row_index_name="row", empty_string_is_null=False)
    return cells.collect(engine="streaming")


def _unpool(people: pl.DataFrame, tests: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each tube with its call and what stands against it; and the results of tubes that nobody listed."""
    tubes = (
        people.lazy()
        .group_by(TUBE)
        .agg(
            people=pl.len(),
            declared=col("size").max(),
            collected=col("collected").min(),
            # The product lets mended rows of the same team pass.
            is_shared=col("file").min() != col("file").max(),
        )
        .with_columns(is_pool=pl.max_horizontal("people", "declared") > 1)
        .collect(engine="streaming")
    )
    found = tests.sort("tested").join_asof(
        tubes.select(*TUBE, "collected").sort("collected"),
        left_on="tested", right_on="collected", by="tube", strategy="backward", tolerance=job.WINDOW, check_sortedness=False,
    )  # fmt: skip
    is_answer = col("call") != "invalid"
    answer = pl.concat_str("call", "ct", separator="|")
    calls = (
        found.lazy()
        .filter(col("day").is_not_null())
        .group_by(TUBE)
        .agg(
            rows=answer.n_unique(),
            answers=answer.filter(is_answer).n_unique(),
            answer=col("call").filter(is_answer).first(),
            first_answer=col("tested").filter(is_answer).min(),
            first_invalid=col("tested").filter(~is_answer).min(),
            last_invalid=col("tested").filter(~is_answer).max(),
        )
        .select(
            *TUBE,
            call=pl.when((col("answers") == 0) & (col("first_invalid") < col("last_invalid")))
            .then(lit("invalid"))
            .when((col("answers") == 0) & (col("rows") == 1))
            .then(lit("repeat"))
            .when((col("answers") == 1) & (col("last_invalid") < col("first_answer")).fill_null(True))
            .then("answer")
            .otherwise(lit("conflict")),
        )
    )
    known = tubes.join(calls.collect(engine="streaming"), on=TUBE, how="left").with_columns(col("call").fill_null("none"))
    for flag, marked in {"is_relabelled": _relabelled(people, tubes), "is_contradicted": _contradicted(people, known)}.items():
        known = known.join(marked.with_columns(lit(True).alias(flag)), on=TUBE, how="left").with_columns(col(flag).fill_null(False))
    return known, found.filter(col("day").is_null())


def _relabelled(people: pl.DataFrame, tubes: pl.DataFrame) -> pl.DataFrame:
    again = tubes.filter(col("tube").is_duplicated())
    labels = people.join(again, on=TUBE, how="semi").group_by(TUBE).agg(who=col("person").sort().str.join("|"))
    is_near = (col("day") - col("day_other")).abs() <= job.RELABEL
    pairs = labels.join(labels, on="tube", suffix="_other")
    return pairs.filter(is_near & (col("day") != col("day_other")) & (col("who") != col("who_other"))).select(TUBE).unique()


def _contradicted(people: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Negative pools of somebody whose own tube of that day is positive."""
    positive = people.join(known.filter(~col("is_pool") & (col("call") == "detected")), on=TUBE, how="semi")
    negative = known.filter(col("is_pool") & (col("call") == "not_detected"))
    return people.join(positive, on=["person", "day"], how="semi").join(negative, on=TUBE, how="semi").select(TUBE).unique()


def _outcomes(people: pl.DataFrame, tubes: pl.DataFrame) -> pl.DataFrame:
    is_kept = col("mode").is_in(job.KEPT_MODES) & (col("specimen") != "")
    return (
        people.lazy()
        .join(tubes.lazy().select(*TUBE, "outcome", "reason"), on=TUBE)
        .with_columns(
            outcome=pl.when(col("outcome") != "own_test").then("outcome").when(is_kept).then(lit("retest")).otherwise(lit("recollect"))
        )
        .collect(engine="streaming")
    )


def _ruling() -> pl.Expr:
    """What a tube says of its people; the first rule that fits. `own_test` divides by whether the person's specimen was kept."""
    call, is_pool = col("call"), col("is_pool")
    kind = pl.when(is_pool).then(lit("pool_")).otherwise(lit("single_"))
    rules = [
        (col("is_shared"), "held", lit("shared_tube")),
        (col("is_relabelled"), "held", lit("relabelled")),
        (call == "conflict", "held", lit("conflict")),
        (col("is_contradicted"), "held", lit("contradiction")),
        (call == "none", "awaiting", lit("no_result")),
        (call == "repeat", "awaiting", lit("tube_repeat")),
        ((call == "not_detected") & is_pool & (col("declared") > col("people")), "held", lit("incomplete")),
        (call == "not_detected", "not_detected", kind.str.strip_suffix("_")),
        ((call == "detected") & ~is_pool, "detected", lit("single")),
    ]
    ruling = pl.struct(outcome=lit("own_test"), reason=pl.concat_str(kind, call))
    for fits, outcome, reason in reversed(rules):
        ruling = pl.when(fits.fill_null(False)).then(pl.struct(outcome=lit(outcome), reason=reason)).otherwise(ruling)
    return ruling


def _holds(tubes: pl.DataFrame, unmatched: pl.DataFrame) -> pl.DataFrame:
    """What a person must look at: tubes that are held or late, and results that no tube is known for."""
    is_late = (col("outcome") == "awaiting") & (col("collected") <= AS_OF - job.OVERDUE)
    about = tubes.select(*TUBE, hold=pl.when(col("outcome") == "held").then("reason").when(is_late).then(lit("overdue")))
    strangers = unmatched.select("tube", day=lit(None, pl.Date), hold=lit("unmatched"))
    return pl.concat([about.filter(col("hold").is_not_null()), strangers]).unique(maintain_order=True)


def _messages(outcomes: pl.DataFrame) -> pl.DataFrame:
    """One a person to tell, the urgent first; its id says what it tells, so that none is queued twice."""
    told = {outcome: {"purpose": purpose, "priority": priority} for outcome, (purpose, priority) in job.TOLD.items()}
    news = pl.DataFrame([{"outcome": outcome} | words for outcome, words in told.items()])
    return (
        outcomes.lazy()
        .join(news.lazy(), on="outcome")
        .select(
            "purpose", "priority", "phone", "is_reachable", "collected",
            message=pl.concat_str("tube", "day", "person", "purpose", separator="|"),
        )
        .sort("priority", maintain_order=True)
        .collect(engine="streaming")
    )  # fmt: skip


def _counted(words: pl.Series) -> dict[str, int]:
    return dict(words.value_counts().sort(words.name).iter_rows())


if __name__ == "__main__":
    job.main(run)
