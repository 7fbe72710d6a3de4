"""The result page on a whole installation: a file comes in, and its person opens the page of the link that the message would hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from pipeline.delivery.link import links
from pipeline.ledger.tables import card
from pipeline.stages.house import House
from pipeline.vault.tokens import token
from pipeline.web.result.serve import page_of
from tests.homes import Installation

NOW = datetime.fromisoformat("2026-11-20T18:00:00+07:00")
HEADINGS = "tube_code,collected_at,full_name,birth_date,sex,phone,citizen_id,address"


@pytest.mark.parametrize(
    ("written", "opens"),
    [("05/03/1984", True), ("1984-03-05", True), ("1984", False), ("06/03/1984", False)],
    ids=["day", "iso", "year alone", "another day"],
)
def test_W04_the_birth_date_of_the_manifest_opens_the_page(
    installation: Callable[..., Installation], tmp_path: Path, written: str, opens: bool
) -> None:
    here = installation(result_url="http://127.0.0.1:8083/r", now=NOW)
    file = tmp_path / "manifest.csv"
    file.write_text(f"{HEADINGS}\nT-0001,2026-11-20 08:00,Tran Thi Made-Up,{written},female,0912345678,,1 Pho Hue\n", encoding="utf-8")
    here.receive("team", file)
    here.run(NOW)

    def visit(house: House) -> tuple[int, str]:
        with house.ledger.begin() as conn:
            (specimen,) = conn.execute(select(card.c.specimen_id)).scalars()
        link = links(house.settings.result_url, lambda one: token(house.keys.derive("token"), one))(specimen)
        client = TestClient(page_of(house), base_url="http://127.0.0.1:8083", headers={"Accept-Language": "en"})
        answer = client.post(link, data={"day": "05", "month": "3", "year": "1984"})
        return answer.status_code, answer.text

    status, text = here.do(visit)
    assert (status, "You are registered" in text) == ((200, True) if opens else (403, False))
    assert "Made-Up" not in text
