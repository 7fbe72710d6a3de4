"""C01, C02: killed before, inside and after every side effect of a run, run again, killed again, run again: as if nothing had happened.

The points are found by tests/faults/points.py, the places to die at each by tests/faults/inside.py. A side effect that is new is
missing here, and `test_C01_every_side_effect_has_its_kill` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from pipeline.stages.house import House
from tests.faults.conftest import Scenes, assert_as_if_nothing_had_happened, killed_at, note_kill, run_through, small_and_quick
from tests.faults.inside import watch, whens
from tests.faults.town import CALMS, DAY_2
from tests.homes import Figures

# Each side effect of a run, and how manieth time it is the one to die at: the second where there are several.
RUN = {
    "rename in inbox._take": 2,
    "replace in archive._put_unsynced": 2,
    "ledger commit in intake.take_in": 2,
    "unlink in inbox.discard": 2,
    "ledger commit in intake._next_batch": 1,
    "link in day_keys.write_new": 1,
    "unlink in day_keys.write_new": 1,
    "unlink in identity.write_batch": 1,
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
CASES = [(point, when) for point in (*RUN, *LATE) for when in whens(point)]
# A clock does not go back: what recovers from a crash runs later than what crashed.
LATER, LATEST = (tuple(moment + timedelta(hours=hours) for moment in CALMS) for hours in (2, 4))


@pytest.mark.parametrize(("point", "when"), CASES)
def test_C01_C02_killed_in_a_run_and_again_while_recovering(
    scenes: Scenes, expected: Figures, died: set[tuple[str, str]], record_property: Callable[[str, int], None], point: str, when: str
) -> None:
    """The second crash comes at the same place, where the recovery gets there; else at another one of its own, a different one each case.

    One thread sends, so that two recoveries from the same crash do the same; with more of them it is tried elsewhere.
    """
    nth, moments = (LATE[point], CALMS) if point in LATE else (RUN[point], (DAY_2,))
    once = scenes(send_threads=1)
    killed_at(once, point, when, nth, *moments)
    note_kill(died, point, when, record_property)
    places = assert_as_if_nothing_had_happened(once, expected, LATER)

    twice = scenes(send_threads=1)
    killed_at(twice, point, when, nth, *moments)
    again = (point, when) if (point, when) in places else places[CASES.index((point, when)) % len(places)]
    killed_at(twice, *again, 1, *LATER)
    record_property("kills", 2)
    assert_as_if_nothing_had_happened(twice, expected, LATEST)


def test_C01_every_side_effect_has_its_kill(scenes: Scenes, record_property: Callable[[str, int], None]) -> None:
    def reached(house: House) -> set[tuple[str, str]]:
        small_and_quick()
        points = watch()
        run_through(house, *CALMS)
        return set(points.times)

    assert scenes(send_threads=1).installation.do(reached) == set(CASES)
    record_property("commit_points", len({point for point, _ in CASES}))
