"""C01: killed right before and right after every side effect of a run, and run again: as if nothing had happened.

The points are found by tests/faults/points.py. A side effect that is new is missing here, and `test_every_side_effect_has_its_kill`
says so.
"""

from __future__ import annotations

import pytest

from pipeline.stages.house import House
from tests.faults.conftest import Scenes, assert_as_if_nothing_had_happened, killed_at, run_through, small_and_quick
from tests.faults.points import AFTER, BEFORE, watch
from tests.faults.town import CALMS, DAY_2
from tests.homes import Figures

# Each side effect of a run, and how manieth time it is the one to die at: the second where there are several.
RUN = {
    "rename in inbox._take": 2,
    "replace in archive._put_unsynced": 2,
    "ledger commit in intake.take_in": 2,
    "unlink in inbox.discard": 2,
    "ledger commit in intake._next_batch": 1,
    "link in keys._write_new": 1,
    "unlink in keys._write_new": 1,
    "replace in identity.write_batch": 1,
    "replace in returns._return": 1,
    "warehouse commit in intake_batch.run_intake_batch": 1,
    "ledger commit in intake_batch.run_intake_batch": 1,
    "ledger commit in decide.decide": 1,
    "warehouse commit in decide.decide_batch": 1,
    "ledger commit in decide_batch._publish_cards": 1,
    "ledger commit in decide_batch._publish": 1,
    "ledger commit in notify._claim": 1,
    "twilio in sending._send": 2,
    "ledger commit in sending._settle": 2,
    "ledger commit in notify._summary": 1,
}
# Those of the run that reads back what Twilio did not report.
LATE = {"ledger commit in lookup._read_one": 2}


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("point", RUN)
def test_C01_killed_in_a_run(scenes: Scenes, expected: Figures, point: str, when: str) -> None:
    scene = scenes()
    killed_at(scene, point, when, RUN[point], DAY_2)
    assert_as_if_nothing_had_happened(scene, expected)


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_C01_T07_killed_while_late_statuses_are_read(scenes: Scenes, expected: Figures, when: str) -> None:
    scene = scenes()
    [(point, nth)] = LATE.items()
    killed_at(scene, point, when, nth, *CALMS)
    assert_as_if_nothing_had_happened(scene, expected)


def test_every_side_effect_has_its_kill(scenes: Scenes) -> None:
    def reached(house: House) -> set[str]:
        small_and_quick()
        points = watch()
        run_through(house, *CALMS)
        return set(points.reached)

    assert scenes().installation.do(reached) == set(RUN) | set(LATE)
