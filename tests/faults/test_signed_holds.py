"""P10, C01: what people decide about a tube is signed by as many as it takes, carried out once, and made anew by a rebuild."""

from __future__ import annotations

import pytest

from pipeline.domain.words import Choice, HoldReason
from pipeline.ledger import audit, holds
from pipeline.ledger.tables import audit as entries
from pipeline.stages.decide import decide
from pipeline.stages.house import House
from pipeline.stages.status import status
from pipeline.stages.verify import verify
from tests.faults.inside import watch
from tests.faults.office import MINUTE, NOW, RESULTS, Office
from tests.homes import Killed

pytestmark = pytest.mark.usefixtures("trusted")

_KEPT = "tube_code,collected_at,full_name,birth_date,sex,phone,pooling_mode,specimen_code"
PEOPLE = 3


def discordant(office: Office) -> holds.Hold:
    """A positive pool whose members are all negative alone. Three people have been told that their own test is needed."""
    rows = [f"T00001,2026-11-12 08:30,Người Số {n},1980-05-17,F,09{12_000_000 + n},lab,K0000{n}" for n in range(PEOPLE)]
    office.drop("TEAM1", "team.csv", [_KEPT, *rows])
    office.drop("LAB1", "pool.csv", [RESULTS, "T00001,positive,2026-11-12 14:00"])
    office.run()
    assert office.accepted() == PEOPLE
    office.drop("LAB1", "own.csv", [RESULTS, *(f"K0000{n},negative,2026-11-12 16:00" for n in range(PEOPLE))])
    office.run(1)
    [hold] = office.open_holds()
    assert (hold.reason, hold.subject, hold.detail) == (HoldReason.DISCORDANT, "T00001", {"specimens": PEOPLE})
    return hold


def outcomes(office: Office) -> dict[str, int]:
    return office.do(lambda house: status(house)["outcomes"])


def test_P10_two_people_let_the_own_results_of_a_discordant_pool_stand(office: Office) -> None:
    hold = discordant(office)
    assert office.say(hold, "lan").is_done is False
    office.run(2)
    assert office.accepted() == PEOPLE, "one person is nobody"
    with pytest.raises(Exception, match="lan has decided on this hold already"):
        office.say(hold, "lan")
    done = office.say(hold, "minh")
    assert (done.is_done, done.is_signed, done.people) == (True, True, 2)
    assert office.open_holds() == [hold], "until the batch it is a question"
    with pytest.raises(Exception, match="the next run of decide carries it out"):
        office.say(hold, "hoa", Choice.REFUSE)
    office.run(3)
    assert (office.open_holds(), outcomes(office), office.accepted()) == ([], {"not_detected": PEOPLE}, 2 * PEOPLE)
    office.run(4)
    assert office.accepted() == 2 * PEOPLE

    def said(house: House) -> list[tuple[str, str, str]]:
        with house.ledger.begin() as conn:
            assert audit.verify(conn) == []
            return [(one.who, one.what, one.why) for one in conn.execute(entries.select().order_by(entries.c.entry_no)).all()]

    assert office.do(said) == [(who, "hold_release", "looked at it") for who in ("lan", "minh")]
    office.assert_whole()


def test_P10_one_person_has_all_swabbed_again(office: Office) -> None:
    hold = discordant(office)
    assert office.say(hold, "lan", Choice.REFUSE).is_done is True
    office.run(2)
    assert (office.open_holds(), outcomes(office), office.accepted()) == ([], {"recollect": PEOPLE}, 2 * PEOPLE)
    office.assert_whole()


def test_P10_a_correction_between_two_people_leaves_the_second_to_decide_alone(office: Office) -> None:
    """They have not seen the same: each must look at what is there now, and may."""
    hold = discordant(office)
    office.say(hold, "lan")
    office.drop("LAB1", "again.csv", [f"{RESULTS},status,resulted_at", "K00001,negative,2026-11-12 16:00,C,2026-11-12 16:30"])
    office.run(2)
    [again] = office.open_holds()
    assert (again.hold_id, again.opened_at, again.facts != hold.facts) == (hold.hold_id, hold.opened_at, True)
    assert office.say(again, "minh").people == 1
    assert office.say(again, "lan").is_done is True
    office.run(3)
    assert outcomes(office) == {"not_detected": PEOPLE}
    office.assert_whole()


def test_P10_a_correction_after_both_makes_it_void_and_is_told(office: Office) -> None:
    hold = discordant(office)
    office.say(hold, "lan")
    office.say(hold, "minh")
    office.drop("LAB1", "again.csv", [f"{RESULTS},status,resulted_at", "K00001,positive,2026-11-12 16:00,C,2026-11-12 16:30"])
    office.run(2)
    assert (office.open_holds(), outcomes(office)) == ([], {"detected": 1, "not_detected": PEOPLE - 1})
    office.assert_whole()


def test_P10_nobody_lets_go_what_is_nobodys(office: Office) -> None:
    """Two results for one person, neither of them a correction: no number of people says which it is."""
    office.manifest("team.csv", 1)
    office.results("lab.csv", ["positive"])
    office.drop("LAB1", "other.csv", [RESULTS, "T00000,negative,2026-11-12 15:00"])
    office.run()
    [hold] = office.open_holds()
    assert hold.reason is HoldReason.CONFLICT
    with pytest.raises(Exception, match="No number of people makes this result anybody's"):
        office.say(hold, "lan")
    assert office.say(hold, "lan", Choice.REFUSE).is_signed
    office.run(1)
    assert outcomes(office) == {"recollect": 1}
    office.assert_whole()


@pytest.mark.parametrize("when", ["before", "inside", "after"])
@pytest.mark.parametrize(
    "point", ["ledger commit in decide.decide", "warehouse commit in decide.decide_batch", "ledger commit in decide_batch._publish"]
)
def test_P10_C01_killed_while_it_is_carried_out(office: Office, point: str, when: str) -> None:
    hold = discordant(office)
    office.say(hold, "lan", Choice.REFUSE)

    def die(house: House) -> None:
        watch((point, when, 1))
        decide(house, NOW + 2 * MINUTE)

    with pytest.raises(Killed):
        office.do(die)
    office.run(3)
    assert (office.open_holds(), outcomes(office), office.accepted()) == ([], {"recollect": PEOPLE}, 2 * PEOPLE)
    office.assert_whole()


def test_P10_a_signature_that_only_one_of_both_knows_is_seen(office: Office) -> None:
    hold = discordant(office)
    office.say(hold, "lan", Choice.REFUSE)
    office.run(2)

    def lose(house: House) -> list[str]:
        with house.warehouse(spill=False) as warehouse:
            warehouse.connection.execute("DELETE FROM signed_hold")
        return verify(house)

    assert "signed holds: the ledger and the warehouse count different ones" in office.do(lose)
