"""What the scheduler imports before it forks its tasks, so that none of them does."""

from __future__ import annotations

import gc
import importlib
from typing import Final

# The stages that tasks call, and what these import only when they need it.
MODULES: Final = (
    "pipeline.stages.intake",
    "pipeline.stages.decide",
    "pipeline.stages.publish",
    "pipeline.stages.notify_due",
    "pipeline.stages.watch",
    "great_expectations",
    "twilio.rest.api.v2010.account.message",
)


def preload() -> None:
    """Import it all, and tell the garbage collector to leave it alone: what nobody touches stays shared with the tasks."""
    for name in MODULES:
        importlib.import_module(name)
    gc.freeze()
