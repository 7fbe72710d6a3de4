"""I8: a log line cannot carry a field under whose name a person's data would travel."""

from __future__ import annotations

import logging

import pytest

from pipeline import log


@pytest.mark.parametrize("field", sorted(log.FORBIDDEN))
@pytest.mark.parametrize("write", [log.event, log.warning])
def test_I8_forbidden_fields_are_refused(write: object, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        write("something", **{field: "x"})  # type: ignore[operator]


def test_an_event_is_one_line_of_words_and_counts(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="unpool"):
        log.event("intake_batch", batch_no=3, files=2)
    assert caplog.messages == ["intake_batch batch_no=3 files=2"]
