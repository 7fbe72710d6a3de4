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


def run_stage(stage: Callable[..., Any], environ: Mapping[str, str] | None = None, fails_on: str | None = None) -> Counts:
    """Call `stage(house, now=...)` and return its summary's numbers for XCom. `environ` is the process's own where none is given.

    Where the summary says that nothing was there to do (`is_anything`), the task is skipped: a task that succeeds tells its assets,
    and would wake the next DAG for nothing. `fails_on` names a count that must be nought.
    Raises AirflowFailException (no retry) where waiting does not help; whatever else is raised is retried.
    """
    from pipeline.errors import TryAgain, UnpoolError
    from pipeline.settings import Settings
    from pipeline.stages.house import open_house

    environ = os.environ if environ is None else environ
    try:
        settings = Settings.from_env(environ)
        with open_house(settings) as house:
            summary = stage(house, now=settings.clock(datetime.now(UTC)))
    except TryAgain:
        raise
    except UnpoolError as error:
        raise AirflowFailException(error.message) from None
    except Exception as error:  # noqa: BLE001
        # Foreign messages quote values ("could not convert string ..."), and Airflow logs what is raised: say where, not what.
        raise AirflowException(f"{type(error).__name__} at {place_of(error)}") from None
    if fails_on is not None and getattr(summary, fails_on):
        raise AirflowFailException(f"{fails_on}: {getattr(summary, fails_on)}. Run `unpool verify`: it names each.")
    if not summary.is_anything:
        raise AirflowSkipException("Nothing to do.")
    return numbers(dataclasses.asdict(summary))


def numbers(values: Mapping[str, Any]) -> Counts:
    """The numbers among `values`, nested ones too. XCom carries nothing else, so that no person's data can travel there."""
    kept: Counts = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            kept[str(key)] = numbers(value)
        elif isinstance(value, int | float):
            kept[str(key)] = value
    return kept


def place_of(error: BaseException) -> str:
    """File and line of the last three frames, innermost last: `decide.py:40 > connect.py:88`."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
