"""A result page on a ledger, with made-up people and a time that can be moved."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

from starlette.testclient import TestClient

from pipeline.ledger import cards, openings
from pipeline.ledger.engine import Ledger
from pipeline.stages.open_page import Door
from pipeline.stages.page_wishes import Wishes
from pipeline.vault.tokens import token
from pipeline.web.base.languages import BASE_TEXTS, load_languages
from pipeline.web.base.limits import Limits
from pipeline.web.base.pages import load_pages
from pipeline.web.result.app import ROOM, Site, result_app
from tests.cards import card_rows

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TOKEN_KEY, SESSION_KEY, NUMBER_KEY = b"t" * 32, b"s" * 32, b"n" * 32
MINE, OLD, OTHER = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
BORN = "1984-03-05"
RIGHT = {"day": "5", "month": "03", "year": "1984"}
WRONG = RIGHT | {"day": "6"}
NUMBER = "+84912345678"
MANY = 10**9
NAMES = {"vi": "Xét nghiệm gộp SARS-CoV-2", "en": "Pooled SARS-CoV-2 testing"}


def link(specimen: str = MINE) -> str:
    return f"/r/{token(TOKEN_KEY, specimen)}"


class Here:
    """Everybody is born on one day and has one number. `limits` are out of reach where none are given."""

    def __init__(self, ledger: Ledger, *, limits: Limits | None = None, beat_s: float = 0, client: str = "testclient") -> None:
        self.ledger, self.now = ledger, NOW
        self.texts = load_languages(BASE_TEXTS, ROOM / "texts")
        self.door = Door(ledger, TOKEN_KEY, lambda ref, specimen, given: given == BORN)
        self.wishes = Wishes(ledger, TOKEN_KEY, NUMBER_KEY, self.number_of)
        self.app = result_app(
            Site(
                self.door,
                self.wishes,
                limits or Limits(each=MANY, few=MANY, everybody=MANY),
                load_pages(ROOM, "Unpool", test_names=NAMES),
                session_key=SESSION_KEY,
                path="/r",
                clock=lambda: self.now,
                beat_s=beat_s,
                is_secure=False,
            )
        )
        self.client = TestClient(self.app, headers={"Accept-Language": "en"}, follow_redirects=False, client=(client, 50_000))

    def number_of(self, day: date, batch_no: int, specimen_id: str) -> str | None:
        return NUMBER

    def put(self, *rows: dict[str, object], at: datetime | None = None) -> None:
        with self.ledger.begin() as conn:
            cards.upsert_many(conn, [card_rows(*rows)], at or self.now)

    def opened(self) -> datetime | None:
        with self.ledger.begin() as conn:
            return openings.first_opened_at(conn, MINE)
