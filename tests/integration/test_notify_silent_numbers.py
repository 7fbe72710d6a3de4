"""Numbers that want silence get none, whoever a message is about; a link that was asked for is never too old."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.domain.words import MessageState, Purpose, Silence
from tests.integration.office import Office


@pytest.mark.parametrize("why", Silence)
def test_a_number_that_wants_silence_gets_no_message_and_the_reason_is_kept(office: Office, why: Silence) -> None:
    loud, quiet, family = office.enqueue(3)
    office.phones[family] = office.phones[quiet]
    office.silent = {f"+84{office.phones[quiet][1:]}": why}
    office.run_out()
    assert office.states()[MessageState.NO_PHONE] == 2
    assert [office.message(one).reason for one in (quiet, family)] == [why, why]
    assert office.message(loud).state is not MessageState.NO_PHONE
    assert office.store is not None and {message.to for message in office.store.messages.values()} == {f"+84{office.phones[loud][1:]}"}


def test_what_is_unknown_is_looked_up_though_its_number_wants_silence_now(office: Office) -> None:
    office.script("reset_after")
    [specimen] = office.enqueue(1)
    office.run()
    assert office.message(specimen).state is MessageState.UNKNOWN
    office.silent = {f"+84{office.phones[specimen][1:]}": Silence.OPTED_OUT}
    office.run_out()
    assert office.message(specimen).sid is not None


def test_a_link_that_is_asked_for_is_no_old_news(office: Office) -> None:
    old = office.at - timedelta(days=office.programme.clocks.max_message_age_days + 1)
    [news] = office.enqueue(1, collected_at=old)
    [asked] = office.enqueue(1, collected_at=old, purpose=Purpose.LINK)
    office.run()
    assert office.message(news).state is MessageState.TOO_OLD
    assert office.message(asked, purpose=Purpose.LINK).state is MessageState.SENT
