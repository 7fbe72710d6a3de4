"""What a lab says of one tube at the desk: a file of one row through the same door, and what decide makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pipeline.domain.words import Call, FileKind, RejectReason, Status
from pipeline.errors import FieldWrong
from pipeline.formats import load_formats
from pipeline.intake.readers import read
from pipeline.programme import load_programme
from pipeline.stages.correct import Said, Statement, as_row, statement
from pipeline.stages.house import House
from pipeline.stages.status import status
from tests.web.desk import Town

pytestmark = pytest.mark.usefixtures("warm_judge")
NOW = datetime(2026, 11, 20, 18, 0)
TESTED = "2026-11-20T12:00"
MANIFEST = (
    b"tube_code,collected_at,full_name,birth_date,sex,phone,citizen_id,address\n"
    b"T-0001,2026-11-20 08:00,Tran Thi Made-Up,05/03/1984,female,0912345678,,1 Pho Hue\n"
)
RESULT = b"tube_code,result,tested_at\nT0001,negative,2026-11-20 12:00\n"


def outcomes(town: Town) -> dict[str, int]:
    def counted(house: House) -> dict[str, int]:
        return dict(status(house)["outcomes"])

    return town.installation.do(counted)


def opened(client: TestClient, said: Said) -> str:
    """The time that the form brings along."""
    found = re.search(r'name="said_at" value="([^"]+)"', client.get(f"/tube/{said}").text)
    assert found
    return found[1]


def say(client: TestClient, said: Said, **fields: str) -> str:
    """Fill the form in and send it; the address of the receipt."""
    sent = client.post(f"/tube/{said}", data={"said_at": opened(client, said), "tube": "t-0001", "tested_at": TESTED} | fields)
    assert sent.status_code == 303, sent.text
    return sent.headers["location"]


def test_a_result_is_corrected_and_then_withdrawn(town: Town) -> None:
    town.handed_in("lan", MANIFEST)
    town.handed_in("hoa", RESULT)
    town.run()
    assert outcomes(town) == {"not_detected": 1}
    town.later(minutes=5)
    where = say(town.client("hoa"), Said.CORRECTED, call="detected", ct="23.4")
    town.run()
    assert "Taken in" in town.client("hoa").get(where).text
    assert outcomes(town) == {"detected": 1}
    town.later(minutes=5)
    say(town.client("hoa"), Said.WRONG)
    town.run()
    assert outcomes(town) == {"withdrawn": 1}


def test_a_rejected_tube_calls_its_people_back(town: Town) -> None:
    town.handed_in("lan", MANIFEST)
    town.run()
    where = say(town.client("hoa"), Said.REJECTED, reason="leaked")
    town.run()
    assert "Taken in" in town.client("hoa").get(where).text
    assert outcomes(town) == {"recollect": 1}


def test_the_same_form_sent_twice_is_one_file(town: Town) -> None:
    client = town.client("hoa")
    fields = {"said_at": opened(client, Said.CANCELLED), "tube": "T0001", "tested_at": TESTED}
    first = client.post("/tube/cancelled", data=fields)
    town.later(seconds=2)
    assert client.post("/tube/cancelled", data=fields).headers["location"] == first.headers["location"]
    lying = [path.name for path in town.house.home.inbox.rglob("*.csv")]
    assert lying == ["desk_cancelled_T0001.csv"] and list(town.house.home.tmp.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "fields", "wrong"),
    [
        (Said.REJECTED, {"reason": ""}, "reason"),
        (Said.REJECTED, {"reason": "bored"}, "reason"),
        (Said.CORRECTED, {}, "call"),
        (Said.CORRECTED, {"call": "positive"}, "call"),
        (Said.CORRECTED, {"call": "rejected"}, "reason"),
        (Said.WRONG, {"tube": "Ống 1"}, "tube"),
        (Said.WRONG, {"tube": "x"}, "tube"),
        (Said.WRONG, {"tested_at": ""}, "tested_at"),
        (Said.WRONG, {"tested_at": "2026-11-20T18:01"}, "tested_at"),
        (Said.WRONG, {"said_at": "2026-11-20T05:59:59"}, "said_at"),
        (Said.WRONG, {"said_at": "2026-11-20T18:00:01"}, "said_at"),
        (Said.WRONG, {"said_at": "now"}, "said_at"),
        (Said.WRONG, {"said_at": "2026-11-20T18:00:00+07:00"}, "said_at"),
    ],
)
def test_a_field_that_is_wrong_is_named_and_nothing_is_assumed(town: Town, said: Said, fields: dict[str, str], wrong: str) -> None:
    given = {"said_at": "2026-11-20T18:00:00", "tube": "T-0001", "tested_at": TESTED} | fields
    answer = town.client("hoa").post(f"/tube/{said}", data=given)
    assert answer.status_code == 400 and town.texts["en"][f"tube.wrong.{wrong}"] in answer.text
    assert list(town.house.home.inbox.rglob("*.csv")) == []
    if wrong != "tube" and wrong != "said_at":
        assert 'value="T-0001"' in answer.text, "what was right stays"


def test_a_form_that_stood_open_for_too_long_can_be_sent_again(town: Town) -> None:
    client = town.client("hoa")
    answer = client.post("/tube/wrong", data={"said_at": "2026-11-19T18:00:00", "tube": "T0001", "tested_at": TESTED})
    found = re.search(r'name="said_at" value="([^"]+)"', answer.text)
    assert found and found[1] == "2026-11-20T18:00:00"


@pytest.mark.parametrize("said", Said)
@pytest.mark.parametrize("call", Call)
def test_every_statement_is_a_row_of_the_product_s_own_format(said: Said, call: Call) -> None:
    fields = {"tube": "t-0001", "tested_at": TESTED, "call": call.value, "reason": RejectReason.EMPTY.value, "ct": "31.5"}
    what = statement(fields, said, NOW - timedelta(minutes=1), NOW)
    sent = as_row(what)
    reading = read(
        f"{','.join(sent)}\n{','.join(sent.values())}\n".encode(),
        "desk.csv",
        FileKind.RESULTS,
        load_formats(load_programme("vietnam"), Path("none")),
    )
    (row,) = reading.table.to_pylist()
    assert reading.profile_name == "canonical_results" and not reading.unknown_headings
    expected = {Said.REJECTED: Status.FINAL, Said.CORRECTED: Status.CORRECTED, Said.WRONG: Status.WRONG, Said.CANCELLED: Status.CANCELLED}
    assert (row["tube_code"], row["status"], row["problem"]) == ("T0001", expected[said].value, "")
    stands = {Said.REJECTED: Call.REJECTED, Said.CORRECTED: call}.get(said)
    assert row["call"] == (stands.value if stands else "")
    assert row["reject_reason"] == ("empty" if stands is Call.REJECTED else "")
    assert row["ct"] == ("31.5" if said is Said.CORRECTED else "")


def test_each_kind_of_statement_needs_what_it_needs() -> None:
    make: Callable[..., Statement] = statement
    with pytest.raises(FieldWrong):
        make({"tube": "T0001", "tested_at": "yesterday"}, Said.WRONG, NOW, NOW)
    assert make({"tube": "T 0001", "tested_at": TESTED}, Said.WRONG, NOW, NOW).tube == "T0001"
