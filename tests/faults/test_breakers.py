"""T10, P09, P10, O08: what is out of proportion stops, says why, and is let go by two people; the switch stops sending at once."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipeline.domain.words import Choice, HoldReason
from pipeline.ledger import holds
from pipeline.stages import answer as answers
from pipeline.stages import decide_batch, intake_batch
from pipeline.stages.house import House
from pipeline.stages.run import run_all
from pipeline.stages.status import status
from tests.faults.office import MINUTE, NOW, RESULTS, Office
from tests.homes import TRUSTING

pytestmark = pytest.mark.usefixtures("warm_judge", "files_judged")


@pytest.fixture
def files_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are judged and not their rows, of which there are many and which trip nothing."""
    monkeypatch.setattr(intake_batch, "judge_rows", TRUSTING["judge_rows"])


def shifted_lab(office: Office) -> holds.Hold:
    """A lab with a past of 3,000 results, 20 % detected, whose next two files have none. Returns the one hold about it."""
    office.manifest("team.csv", 10, prefix="U1X")
    office.drop(
        "LAB1", "past.csv", [RESULTS, *(f"PAST{n:05},{'positive' if n % 5 == 0 else 'negative'},2026-11-12 12:00" for n in range(3_000))]
    )
    office.run()
    for prefix in ("U1X", "U2X"):
        office.results(f"after_{prefix}.csv", ["negative"] * 400, prefix)
    office.run(1)
    [hold] = [one for one in office.open_holds() if one.reason is HoldReason.LAB_SHIFTED]
    assert (hold.owner, hold.detail["files"]) == ("LAB1", 2)
    return hold


def test_P09_P10_a_labs_files_are_held_for_its_shift_and_two_people_let_them_go(office: Office) -> None:
    hold = shifted_lab(office)
    assert [why for name, _, why in office.files() if name.startswith("after")] == ["lab_positivity_shifted"] * 2
    assert office.accepted() == 0
    assert office.say(hold, "lan").is_done is False
    with pytest.raises(Exception, match="lan has decided on this hold already"):
        office.say(hold, "lan")
    office.run(2)
    assert [verdict for name, verdict, _ in office.files() if name.startswith("after")] == ["held"] * 2
    done = office.say(hold, "minh")
    assert (done.is_done, done.files) == (True, 2)
    office.run(3)
    assert [verdict for name, verdict, _ in office.files() if name.startswith("after")] == ["accepted"] * 2
    assert [one for one in office.open_holds() if one.reason is HoldReason.LAB_SHIFTED] == []
    assert office.accepted() == 10
    office.assert_whole()
    # What was before the release is no measure any more: the lab is not asked the same again.
    office.results("later.csv", ["negative"] * 400, "U3X")
    office.run(4)
    assert office.files()[-1][:2] == ("later.csv", "accepted")


def test_P09_one_person_is_enough_to_refuse(office: Office) -> None:
    hold = shifted_lab(office)
    assert office.say(hold, "lan", Choice.REFUSE).files == 2
    assert {(verdict, why) for name, verdict, why in office.files() if name.startswith("after")} == {("refused", "refused_by_people")}
    office.run(2)
    assert office.accepted() == 0
    office.assert_whole()


def test_P10_what_facts_answer_no_person_can(office: Office) -> None:
    office.results("lab.csv", ["negative"])
    office.run()
    [hold] = office.open_holds()
    assert hold.reason is HoldReason.UNMATCHED
    with pytest.raises(Exception, match="answered by facts"):
        office.say(hold, "lan")
    with pytest.raises(Exception, match="No open hold begins with"):
        office.do(lambda house: answers.answer(house, "zz", Choice.RELEASE, who="lan", why="x", now=NOW))
    with pytest.raises(Exception, match="Say who decides"):
        office.do(lambda house: answers.answer(house, hold.hold_id, Choice.RELEASE, who=" ", why="x", now=NOW))


def test_P09_the_log_is_told_of_a_breaker_once(office: Office) -> None:
    def told(house: House) -> list[str]:
        lines: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("unpool").addHandler(handler)
        for minute, prefix in ((1, "V1X"), (2, "V2X")):
            path = office.folder / f"{prefix}.csv"
            path.write_text("\n".join([RESULTS, *(f"{prefix}{n:05},negative,2026-11-12 14:00" for n in range(400))]) + "\n")
            office.installation.receive("LAB1", path)
            run_all(house, NOW + minute * MINUTE, lambda *_: None)
        return [line for line in lines if line.startswith("breaker_tripped")]

    office.drop(
        "LAB1", "past.csv", [RESULTS, *(f"PAST{n:05},{'positive' if n % 4 == 0 else 'negative'},2026-11-12 12:00" for n in range(3_000))]
    )
    office.run()
    [line] = office.do(told)
    assert "reason=lab_shifted" in line and "subject=lab LAB1" in line


def test_P09_P10_a_file_that_is_all_positive_is_held_and_let_through_by_two(office: Office) -> None:
    office.manifest("team.csv", 60)
    office.results("all.csv", ["positive"] * 60)
    office.run()
    [hold] = [one for one in office.open_holds() if one.reason is HoldReason.FILE_HELD]
    assert office.accepted() == 0
    office.say(hold, "lan")
    assert office.say(hold, "minh").files == 1
    office.run(1)
    assert office.accepted() == 60
    office.assert_whole()


def test_P10_results_of_last_season_are_held(office: Office) -> None:
    office.drop("LAB1", "old.csv", [RESULTS, *(f"OLD{n:05},negative,2026-03-01 12:00" for n in range(30))])
    office.run()
    assert office.files() == [("old.csv", "held", "results_too_old")]


@pytest.mark.usefixtures("trusted")
def test_T10_more_messages_than_arrivals_explain_stop_everything_until_two_people_let_go(office: Office) -> None:
    def run_away(house: House) -> dict[str, Any]:
        # The messages are as they are; the arrivals that would explain them are not there.
        decide_batch.too_many_messages.__globals__["receipts"].accepted_rows = lambda *_: {}
        run_all(house, NOW, lambda *_: None)
        return status(house)

    office.manifest("team.csv", 240)
    office.results("lab.csv", ["negative"] * 240)
    found = office.do(run_away)
    assert (found["sending"], found["messages"], office.accepted()) == ("breaker", {"queued": 240}, 0)
    [hold] = [one for one in office.open_holds() if one.reason is HoldReason.TOO_MANY_MESSAGES]
    assert hold.detail == {"messages": 240, "explained": 0, "lost_too_early": 0}
    with pytest.raises(Exception, match="nothing to refuse"):
        office.say(hold, "lan", Choice.REFUSE)
    office.say(hold, "lan")
    office.run(1)
    assert office.accepted() == 0
    office.say(hold, "minh")
    office.run(2)
    assert office.accepted() == 240


@pytest.mark.usefixtures("trusted")
def test_T10_an_ordinary_day_trips_nothing(office: Office) -> None:
    """Pools of 20, all answered by few rows: the most messages that so many rows can bring."""
    office.manifest("team.csv", 400, size=20)
    office.results("lab.csv", ["negative"] * 20)
    office.run()
    assert office.open_holds() == []
    assert office.accepted() == 400


@pytest.mark.usefixtures("trusted")
def test_T10_nobody_is_told_lost_before_the_time(office: Office) -> None:
    def decide_too_early(house: House) -> list[str]:
        clocks = replace(house.programme.clocks, lost_days=1, overdue_hours=1)
        hasty = replace(house, programme=replace(house.programme, clocks=clocks))
        run_all(hasty, NOW, lambda *_: None)
        # A day and a half later, by a decide that is wrong; the breaker goes by the true programme.
        decide_batch.decide_facts.__globals__["decide_batch"] = lambda warehouse, _, **given: original(warehouse, hasty.programme, **given)
        run_all(house, NOW + timedelta(hours=36), lambda *_: None)
        with house.ledger.begin() as conn:
            return [one.reason.value for one in holds.open_holds(conn)]

    original = decide_batch.decide_batch
    office.manifest("team.csv", 5)
    assert "too_many_messages" in office.do(decide_too_early)
    assert office.accepted() == 0
