"""The operator's first screen, and what it is made of: a small day whose every figure is known, published and read back."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import insert

from pipeline.domain.words import Choice, HoldReason, MessageState, Purpose
from pipeline.ledger import audit, desk, holds, openings, outbox
from pipeline.ledger.server import Server
from pipeline.ledger.switches import Stop
from pipeline.ledger.tables import opening
from pipeline.stages import publish as publishing
from pipeline.stages.answer import answer, choices, pause
from pipeline.stages.call_list import call_list, how_many, unopened
from pipeline.stages.house import House
from pipeline.stages.overview import Overview, Reconciled, Segment, holds_of, overview
from pipeline.stages.page_wishes import Wishes
from pipeline.stages.publish import publish
from pipeline.vault.keys import KeyPurpose
from pipeline.vault.tokens import token
from pipeline.warehouse.published import Published
from tests.faults.town import MANIFEST, RESULTS, person, result, sheet
from tests.homes import Installation
from tests.integration.published import published_day

NOW = datetime.fromisoformat("2026-11-12T18:00:00+07:00")
LATER = NOW + timedelta(days=2)
FILES = {
    "TEAM1": sheet(
        MANIFEST,
        [
            *(person(n, "LP1", size=3, own=f"LP1-{n}", mode="lab") for n in (1, 2, 3)),
            *(person(n, "FP2", size=3) for n in (4, 5, 6)),
            *(person(n, "FP3", size=2) for n in (7, 8)),
            person(9, "SP4", size=1),
            person(10, "SP5", size=1),
            *(person(n, "FP6", size=3) for n in (11, 12)),
        ],
    ),
    "LAB1": sheet(
        RESULTS,
        [
            result("LP1", "positive", ct="24"),
            result("FP2", "negative"),
            result("FP3", "positive", ct="20"),
            result("SP4", "positive", ct="22"),
            result("FP6", "negative"),
            result("NOWHERE", "negative"),
        ],
    ),
}


@pytest.fixture(scope="module")
def day(warm: None, embedded: Server, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with published_day(FILES, NOW, embedded, ledger_template, tmp_path_factory.mktemp("day")) as made:
        yield made


def seen(day: Installation, now: datetime = NOW) -> Overview:
    return day.do(lambda house: overview(house, now))


def test_tubes_are_reconciled_between_team_and_lab(day: Installation) -> None:
    screen = seen(day)
    assert screen.figures_at == NOW
    assert screen.reconciled == Reconciled(both=4, other_counts=1, manifest_only=1, lab_only=1)
    apart = {(one["kind"], one["tube_code"], one["owner"], one["people"], one["declared_size"]) for one in screen.apart}
    assert apart == {
        ("other_counts", "FP6", "TEAM1", 2, 3),
        ("manifest_only", "SP5", "TEAM1", 1, 1),
        ("lab_only", "NOWHERE", "LAB1", None, None),
    }


def test_each_segment_with_data_has_its_hours_and_one_without_has_none(day: Installation) -> None:
    took = {one.segment: (one.specimens, one.p50, one.p90) for one in seen(day).turnaround}
    assert list(took) == list(Segment)
    assert took[Segment.COLLECTED_RECEIVED] == (12, 9.5, 9.5)
    assert took[Segment.COLLECTED_TESTED] == (11, 5.5, 5.5)
    assert took[Segment.TESTED_RELEASED] == (4, 4.0, 4.0)
    assert took[Segment.RELEASED_SENT] == took[Segment.SENT_OPENED] == (0, None, None)


def test_a_day_counts_arrivals_and_people_tested_and_no_member_of_a_positive_pool(day: Installation) -> None:
    (one,) = seen(day).days
    assert (one.day, one.specimens, one.results, one.tested, one.detected) == (date(2026, 11, 12), 12, 6, 4, 1)
    assert one.positivity == 0.25
    assert (one.p50, one.p90) == (9.5, 9.5)


def test_before_anything_was_published_nothing_is_known_and_nothing_is_zero(installation: Callable[..., Installation]) -> None:
    screen = installation().do(lambda house: overview(house, NOW))
    assert screen.figures_at is None and screen.reconciled is None and screen.days == [] and screen.last_receipt is None
    assert {(one.p50, one.p90) for one in screen.turnaround} == {(None, None)}


def test_messages_that_went_out_and_pages_that_were_opened_have_their_segments(copy: Installation) -> None:
    def work(house: House) -> Any:
        with house.ledger.begin() as conn:
            for one in outbox.claim(conn, 100, "w", NOW):
                outbox.advance(
                    conn, one.message_id, MessageState.SENT, source="api", now=NOW + timedelta(hours=1), sid=f"SM{one.message_id}"
                )
        (waiting,) = unopened(house, 9, LATER)
        with house.ledger.begin() as conn:
            openings.take_try(conn, waiting.specimen_id, since=NOW - timedelta(days=1), now=NOW)
            openings.note_opened(conn, waiting.specimen_id, NOW + timedelta(hours=3))
        assert unopened(house, 9, LATER) == [], "who has just looked is not called, whenever the last run was"
        publish(house, LATER, always=True)
        screen = overview(house, LATER)
        return [one for one in screen.turnaround if one.segment in (Segment.RELEASED_SENT, Segment.SENT_OPENED)], screen.to_call

    (sent, opened), to_call = copy.do(work)
    assert (sent.specimens, sent.p50, sent.p90) == (4, 1.0, 1.0)
    assert (opened.specimens, opened.p50) == (1, 2.0)
    assert to_call == 0, "who has looked is not called"


def test_who_was_detected_and_does_not_look_is_called_after_the_programmes_hours(day: Installation) -> None:
    assert seen(day, NOW + timedelta(hours=23)).to_call == 0
    assert seen(day, NOW + timedelta(hours=24)).to_call == 1


@pytest.mark.parametrize("state", [MessageState.NO_PHONE, MessageState.TOO_OLD, MessageState.OVER_LIMIT, MessageState.FAILED])
def test_who_was_detected_and_gets_no_message_is_called_from_the_next_run_on(copy: Installation, state: MessageState) -> None:
    def work(house: House) -> Any:
        with house.ledger.begin() as conn:
            for one in outbox.claim(conn, 100, "w", NOW):
                outbox.advance(conn, one.message_id, state, source="notify", now=NOW)
        publish(house, NOW, always=True)
        return [(one.tube_code, one.message) for one in unopened(house, 9, NOW + timedelta(minutes=1))]

    assert copy.do(work) == [("SP4", state)]


def test_a_link_asked_for_again_keeps_nobody_from_the_call_list(copy: Installation) -> None:
    def work(house: House) -> Any:
        (owed,) = unopened(house, 9, LATER)
        key = house.keys.derive(KeyPurpose.TOKEN)
        Wishes(house.ledger, key, b"", lambda *_: None).new_link(token(key, owed.specimen_id), LATER)
        with house.ledger.begin() as conn:
            purposes = {one.purpose for one in outbox.of_specimen(conn, owed.specimen_id)}
        publish(house, LATER, always=True)
        return owed, unopened(house, 9, LATER), purposes

    owed, still, purposes = copy.do(work)
    assert still == [owed] and purposes == {Purpose.RESULT, Purpose.LINK}


def test_of_a_national_day_of_detected_the_few_are_found_who_have_not_looked(day: Installation) -> None:
    def work(house: House) -> Any:
        detected = Published(house.home.published).read("to_call")
        others = [str(uuid.UUID(int=number)) for number in range(70_000)]
        with house.ledger.begin() as conn:
            return detected, desk.unopened_among(conn, pa.table({"specimen_id": [*others, detected[0]["specimen_id"]]})).to_pylist()

    published, found = day.do(work)
    assert [(one["tube_code"], one["message"]) for one in published] == [("SP4", "queued")]
    assert found == [{name: published[0][name] for name in ("specimen_id", "message", "owed_at")}]


def test_who_has_looked_leaves_their_place_on_the_list_to_the_next(copy: Installation) -> None:
    """The list is as long as it may be, though those who wait longest have looked since the last run."""

    def work(house: House) -> Any:
        (one,) = Published(house.home.published).read("to_call")
        rows = [one | {"specimen_id": str(uuid.UUID(int=number)), "tube_code": f"T{number}"} for number in range(1, 7)]
        Published(house.home.published).write("to_call", pa.Table.from_pylist(rows))
        with house.ledger.begin() as conn:
            for row in rows[:2]:
                conn.execute(insert(opening).values(specimen_id=row["specimen_id"], tries=0, tried_at=NOW, first_opened_at=NOW))
        return [one.tube_code for one in unopened(house, 2, LATER)], how_many(house, LATER), how_many(house, NOW)

    assert copy.do(work) == (["T3", "T4"], 6, 0)


def test_I8_the_call_list_names_people_and_the_audit_says_who_looked(copy: Installation) -> None:
    def work(house: House) -> Any:
        found = call_list(house, 10, who="lan", now=LATER)
        with house.ledger.begin() as conn:
            assert audit.verify(conn) == []
            entries = audit.entries(conn, 5)
        return [(one.about.tube_code, one.person["full_name"], one.person["phone"]) for one in found], entries, repr(found)

    found, entries, printed = copy.do(work)
    assert found == [("SP4", "Người Số 9", "0912000009")]
    assert [(one.who, one.what, one.subject, one.why) for one in entries] == [("lan", "looked", "call list", "1 people")]
    assert "Người" not in printed


def test_holds_come_in_groups_and_those_that_people_decide_come_with_their_buttons(copy: Installation) -> None:
    def work(house: House) -> Any:
        held = {"hold_id": "11111111-1111-4111-8111-111111111111", "reason": HoldReason.FILE_HELD, "subject": "receipt 1", "owner": "LAB1"}
        tripped = held | {"hold_id": "21111111-1111-4111-8111-111111111111", "reason": HoldReason.TOO_MANY_MESSAGES, "subject": "batch 2"}
        with house.ledger.begin() as conn:
            holds.upsert_many(conn, [held | {"detail": {"judgement": "all_detected"}}, tripped | {"detail": {}, "owner": "operator"}], NOW)
        first = overview(house, NOW)
        answer(house, held["hold_id"], Choice.RELEASE, who="lan", why="asked the lab", now=NOW)
        pause(house, who="lan", why="to be sure", now=NOW)
        return first, overview(house, NOW), holds_of(house, HoldReason.UNMATCHED, None)

    first, second, unmatched = copy.do(work)
    assert [(one.hold.subject, one.choices, one.said) for one in first.decidable] == [("receipt 1", (Choice.RELEASE, Choice.REFUSE), 0)]
    assert [(one.hold.subject, one.choices) for one in first.breakers] == [("batch 2", (Choice.RELEASE,))]
    assert first.stopped_by is Stop.BREAKER and second.stopped_by is Stop.PAUSED
    assert [one.said for one in second.decidable] == [1]
    assert {(one.reason, one.owner, one.holds) for one in first.groups} >= {
        (HoldReason.UNMATCHED, "LAB1", 1),
        (HoldReason.INCOMPLETE, "TEAM1", 1),
    }
    assert [(one.hold.subject, one.choices) for one in unmatched] == [("NOWHERE", ())]
    assert all("/" not in one.why(language) for one in first.decidable for language in ("vi", "en"))


def test_what_people_may_say_to_a_hold_is_what_answer_takes() -> None:
    assert {reason for reason in HoldReason if choices(reason)} == {
        HoldReason.FILE_HELD, HoldReason.SAMPLE_DISAGREES, HoldReason.LAB_SHIFTED, HoldReason.TOO_MANY_MESSAGES, HoldReason.LAB_SILENT,
        HoldReason.WRONG_NUMBER, HoldReason.DISCORDANT, HoldReason.CONTRADICTION, HoldReason.RELABELLED, HoldReason.SHARED_TUBE,
        HoldReason.CONFLICT, HoldReason.INCOMPLETE,
    }  # fmt: skip


def test_lists_are_published_by_lab_and_team_urgent_first_and_name_nobody(day: Installation) -> None:
    shown = Published(day.home / "published")
    assert [(one["lab"], one["specimen_code"], one["reason"]) for one in shown.read("worklist")] == [
        ("LAB1", f"LP1{n}", "pool_detected") for n in (1, 2, 3)
    ]
    assert [(one["team"], one["replaces_tube"], one["suggested_tube"]) for one in shown.read("callback")] == [("TEAM1", "FP3", None)] * 2
    names = [path.relative_to(shown.root).with_suffix("").as_posix() for path in shown.root.rglob("*.parquet")]
    everything = repr([shown.read(name) for name in names]) + repr(shown.figures())
    assert len(names) == 8 and "FP3" in everything
    assert not re.search("Người|0912000|đường Thử|19[0-9]{2}-", everything)


def test_the_screen_does_not_wait_for_who_writes_and_the_run_leaves_it_to_the_next(day: Installation) -> None:
    def work(house: House) -> Any:
        publishing.WAIT_S = 0.05
        other = replace(house)
        with other.writer():
            return overview(house, LATER).reconciled, publish(house, LATER, always=True).is_made

    reconciled, is_made = day.do(work)
    assert reconciled is not None and not is_made


def test_a_large_house_spends_a_twentieth_of_its_time_on_screens(copy: Installation) -> None:
    def work(house: House) -> Any:
        shown = Published(house.home.published)
        shown.write_figures((shown.figures() or {}) | {"held_s": 30.0})
        return publish(house, NOW + timedelta(seconds=599)).is_made, publish(house, NOW + timedelta(seconds=600)).is_made

    assert copy.do(work) == (False, True)
