"""What the command line says: every reason for waiting has its sentence."""

from __future__ import annotations

from pipeline.show import WHY_QUEUED
from pipeline.stages.sending import WhyWaiting


def test_every_reason_has_a_sentence() -> None:
    assert set(WHY_QUEUED) == {"idle", "waiting", *WhyWaiting} - {WhyWaiting.NONE}
    assert all(sentence for reason, sentence in WHY_QUEUED.items() if reason != "idle")
