"""What Twilio is asked about messages whose answer was lost: found, and never sent again; absent twice, and sent once more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from pipeline.delivery.sms import Answer, Found, Provider, Sms
from pipeline.domain.words import MessageState
from pipeline.settings import TwilioSettings
from tests.integration.office import ACCOUNT, MINUTE, SECRET, Office


@pytest.mark.parametrize("word", ["timeout_after", "500_before"])
def test_T01_what_is_unknown_is_not_sent_again_before_it_was_looked_up(office: Office, word: str) -> None:
    office.script(word, reports=False)
    [specimen] = office.enqueue(1)
    assert office.run().unknown == 1
    office.at += timedelta(seconds=office.programme.clocks.unknown_wait_s - 1)
    assert office.run().is_anything is False
    assert office.counts()["requests"] == 1
    # And the seconds that the time-out took.
    office.at += timedelta(seconds=5)
    if word == "500_before":
        # Not there at the first look: it is looked for once more.
        assert office.run().undecided == 1 and office.run().undecided == 0
        assert office.counts()["requests"] == 1
        office.at += timedelta(seconds=office.programme.clocks.unknown_wait_s + 1)
    summary = office.run()
    assert (summary.found, summary.absent) == ((1, 0) if word == "timeout_after" else (0, 1))
    assert office.counts()["accepted"] == 1
    assert office.message(specimen).sid in office.store.messages


def test_T01_while_twilio_cannot_be_asked_the_unknown_stays_unknown(office: Office) -> None:
    office.script("500_before", reports=False)
    office.enqueue(1)
    office.run()
    office.at += MINUTE
    nobody = TwilioSettings(ACCOUNT, SECRET, "CDC", api_base_url="http://127.0.0.1:9")
    summary = office.run(sms=Sms(nobody, timeout_s=0.4), sleep=lambda _: None)
    assert summary.undecided == 1
    assert office.states() == {MessageState.UNKNOWN: 1}


def test_T01_an_edited_text_is_still_found_by_its_link(office: Office) -> None:
    office.script("timeout_after", reports=False)
    office.enqueue(1)
    office.run()
    office.at += MINUTE
    office.programme = replace(office.programme, texts={**office.programme.texts, "result": "{programme}: Xem. Look. {link}"})
    assert office.run().found == 1
    assert office.counts()["accepted"] == 1


def test_T01_a_correction_is_not_taken_for_the_one_before_it_that_reads_the_same(office: Office) -> None:
    [specimen] = office.enqueue(1)
    office.run_out()
    office.put({"specimen_id": specimen, "version": 2})
    office.run_out()
    office.put({"specimen_id": specimen, "version": 3})
    office.script("500_before", reports=False)
    office.run_out()
    bodies = [message.body for message in office.store.messages.values()]
    assert (len(bodies), bodies[1] == bodies[2]) == (3, True)
    assert {office.message(specimen, version).sid for version in (1, 2, 3)} == set(office.store.messages)


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=1)])
def test_C15_T01_a_clock_that_was_ahead_while_sending_doubles_nothing(office: Office, ahead: timedelta) -> None:
    office.script("timeout_after", reports=False)
    office.enqueue(1)
    assert office.run(now=office.at + ahead).unknown == 1
    office.at += ahead + MINUTE
    assert office.run().found == 1
    assert office.counts()["accepted"] == 1


@dataclass
class Late:
    """A provider whose list is not up to date yet at the first look."""

    inner: Provider
    looks: int = 0

    def send(self, to: str, body: str, *, status_callback: str | None = None, validity_s: int | None = None) -> Answer:
        return self.inner.send(to, body, status_callback=status_callback, validity_s=validity_s)

    def find(self, to: str, since: datetime) -> list[Found]:
        self.looks += 1
        return [] if self.looks == 1 else self.inner.find(to, since)

    def fetch(self, sid: str) -> Found | None:
        return self.inner.fetch(sid)


def test_C15_T01_a_clock_set_right_while_twilio_s_list_is_late_doubles_nothing(office: Office) -> None:
    """A moment after the answer was lost an hour has passed, by our clock."""
    office.script("timeout_after", reports=False)
    office.enqueue(1)
    assert office.run().unknown == 1
    office.at += timedelta(hours=1)
    late = Late(Sms(office.settings.twilio, timeout_s=2.0))
    assert office.run(sms=late).undecided == 1
    assert office.run(sms=late).is_anything is False, "and it waits anew"
    office.at += MINUTE
    assert office.run(sms=late).found == 1
    assert late.looks == 2
    assert office.counts()["accepted"] == 1


def test_T01_once_absent_says_nothing_of_the_next_try(office: Office) -> None:
    """Each time its fate becomes unknown it is looked for twice."""
    office.script("500_before", "500_before", reports=False)
    office.enqueue(1)
    looked: list[tuple[int, int]] = []
    for _ in range(5):
        summary = office.run()
        looked.append((summary.undecided, summary.absent))
        office.at += MINUTE
    assert looked == [(0, 0), (1, 0), (0, 1), (1, 0), (0, 1)]
    assert office.counts()["accepted"] == 1
