"""T04, T07: what Twilio refuses or says nothing of is never lost: it goes later, or it stands on a list of people to call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pipeline.delivery.codes import KINDS, RefusalKind, kind_of, reason_of, stops_the_line
from pipeline.delivery.sms import Answer, Found, LookupFailed, Unknown
from pipeline.domain.words import MessageState
from pipeline.ledger import outbox
from pipeline.stages.lists import unreached
from pipeline.stages.lookup import READ_IN_A_RUN, SILENCE, SILENT_FOR_EVER, UNSETTLED, read_late
from pipeline.stages.sending import WhyWaiting
from tests.integration.office import MINUTE, NOW, Office, Slept, key, until


def to_call(office: Office) -> list[str]:
    return [one.message_id for one in unreached(office.ledger, office.at)]


def told(office: Office, message_id: str, state: MessageState, sid: str) -> None:
    with office.ledger.begin() as conn:
        outbox.advance(conn, message_id, state, sid=sid, reason=state, source="callback", now=office.at)


def test_T04_every_documented_refusal_goes_later_or_stands_on_the_list(office: Office) -> None:
    office.threads, clock = 1, Slept()
    for code in sorted(KINDS):
        office.script(f"400:{code}", reports=False)
        [person] = office.enqueue(1)
        summary = office.run(clock=clock.read, sleep=clock.sleep)
        message = office.message(person)
        if stops_the_line(400, code):
            assert (summary.why_waiting, message.state) == (WhyWaiting.CONFIGURATION, MessageState.QUEUED), code
            office.run(clock=clock.read, sleep=clock.sleep)
            assert office.message(person).state is MessageState.SENT, code
        elif kind_of(code) is RefusalKind.BACK_OFF:
            assert message.state is MessageState.SENT, code
        else:
            assert (message.state, message.reason) == (MessageState.FAILED, f"{kind_of(code)}_{code}")
            assert message.message_id in to_call(office), code
    assert office.states().keys() == {MessageState.SENT, MessageState.FAILED}
    assert office.counts()["accepted"] == office.states()[MessageState.SENT]


def test_T04_every_documented_reason_of_non_delivery_stands_on_the_list(reported: Office) -> None:
    reported.script(*(f"deliver:{code}" for code in KINDS))
    people = reported.enqueue(len(KINDS))
    reported.run()
    until(lambda: reported.states() == {MessageState.UNDELIVERED: len(KINDS)}, "nothing delivered")
    reasons = {reported.message(person).reason for person in people}
    assert reasons == {reason_of(code) for code in KINDS}
    assert set(to_call(reported)) == {reported.message(person).message_id for person in people}


def test_T07_what_stays_sent_is_asked_for_and_in_the_end_somebodys_to_call(office: Office) -> None:
    office.script(statuses=["queued", "sent"], reports=False)
    [person] = office.enqueue(1)
    office.run()
    message = office.message(person)
    until(lambda: set(office.counts()["by_status"]) == {"sent"}, "Twilio has sent")
    for age in (SILENCE + MINUTE, SILENT_FOR_EVER - MINUTE):
        office.at = NOW + age
        assert office.run().read_late == 0
        assert to_call(office) == []
    office.at = NOW + SILENT_FOR_EVER + MINUTE
    assert to_call(office) == [message.message_id]
    told(office, message.message_id, MessageState.DELIVERED, str(message.sid))
    assert to_call(office) == [], "a late report takes it off the list"


def redacted(office: Office, _: str) -> None:
    """Twilio has a message to this number and no longer shows its text."""
    for message in office.store.messages.values():
        message.body = ""


def without_number(office: Office, person: str) -> None:
    """The day's key is gone: nobody knows whom to look for."""
    del office.phones[person]


@pytest.mark.parametrize("undecided", [redacted, without_number])
def test_T07_a_fate_that_stays_unknown_is_somebodys_to_find_out(office: Office, undecided: Callable[[Office, str], None]) -> None:
    office.script("timeout_after", reports=False)
    [person] = office.enqueue(1)
    office.run()
    undecided(office, person)
    office.put({"specimen_id": person, "version": 2})
    for minutes in range(10, 60, 10):
        office.at = NOW + minutes * MINUTE
        assert (office.run().undecided, to_call(office)) == (1, [])
    office.at = NOW + UNSETTLED + MINUTE
    assert office.run().undecided == 1
    assert to_call(office) == [key(person, 1, "result")], "the newer word waits for this one"
    assert office.counts()["requests"] == 1


class Mute:
    """A Twilio that answers nothing one can use, and has nothing in its list."""

    def send(self, to: str, body: str, *, status_callback: str | None = None, validity_s: int | None = None) -> Answer:
        return Unknown("http_500")

    def find(self, to: str, since: object) -> list[Found]:
        return []

    def fetch(self, sid: str) -> Found | None:
        return None


def test_T07_nobody_waits_longer_than_an_hour_without_an_owner_however_often_it_is_tried(office: Office) -> None:
    [person] = office.enqueue(1)
    for minutes in range(70):
        office.at = NOW + minutes * MINUTE
        office.run(sms=Mute())
        listed = to_call(office) == [key(person, 1, "result")]
        assert listed is (timedelta(minutes=minutes) > UNSETTLED), minutes
    assert office.message(person).attempts > 30


class Asked(Mute):
    """Writes down whom it was asked for. To the SIDs in `deaf` it gives no answer; the others stay on their way."""

    def __init__(self) -> None:
        self.sids: list[str] = []
        self.deaf: set[str] = set()

    def fetch(self, sid: str) -> Found | None:
        self.sids.append(sid)
        if sid in self.deaf:
            raise LookupFailed("no answer")
        return Found(sid, "sent", "", None, None)

    def since_last(self) -> list[str]:
        sids, self.sids = self.sids, []
        return sids


def silent(office: Office, n: int) -> list[str]:
    """`n` messages that Twilio took now and says no more of: their SIDs, in the order of their ids."""
    ids = sorted(key(person, 1, "result") for person in office.enqueue(n))
    with office.ledger.begin() as conn:
        for claimed in outbox.claim(conn, n, "office", office.at):
            outbox.advance(conn, claimed.message_id, MessageState.SENT, sid=f"SM{claimed.message_id}", source="send", now=office.at)
    return [f"SM{one}" for one in ids]


def ask(office: Office, twilio: Asked) -> list[str]:
    """Whom a run asks for, one minute later."""
    office.at += MINUTE
    assert read_late(office.ledger, twilio, now=office.at, threads=1) == 0
    return twilio.since_last()


def test_T07_however_many_are_silent_a_run_loads_some_and_all_come_by_in_turn(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    sids, twilio, loaded = silent(office, READ_IN_A_RUN + 3), Asked(), 0
    office.at += SILENCE

    class Counted(outbox.Message):
        def __init__(self, **row: Any) -> None:
            nonlocal loaded
            loaded += 1
            super().__init__(**row)

    monkeypatch.setattr(outbox, "Message", Counted)
    # The first 500 give no answer, and they are not in the others' way.
    twilio.deaf = set(sids[:READ_IN_A_RUN])
    for turn in (sids[:READ_IN_A_RUN], sids[READ_IN_A_RUN:], []):
        loaded = 0
        assert ask(office, twilio) == turn
        assert loaded == len(turn)


def test_T07_nobody_misses_the_last_question_because_twilio_was_away(office: Office) -> None:
    sids, twilio = silent(office, 2), Asked()
    office.at += SILENT_FOR_EVER
    twilio.deaf = set(sids)
    for _ in range(3):
        assert ask(office, twilio) == sids
        assert ask(office, twilio) == [], "again in an hour"
        office.at += SILENCE
    twilio.deaf = {sids[1]}
    assert ask(office, twilio) == sids
    office.at += SILENCE
    assert ask(office, twilio) == [sids[1]], "the other has had its last answer"
    twilio.deaf = set()
    office.at += SILENCE
    assert ask(office, twilio) == [sids[1]]
    office.at += SILENCE
    assert ask(office, twilio) == []
