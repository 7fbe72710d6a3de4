"""The result page on a whole installation: files come in, and their person opens the page of the link that the message would hold."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text
from starlette.testclient import TestClient

from pipeline.delivery.link import links
from pipeline.delivery.stand_in import ANYBODY, create_app, in_thread
from pipeline.domain.words import MessageState, Purpose, Silence
from pipeline.errors import ActionNeeded
from pipeline.ledger import cards, openings, outbox
from pipeline.ledger.tables import audit, card
from pipeline.stages.house import House
from pipeline.stages.rebuild import rebuild
from pipeline.stages.unlock import unlock_link
from pipeline.stages.verify import verify
from pipeline.vault.tokens import token
from pipeline.web.result.serve import page_of
from tests.homes import Installation

pytestmark = pytest.mark.usefixtures("trusted", "quick")

NOW = datetime.fromisoformat("2026-11-20T18:00:00+07:00")
HEADINGS = "tube_code,collected_at,full_name,birth_date,sex,phone,citizen_id,address,site_code"
LAB = "tube_code,tested_at,resulted_at,status,result"
RIGHT = {"day": "05", "month": "3", "year": "1984"}
WRONG = RIGHT | {"day": "6"}
CANARIES = ("Chim Hoàng Yến Zq", "0912345678", "912345678", "1984-03-05", "05/03/1984", "079084123456", "7 hẻm Bạch Yến")
Make = Callable[..., Installation]


def manifest(folder: Path, born: str = "05/03/1984") -> Path:
    file = folder / "manifest.csv"
    file.write_text(
        f"{HEADINGS}\nT-0001,2026-11-20 08:00,Chim Hoàng Yến Zq,{born},male,0912345678,,7 hẻm Bạch Yến,Q1-03\n", encoding="utf-8"
    )
    return file


def results(folder: Path, name: str, call: str, status: str, hour: int) -> Path:
    file = folder / name
    file.write_text(f"{LAB}\nT-0001,2026-11-20 12:00,2026-11-20 {hour}:00,{status},{call}\n", encoding="utf-8")
    return file


def specimen_of(house: House) -> str:
    with house.ledger.begin() as conn:
        return str(conn.execute(select(card.c.specimen_id)).scalar_one())


def link_of(house: House) -> str:
    return links(house.settings.result_url, lambda one: token(house.keys.derive("token"), one))(specimen_of(house))


def client_of(house: House) -> TestClient:
    return TestClient(page_of(house), base_url="http://127.0.0.1:8083", headers={"Accept-Language": "en"})


@pytest.mark.parametrize(
    ("written", "opens"),
    [("05/03/1984", True), ("1984-03-05", True), ("1984", False), ("06/03/1984", False)],
    ids=["day", "iso", "year alone", "another day"],
)
def test_W04_the_birth_date_of_the_manifest_opens_the_page(installation: Make, tmp_path: Path, written: str, opens: bool) -> None:
    here = installation(result_url="http://127.0.0.1:8083/r", now=NOW)
    here.receive("team", manifest(tmp_path, written))
    here.run(NOW)

    def visit(house: House) -> tuple[int, str]:
        answer = client_of(house).post(link_of(house), data=RIGHT)
        return answer.status_code, answer.text

    status, page = here.do(visit)
    assert (status, "You are registered" in page) == ((200, True) if opens else (403, False))
    assert "Chim" not in page


def test_the_page_tells_a_result_its_correction_and_its_withdrawal(installation: Make, tmp_path: Path) -> None:
    here = installation(result_url="http://127.0.0.1:8083/r", now=NOW)
    here.receive("team", manifest(tmp_path))
    here.run(NOW)

    def read(house: House) -> str:
        page = client_of(house).post(link_of(house), data=RIGHT).text
        assert verify(house) == []
        return page

    told: list[str] = []
    for step, (call, status) in enumerate((("detected", "F"), ("not_detected", "C"), ("", "W"))):
        here.receive("lab", results(tmp_path, f"results{step}.csv", call, status, 13 + step))
        here.run(NOW + timedelta(minutes=step))
        told.append(here.do(read))
    assert "<h1>Detected</h1>" in told[0] and "20/11/2026" in told[0] and "Q1-03" in told[0] and "replaces" not in told[0]
    assert "<h1>Not detected</h1>" in told[1] and "replaces" in told[1]
    assert "was withdrawn" in told[2] and "etected" not in told[2]


def test_a_card_of_an_earlier_version_is_filled_in_by_a_rebuild_and_verify_says_so_before(installation: Make, tmp_path: Path) -> None:
    here = installation(result_url="http://127.0.0.1:8083/r", now=NOW)
    here.receive("team", manifest(tmp_path))
    here.receive("lab", results(tmp_path, "results.csv", "detected", "F", 13))
    here.run(NOW)

    def upgrade(house: House) -> tuple[cards.Card | None, list[str], list[str], cards.Card | None]:
        specimen = specimen_of(house)
        with house.ledger.begin() as conn:
            before = cards.by_specimen(conn, specimen)
            conn.execute(text("UPDATE card SET result = NULL, basis = NULL, collected_on = NULL, place = NULL"))
        found = verify(house)
        rebuild(house, NOW + timedelta(days=1))
        with house.ledger.begin() as conn:
            return before, found, verify(house), cards.by_specimen(conn, specimen)

    before, found, after, now = here.do(upgrade)
    assert any(line.startswith("ledger: I2: the card") for line in found) and any(
        line.startswith("cards: 0 say 'ready det") for line in found
    )
    assert after == [] and now == before


@pytest.mark.parametrize("says_so", [True, False])
def test_a_wrong_number_is_told_nothing_more(installation: Make, tmp_path: Path, says_so: bool) -> None:
    """Who says nothing gets the link and the result: the other half of the proof."""
    app = create_app(ANYBODY.account_sid, ANYBODY.auth_token, lambda: NOW, timeout_s=10.0)
    with in_thread(app) as address:
        here = installation(result_url="http://127.0.0.1:8083/r", now=NOW, twilio=replace(ANYBODY, api_base_url=address))
        here.receive("team", manifest(tmp_path))
        here.run(NOW)

        def ask(house: House) -> None:
            for asked in ["not_me"] * says_so + ["new_link"]:
                answer = client_of(house).post(link_of(house), data={"asked": asked})
                assert answer.status_code == 200 and "We have noted it" in answer.text

        def fates(house: House) -> dict[str, tuple[str, str | None]]:
            with house.ledger.begin() as conn:
                return {one.purpose: (one.state, one.reason) for one in outbox.of_specimen(conn, specimen_of(house))}

        here.do(ask)
        here.run(NOW)
        here.receive("lab", results(tmp_path, "results.csv", "not_detected", "F", 13))
        here.run(NOW)
        found = here.do(fates)
        bodies = [one.body for one in app.state.store.messages.values()]
    assert set(found) == {Purpose.LINK, Purpose.RESULT}
    if says_so:
        assert set(found.values()) == {(MessageState.NO_PHONE, Silence.WRONG_NUMBER)} and bodies == []
    else:
        assert {state for state, _ in found.values()} <= {MessageState.SENT, MessageState.DELIVERED}
        assert ["link to your test" in body for body in bodies] == [True, False]


def test_unlocking_gives_the_tries_back_and_the_audit_says_who(installation: Make, tmp_path: Path) -> None:
    here = installation(result_url="http://127.0.0.1:8083/r", now=NOW)
    here.receive("team", manifest(tmp_path))
    here.run(NOW)

    def unlock(house: House) -> tuple[int, int, int, list[tuple[str, ...]]]:
        client, link = client_of(house), link_of(house)
        for _ in range(openings.TRIES):
            client.post(link, data=WRONG)
        locked = client.post(link, data=RIGHT).status_code
        for wrong in ("", "nonsense", link + "0", "f" * 32):
            with pytest.raises(ActionNeeded, match="no link of ours"):
                unlock_link(house, wrong, who="lan", why="called", now=NOW)
        for who, why in (("", "called"), ("lan", " ")):
            with pytest.raises(ActionNeeded, match="audit"):
                unlock_link(house, link, who=who, why=why, now=NOW)
        spent = unlock_link(house, f" {link}\n", who="lan", why="called", now=NOW)
        with house.ledger.begin() as conn:
            said = conn.execute(select(audit.c.who, audit.c.what, audit.c.subject, audit.c.why)).all()
        return locked, spent, client.post(link, data=RIGHT).status_code, [tuple(row) for row in said]

    locked, spent, opened, said = here.do(unlock)
    assert (locked, spent, opened) == (403, openings.TRIES, 200)
    assert [(who, what, why) for who, what, _, why in said] == [("lan", "link_unlocked", "called")]
    assert said[0][2].startswith("specimen ")


def test_W14_nothing_personal_is_in_a_page_an_address_or_a_log(
    installation: Make, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    here = installation(result_url="http://127.0.0.1:8083/r", now=NOW)
    here.receive("team", manifest(tmp_path))
    here.receive("lab", results(tmp_path, "results.csv", "detected", "F", 13))
    here.run(NOW)

    def everywhere(house: House) -> tuple[str, str]:
        logging.getLogger().setLevel(logging.DEBUG)
        client, link, said = client_of(house), link_of(house), ""
        for form in (WRONG, {"asked": "not_me"}, {"asked": "new_link"}, {"asked": CANARIES[0]}, RIGHT | {"name": CANARIES[0]}, RIGHT):
            answer = client.post(link, data=form)
            said += answer.text + repr(answer.headers) + str(answer.url).replace(link, "")
        for path in ("/r/opt-out", "/r/opt-in", "/r/close"):
            answer = client.post(path)
            said += answer.text + repr(answer.headers) + str(answer.url)
        with house.ledger.begin() as conn:
            for table in ("card", "opening", "silence", "hold", "audit", "message", "message_event"):
                said += repr(conn.execute(text(f"SELECT * FROM {table}")).all())
        return said, link.rpartition("/")[2]

    said, secret = here.do(everywhere)
    printed = capfd.readouterr()
    assert not [one for one in (*CANARIES, secret) if one in said]
    # The test's own client writes addresses down; our part writes none.
    ours = "".join(line for line in (printed.out + printed.err).splitlines(keepends=True) if "httpx" not in line)
    assert not [one for one in (*CANARIES, secret) if one in ours]
