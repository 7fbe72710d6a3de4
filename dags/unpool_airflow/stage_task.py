"""The one way a task calls a stage: settings in, counts out, errors sorted into those that waiting mends and those that it does not."""

from __future__ import annotations

import dataclasses
import os
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

Counts = dict[str, Any]


def run_stage(stage: Callable[..., Any], *, wakes: Callable[[Counts], bool], environ: Mapping[str, str] | None = None) -> Counts:
    """Call `stage(house, now=...)` and return its summary's numbers for XCom.

    `wakes` says whether there was anything to do. If not, the task is skipped: a task that succeeds tells its assets, and would wake the
    next DAG for nothing. Raises AirflowFailException (no retry) where waiting does not help; whatever else is raised is retried.
    """
    from pipeline.errors import TryAgain, UnpoolError
    from pipeline.settings import Settings
    from pipeline.stages.house import open_house

    try:
        settings = Settings.from_env(os.environ if environ is None else environ)
        with open_house(settings) as house:
            # A demo or a replay stands still at the moment it names.
            counts = numbers(stage(house, now=settings.now or datetime.now(UTC)))
    except TryAgain:
        raise
    except UnpoolError as error:
        raise AirflowFailException(error.message) from error
    except Exception as error:
        # Foreign messages quote values ("could not convert string ..."), and Airflow logs what is raised: say where, not what.
        raise AirflowException(f"{type(error).__name__} at {place_of(error)}") from None
    if not wakes(counts):
        raise AirflowSkipException("Nothing to do.")
    return counts


def numbers(summary: Any) -> Counts:
    """The numbers of a summary dataclass, nested ones too. XCom carries nothing else, so that no person's data can travel there."""
    return _numbers(dataclasses.asdict(summary))


def _numbers(values: Mapping[str, Any]) -> Counts:
    kept: Counts = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            kept[str(key)] = _numbers(value)
        elif isinstance(value, int | float):
            kept[str(key)] = value
    return kept


def any_work(counts: Counts) -> bool:
    """Whether any number but the batch's own is above nought."""
    return any(any_work(value) if isinstance(value, dict) else value > 0 for key, value in counts.items() if key != "batch_no")


def place_of(error: BaseException) -> str:
    """File and line of the last three frames, innermost last: `decide.py:40 > connect.py:88`."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
