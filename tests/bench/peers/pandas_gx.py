"""The job in pandas, the row rules by Great Expectations: `python -m tests.bench.peers.pandas_gx --crowd FOLDER --out FOLDER`.

Great Expectations judges every row here. (The product lets it judge a sample, and files.)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.bench.crowd import AS_OF
from tests.bench.peers import gx_rules, job

TUBE = ["tube", "day"]


def run(crowd: Path, out: Path, clock: job.Clock) -> dict[str, Any]:
    with clock.step("read"):
        manifest, results = (_read(job.files(crowd, kind)) for kind in ("manifest", "results"))
    with clock.step("rules"):
        people, bad_people = gx_rules.judged(gx_rules.manifest_cells(manifest), gx_rules.manifest_suite, "manifest")
        tests, bad_tests = gx_rules.judged(gx_rules.result_cells(results), gx_rules.result_suite, "results")
        rejects = pd.concat([bad_people, bad_tests])
    with clock.step("dedupe"):
        people = people.drop_duplicates([*TUBE, "person"])
        tests = tests.drop_duplicates(["tube", "tested", "call", "ct"])
    with clock.step("unpool"):
        tubes, unmatched = _unpool(people, tests)
    with clock.step("outcomes"):
        tubes = _ruled(tubes)
        outcomes = _outcomes(people, tubes)
        worklist = outcomes.loc[outcomes["outcome"] == "retest", ["specimen", "tube", "reason", "collected"]]
        callback = outcomes.loc[outcomes["outcome"] == "recollect", ["tube", "full_name", "phone", "reason", "collected"]]
        holds = _holds(tubes, unmatched)
    with clock.step("messages"):
        messages = _messages(outcomes)
    with clock.step("write"):
        kept = {"people": outcomes, "tests": tests, "tubes": tubes, "worklist": worklist, "callback": callback}
        for name, frame in (kept | {"messages": messages, "holds": holds, "rejects": rejects}).items():
            frame.to_parquet(out / f"{name}.parquet", index=False)
        job.settle(out)
    return {
        "manifest_rows": len(manifest),
        "result_rows": len(results),
        "rejected_rows": len(rejects),
        "tubes": len(tubes),
        "worklist": len(worklist),
        "callback": len(callback),
        "outcomes": _counted(outcomes["outcome"]),
        "holds": _counted(holds["hold"]),
        "messages": len(messages),
    }


def _read(paths: list[Path]) -> pd.DataFrame:
    """All cells as text; and which row of which file they are."""
    frames = [pd.read_csv(path, dtype="str", keep_default_na=False) for path in paths]
    rows = pd.concat(frames)
    file = np.repeat(np.arange(len(paths)), [len(frame) for frame in frames])
    names = pd.Categorical.from_codes(file, pd.Index([path.name for path in paths]), ordered=True)
    return rows.assign(file=names, row=rows.index + 1).reset_index(drop=True)


def _unpool(people: pd.DataFrame, tests: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each tube with its call and what stands against it; and the results of tubes that nobody listed."""
    listed = people.groupby(TUBE, as_index=False)
    tubes = listed.agg(
        people=("person", "size"), declared=("size", "max"), collected=("collected", "min"), file=("file", "min"), last_file=("file", "max")
    )
    # The product lets mended rows of the same team pass.
    tubes = tubes.assign(is_pool=tubes[["people", "declared"]].max(axis=1) > 1, is_shared=tubes["file"] != tubes["last_file"])
    collections = tubes[[*TUBE, "collected"]].sort_values("collected")
    found = pd.merge_asof(
        tests.sort_values("tested"), collections, left_on="tested", right_on="collected", by="tube", tolerance=pd.Timedelta(job.WINDOW)
    )
    tubes = tubes.merge(_calls(found.dropna(subset=["day"])), on=TUBE, how="left")
    tubes["call"] = tubes["call"].fillna("none")
    tubes["is_relabelled"] = _are_in(tubes, _relabelled(people, tubes))
    tubes["is_contradicted"] = _are_in(tubes, _contradicted(people, tubes))
    return tubes, found[found["day"].isna()]


def _calls(found: pd.DataFrame) -> pd.DataFrame:
    is_invalid = found["call"] == "invalid"
    content = found["call"] + "|" + found["ct"]
    rows = found[TUBE].assign(
        content=content,
        answer=content.mask(is_invalid),
        call=found["call"].mask(is_invalid),
        answered=found["tested"].mask(is_invalid),
        invalid=found["tested"].where(is_invalid),
    )
    by_tube = rows.groupby(TUBE, as_index=False).agg(
        contents=("content", "nunique"),
        answers=("answer", "nunique"),
        answer=("call", "first"),
        first_answer=("answered", "min"),
        first_invalid=("invalid", "min"),
        last_invalid=("invalid", "max"),
    )
    cases = {
        "invalid": (by_tube["answers"] == 0) & (by_tube["first_invalid"] < by_tube["last_invalid"]),
        "repeat": (by_tube["answers"] == 0) & (by_tube["contents"] == 1),
    }
    stands = (by_tube["answers"] == 1) & (by_tube["last_invalid"].isna() | (by_tube["last_invalid"] < by_tube["first_answer"]))
    other = by_tube["answer"].where(stands, "conflict")
    return by_tube[TUBE].assign(call=np.select(list(cases.values()), [np.array(name) for name in cases], other))


def _are_in(tubes: pd.DataFrame, some: pd.DataFrame) -> pd.Series:
    return tubes[TUBE].merge(some[TUBE].drop_duplicates(), on=TUBE, how="left", indicator=True)["_merge"].eq("both")


def _relabelled(people: pd.DataFrame, tubes: pd.DataFrame) -> pd.DataFrame:
    again = people[people["tube"].isin(tubes.loc[tubes["tube"].duplicated(), "tube"])]
    labels = again.sort_values("person").groupby(TUBE, as_index=False).agg(who=("person", "|".join))
    pairs = labels.merge(labels, on="tube", suffixes=("", "_other"))
    apart = (pairs["day"] - pairs["day_other"]).abs()
    return pairs[(apart > pd.Timedelta(0)) & (apart <= job.RELABEL) & (pairs["who"] != pairs["who_other"])]


def _contradicted(people: pd.DataFrame, tubes: pd.DataFrame) -> pd.DataFrame:
    """Negative pools of somebody whose own tube of that day is positive."""
    positive = people.merge(tubes.loc[~tubes["is_pool"] & (tubes["call"] == "detected"), TUBE], on=TUBE)
    elsewhere = people.merge(positive[["person", "day"]], on=["person", "day"])
    return elsewhere.merge(tubes.loc[tubes["is_pool"] & (tubes["call"] == "not_detected"), TUBE], on=TUBE)


def _ruled(tubes: pd.DataFrame) -> pd.DataFrame:
    """What a tube says of its people; the first rule that fits. `own_test` divides by whether the person's specimen was kept."""
    call, is_pool = tubes["call"], tubes["is_pool"]
    kind = is_pool.map({True: "pool", False: "single"})
    rules: list[tuple[pd.Series, str, Any]] = [
        (tubes["is_shared"], "held", "shared_tube"),
        (tubes["is_relabelled"], "held", "relabelled"),
        (call == "conflict", "held", "conflict"),
        (tubes["is_contradicted"], "held", "contradiction"),
        (call == "none", "awaiting", "no_result"),
        (call == "repeat", "awaiting", "tube_repeat"),
        ((call == "not_detected") & is_pool & (tubes["declared"] > tubes["people"]), "held", "incomplete"),
        (call == "not_detected", "not_detected", kind),
        ((call == "detected") & ~is_pool, "detected", "single"),
    ]
    fits = [rule[0] for rule in rules]
    return tubes.assign(
        ruled=np.select(fits, [np.array(outcome) for _, outcome, _ in rules], "own_test"),
        reason=np.select(fits, [np.asarray(reason, dtype=object) for _, _, reason in rules], kind + "_" + call),
    )


def _outcomes(people: pd.DataFrame, tubes: pd.DataFrame) -> pd.DataFrame:
    members = people.merge(tubes[[*TUBE, "ruled", "reason"]], on=TUBE)
    is_kept = members["mode"].isin(job.KEPT_MODES) & (members["specimen"] != "")
    own_test = np.where(is_kept, "retest", "recollect")
    return members.assign(outcome=members["ruled"].where(members["ruled"] != "own_test", own_test)).drop(columns="ruled")


def _holds(tubes: pd.DataFrame, unmatched: pd.DataFrame) -> pd.DataFrame:
    """What a person must look at: tubes that are held or late, and results that no tube is known for."""
    held = tubes[tubes["ruled"] == "held"]
    late = tubes[(tubes["ruled"] == "awaiting") & (tubes["collected"] <= AS_OF - job.OVERDUE)]
    strangers = unmatched[TUBE].drop_duplicates()
    return pd.concat([held[TUBE].assign(hold=held["reason"]), late[TUBE].assign(hold="overdue"), strangers.assign(hold="unmatched")])


def _messages(outcomes: pd.DataFrame) -> pd.DataFrame:
    """One a person to tell, the urgent first; its id says what it tells, so that none is queued twice."""
    words = pd.DataFrame.from_dict(job.TOLD, orient="index", columns=["purpose", "priority"])
    told = outcomes.merge(words, left_on="outcome", right_index=True).sort_values("priority", kind="stable")
    message = told["tube"] + "|" + told["day"].dt.strftime("%Y-%m-%d") + "|" + told["person"] + "|" + told["purpose"]
    return told[["purpose", "priority", "phone", "is_reachable", "collected"]].assign(message=message)


def _counted(words: pd.Series) -> dict[str, int]:
    return {str(word): int(count) for word, count in words.value_counts().sort_index().items()}


if __name__ == "__main__":
    job.main(run)
