"""The notify stage on PostgreSQL against the stand-in over HTTP: at most one message per person, none lost, whatever Twilio does."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from pipeline.delivery.link import links
from pipeline.delivery.sms import TIMEOUT_S, Answer, Found, Provider, Sms
from pipeline.domain.words import MessageState, PersonState, Purpose
from pipeline.errors import TryAgain
from pipeline.ledger import cards, switches
from pipeline.show import WHY_QUEUED
from pipeline.stages.lookup import SENDING_LIMIT, SILENCE, SILENT_FOR_EVER
from pipeline.stages.sending import SEND_WITHIN_S, WhyWaiting
from pipeline.vault.tokens import token
from tests.cards import card_row, card_rows
from tests.integration.office import MINUTE, NOW, Office, Slept, until


def test_every_person_gets_one_message_and_its_delivery_is_known(reported: Office) -> None:
    reported.enqueue(40)
    summary = reported.run()
    assert (summary.sent, summary.queued, summary.why_waiting) == (40, 0, WhyWaiting.NONE)
    until(lambda: reported.states() == {MessageState.DELIVERED: 40}, "all delivered")
    assert reported.run().is_anything is False
    assert reported.counts()["requests"] == 40


def test_T01_T02_T03_no_fault_doubles_or_loses_a_message(office: Office) -> None:
    """120 messages, three of ten faulted, no callback to heal them: only the lookup stands between a person and a second SMS."""
    chosen = random.Random(20261120)
    faults = [
        "429",
        "429_retry_after",
        "500_before",
        "500_after",
        "502_after",
        "503_before",
        "reset_after",
        "empty_after",
        "bad_json_after",
    ]
    fates = [chosen.choice(faults) if chosen.random() < 0.3 else "ok" for _ in range(200)]
    office.script("timeout_after", *fates, reports=False)
    specimens = office.enqueue(120)
    office.run_out()
    assert office.counts()["accepted"] == 120
    assert office.counts()["doubled"] == 0
    assert {office.message(specimen).state for specimen in specimens} <= {MessageState.SENT, MessageState.DELIVERED}
    assert {office.message(specimen).sid for specimen in specimens} == set(office.store.messages)


@pytest.mark.parametrize("word", ["timeout_after", "reset_after", "500_after", "empty_after", "bad_json_after"])
def test_T01_a_callback_heals_a_lost_answer_without_a_lookup(reported: Office, word: str) -> None:
    [specimen] = reported.enqueue(1)
    reported.script(word)
    reported.run()
    until(lambda: reported.message(specimen).state is MessageState.DELIVERED, "healed")
    assert reported.message(specimen).sid in reported.store.messages
    assert reported.counts()["requests"] == 1


def test_T02_a_broken_twilio_is_not_asked_for_every_message(office: Office) -> None:
    office.script(*["500_before"] * 300)
    office.enqueue(300)
    summary = office.run()
    assert summary.why_waiting is WhyWaiting.PROVIDER
    assert summary.unknown < 60
    assert summary.queued == 300 - summary.unknown


def test_T03_a_jam_of_an_hour_ends_the_run_and_loses_nothing(office: Office) -> None:
    office.script(*["429"] * 2_000)
    office.enqueue(30)
    summary = office.run(sleep=lambda _: None, clock=Ticking(0.25))
    assert (summary.why_waiting, summary.sent, summary.queued) == (WhyWaiting.PROVIDER, 0, 30)
    assert office.counts()["requests"] < 500
    office.store.script.clear()
    office.at += timedelta(hours=1)
    office.run_out()
    assert (office.counts()["accepted"], office.counts()["doubled"]) == (30, 0)


class Ticking:
    """A clock that goes on by itself whenever it is read."""

    def __init__(self, step: float) -> None:
        self.step, self.now, self.lock = step, 0.0, threading.Lock()

    def __call__(self) -> float:
        with self.lock:
            self.now += self.step
            return self.now


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("400:21211", "fix_data_21211"),
        ("400:21614", "fix_data_21614"),
        ("400:21610", "opted_out_21610"),
        ("400:21408", "configuration_21408"),
        ("400:30007", "content_30007"),
        ("400:29999", "unknown_29999"),
    ],
)
def test_T04_a_refused_message_ends_with_its_reason_and_the_next_one_goes(office: Office, word: str, reason: str) -> None:
    refused, *_ = office.enqueue(1)
    office.script(word)
    office.run()
    [taken] = office.enqueue(1)
    office.run()
    assert (office.message(refused).state, office.message(refused).reason) == (MessageState.FAILED, reason)
    assert office.message(taken).sid is not None
    assert office.counts()["requests"] == 2


def test_T04_wrong_credentials_stop_the_line_and_say_so(office: Office) -> None:
    office.enqueue(200)
    office.script(*["401"] * 200)
    summary = office.run()
    assert (summary.why_waiting, summary.queued, summary.failed) == (WhyWaiting.CONFIGURATION, 200, 0)
    assert office.counts()["requests"] <= office.settings.send_threads
    office.store.script.clear()
    office.run_out()
    assert office.counts()["accepted"] == 200


def test_T07_a_status_that_no_callback_brings_is_read(office: Office) -> None:
    office.script("ok", "deliver:30003", reports=False)
    office.enqueue(2)
    office.run()
    until(lambda: set(office.counts()["by_status"]) == {"delivered", "undelivered"}, "Twilio has delivered")
    office.at += SILENCE - MINUTE
    assert office.run().read_late == 0
    office.at += 2 * MINUTE
    assert office.run().read_late == 2
    assert office.states() == {MessageState.DELIVERED: 1, MessageState.UNDELIVERED: 1}


def test_T07_it_is_read_also_when_our_own_runs_stood_still_for_days(office: Office) -> None:
    office.script("ok", reports=False)
    office.enqueue(1)
    office.run()
    until(lambda: set(office.counts()["by_status"]) == {"delivered"}, "Twilio has delivered")
    office.at += SILENT_FOR_EVER + SILENCE
    assert office.run().read_late == 1
    assert office.states() == {MessageState.DELIVERED: 1}


def test_T07_who_stays_silent_is_asked_once_an_hour_and_not_for_ever(office: Office) -> None:
    office.store.statuses = ("queued", "sent")
    office.script("ok", reports=False)
    office.enqueue(1)
    assert office.settings.twilio is not None
    twilio = Asked(Sms(office.settings.twilio))
    office.run(sms=twilio)
    until(lambda: set(office.counts()["by_status"]) == {"sent"}, "Twilio has sent")
    for _ in range(3):
        office.at += SILENCE + MINUTE
        office.run(sms=twilio)
        office.run(sms=twilio)
    assert twilio.asked == 3
    for _ in range(3):
        office.at += SILENT_FOR_EVER
        office.run(sms=twilio)
    assert twilio.asked == 4


@dataclass
class Asked:
    """A provider that counts how often it is asked for a status."""

    inner: Provider
    asked: int = 0

    def send(self, to: str, body: str, *, status_callback: str | None = None, validity_s: int | None = None) -> Answer:
        return self.inner.send(to, body, status_callback=status_callback, validity_s=validity_s)

    def find(self, to: str, since: datetime) -> list[Found]:
        return self.inner.find(to, since)

    def fetch(self, sid: str) -> Found | None:
        self.asked += 1
        return self.inner.fetch(sid)


class Crash(BaseException):
    """The process dies here: no handler of ours may run."""


@dataclass
class Dying:
    """A provider whose process dies before or after Twilio has the message."""

    inner: Provider
    after: bool

    def send(self, to: str, body: str, *, status_callback: str | None = None, validity_s: int | None = None) -> Answer:
        if self.after:
            self.inner.send(to, body, status_callback=status_callback, validity_s=validity_s)
        raise Crash

    def find(self, to: str, since: datetime) -> list[Found]:
        return self.inner.find(to, since)

    def fetch(self, sid: str) -> Found | None:
        return self.inner.fetch(sid)


@pytest.mark.parametrize("after", [False, True])
def test_T09_a_crash_around_the_call_is_healed_by_the_lookup(office: Office, after: bool) -> None:
    office.script(reports=False)
    [specimen] = office.enqueue(1)
    assert office.settings.twilio is not None
    with pytest.raises(Crash):
        office.run(sms=Dying(Sms(office.settings.twilio), after))
    assert office.states() == {MessageState.SENDING: 1}
    office.at += SENDING_LIMIT - MINUTE / 2
    assert office.run().is_anything is False, "a message that may still be under way is left alone"
    office.at += MINUTE
    assert office.run().lost == 1
    office.run_out()
    assert (office.counts()["accepted"], office.counts()["doubled"]) == (1, 0)
    assert office.message(specimen).sid in office.store.messages


def test_T09_a_crash_after_the_call_is_healed_by_the_callback(reported: Office) -> None:
    [specimen] = reported.enqueue(1)
    assert reported.settings.twilio is not None
    with pytest.raises(Crash):
        reported.run(sms=Dying(Sms(reported.settings.twilio), after=True))
    until(lambda: reported.message(specimen).state is MessageState.DELIVERED, "healed")
    reported.at += SENDING_LIMIT + MINUTE
    assert reported.run().is_anything is False
    assert reported.counts()["accepted"] == 1


def test_C10_two_runs_at_once_send_each_message_once(office: Office) -> None:
    office.enqueue(150)
    runs = [threading.Thread(target=office.run) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)
    assert (office.counts()["accepted"], office.counts()["doubled"], office.counts()["requests"]) == (150, 0, 150)


def test_T12_every_purpose_and_a_correction_fits_one_part_and_tells_nothing(office: Office) -> None:
    for purpose in Purpose:
        office.enqueue(1, purpose=purpose)
    [corrected] = office.enqueue(1)
    office.run_out()
    office.put({"specimen_id": corrected, "version": 2})
    office.run_out()
    bodies = [message.body for message in office.store.messages.values()]
    assert len(bodies) == len(Purpose) + 2
    assert sum("corrected" in body for body in bodies) == 1
    link = links("https://kq.unpool.example/r", partial(token, b"k" * 32))(corrected)
    assert sum(link in body for body in bodies) == 2


def test_T13_who_has_no_mobile_number_is_called_instead(office: Office) -> None:
    landline, nothing, erased, mobile = office.enqueue(4)
    office.phones |= {landline: "02838224966", nothing: ""}
    del office.phones[erased]
    summary = office.run()
    assert (summary.no_phone, summary.sent) == (3, 1)
    assert {office.message(specimen).state for specimen in (landline, nothing, erased)} == {MessageState.NO_PHONE}
    assert office.message(mobile).sid is not None


def test_T14_what_is_too_old_is_never_sent(office: Office) -> None:
    limit = timedelta(days=office.programme.clocks.max_message_age_days)
    [old] = office.enqueue(1, collected_at=NOW - limit - MINUTE)
    [young] = office.enqueue(1, collected_at=NOW - limit + MINUTE)
    assert office.run().too_old == 1
    assert office.message(old).state is MessageState.TOO_OLD
    assert set(office.store.messages) == {office.message(young).sid}


def test_T14_in_quiet_hours_nothing_is_claimed(office: Office) -> None:
    # 15:00 in Ho Chi Minh City.
    assert datetime(2026, 11, 20, 8, 0, tzinfo=UTC) == NOW
    office.programme = replace(office.programme, sending=replace(office.programme.sending, quiet_from="14:00", quiet_to="16:00"))
    office.enqueue(3)
    summary = office.run()
    assert (summary.why_waiting, summary.queued) == (WhyWaiting.QUIET_HOURS, 3)
    office.at += timedelta(hours=1)
    assert office.run().sent == 3


def test_T14_quiet_hours_that_begin_during_a_run_end_it(office: Office) -> None:
    slow = replace(office.programme.sending, per_second=1.0, quiet_from="15:01", quiet_to="16:00")
    office.programme = replace(office.programme, sending=slow)
    office.enqueue(200)
    office.threads, clock = 1, Slept()
    summary = office.run(clock=clock.read, sleep=clock.sleep)
    assert summary.why_waiting is WhyWaiting.QUIET_HOURS
    assert 40 <= summary.sent <= 80


def test_T01_what_could_be_taken_for_lost_is_put_back_instead_of_sent(office: Office) -> None:
    """A vault so slow that another run may think this one dead: it must not send what that one is about to look up."""
    office.enqueue(3)
    clock = Slept()

    def slow(places: list[tuple[date, int, str]]) -> Mapping[str, str]:
        clock.now += SEND_WITHIN_S + 1
        return office.phones_of(places)

    with pytest.raises(TryAgain):
        office.run(clock=clock.read, sleep=clock.sleep, phones_of=slow)
    assert office.states() == {MessageState.QUEUED: 3}
    assert office.counts()["requests"] == 0


def test_the_time_limits_leave_each_other_room() -> None:
    assert SENDING_LIMIT.total_seconds() / 2 > SEND_WITHIN_S + 2 * TIMEOUT_S


def test_the_rate_of_the_programme_is_kept_to(office: Office) -> None:
    office.programme = replace(office.programme, sending=replace(office.programme.sending, per_second=20.0))
    office.enqueue(100)
    office.threads, clock = 1, Slept()
    assert office.run(clock=clock.read, sleep=clock.sleep).sent == 100
    assert clock.now >= 99 / 20 - 0.25


@pytest.mark.parametrize("stop", switches.Stop)
def test_O08_whatever_stops_sending_has_a_sentence_for_the_operator(stop: switches.Stop) -> None:
    assert WHY_QUEUED[WhyWaiting(stop)].startswith("Messages wait: ")


class Pausing:
    """Twilio, in front of which somebody turns the switch while the n-th message is on its way. `after` counts what began later."""

    def __init__(self, office: Office, nth: int) -> None:
        assert office.settings.twilio is not None
        self.inner, self.office, self.nth = Sms(office.settings.twilio), office, nth
        self.begun = self.after = 0
        self.is_paused = False
        self.lock = threading.Lock()

    def send(self, to: str, body: str, *, status_callback: str | None = None, validity_s: int | None = None) -> Answer:
        with self.lock:
            self.begun += 1
            self.after += self.is_paused
            if self.begun == self.nth:
                with self.office.ledger.begin() as conn:
                    switches.set_paused(conn, True, reason="drill", who="test", now=NOW)
                self.is_paused = True
        return self.inner.send(to, body, status_callback=status_callback, validity_s=validity_s)

    def find(self, to: str, since: datetime) -> list[Found]:
        return self.inner.find(to, since)

    def fetch(self, sid: str) -> Found | None:
        return self.inner.fetch(sid)


@pytest.mark.parametrize("threads", [1, 8])
def test_O08_the_switch_takes_effect_within_one_message(office: Office, threads: int) -> None:
    """One message may have asked just before it was turned; and with several threads some are on their way already."""
    office.threads = threads
    office.enqueue(200)
    sms = Pausing(office, 50)
    summary = office.run(sms=sms)
    assert summary.why_waiting is WhyWaiting.PAUSED
    assert sms.after <= threads
    assert office.counts()["accepted"] == sms.begun == 50 + sms.after
    assert office.states()[MessageState.QUEUED] == 200 - sms.begun
    with office.ledger.begin() as conn:
        switches.set_paused(conn, False, reason="drill", who="test", now=NOW)
    office.run_out()
    assert (office.counts()["accepted"], office.counts()["doubled"]) == (200, 0)


def test_O08_while_paused_nothing_is_sent(office: Office) -> None:
    office.enqueue(2)
    with office.ledger.begin() as conn:
        switches.set_paused(conn, True, reason="drill", who="test", now=NOW)
    assert office.run().why_waiting is WhyWaiting.PAUSED
    with office.ledger.begin() as conn:
        switches.set_paused(conn, False, reason="drill", who="test", now=NOW)
    assert office.run().sent == 2


def test_without_credentials_messages_stay_queued_and_the_run_says_why(office: Office) -> None:
    office.enqueue(2)
    summary = office.run(sms=None)
    assert (summary.why_waiting, summary.queued) == (WhyWaiting.NO_CREDENTIALS, 2)


def test_P01_what_is_held_again_waits_and_the_run_says_why(office: Office) -> None:
    """Somebody's result was called ready, and before the message went out it was held. Nobody waits for it: the others are told."""
    held, *others = office.enqueue(3)
    with office.ledger.begin() as conn:
        cards.upsert_many(conn, [card_rows(card_row(held, PersonState.AT_LAB))], NOW)
    summary = office.run()
    assert (summary.why_waiting, summary.queued, summary.sent) == (WhyWaiting.HELD, 1, len(others))
    assert office.run(limit=1).why_waiting is WhyWaiting.HELD
    with office.ledger.begin() as conn:
        assert switches.sending_waits(conn) == "held"
        cards.upsert_many(conn, [card_rows(card_row(held, PersonState.READY))], NOW)
    summary = office.run()
    assert (summary.why_waiting, summary.queued, summary.sent) == (WhyWaiting.NONE, 0, 1)


def test_a_limit_is_kept_to(office: Office) -> None:
    office.enqueue(10)
    assert office.run(limit=4).sent == 4


def test_urgent_messages_leave_first(office: Office) -> None:
    office.programme = replace(office.programme, sending=replace(office.programme.sending, per_second=50.0))
    office.enqueue(5, priority=9)
    urgent = office.enqueue(2, priority=1)
    office.run(limit=2)
    assert {office.message(specimen).state for specimen in urgent} == {MessageState.SENT}


def test_W14_a_run_logs_no_number_and_no_link(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    [specimen] = office.enqueue(1)
    office.script("timeout_after", reports=False)
    office.run_out()
    assert "notified" in caplog.text
    assert office.phones[specimen][1:] not in caplog.text
    assert "kq.unpool.example" not in caplog.text
