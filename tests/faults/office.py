"""An installation with a stand-in for Twilio, and files for it in a few words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.domain.words import Choice
from pipeline.ledger import holds, receipts
from pipeline.stages import answer as answers
from pipeline.stages.house import House
from pipeline.stages.rebuild import rebuild
from pipeline.stages.run import run_all
from pipeline.stages.verify import verify
from tests.homes import Installation

NOW = datetime.fromisoformat("2026-11-12T18:00:00+07:00")
MINUTE = timedelta(minutes=1)
MANIFEST = "tube_code,collected_at,full_name,birth_date,sex,phone"
RESULTS = "tube_code,result,tested_at"


@dataclass
class Office:
    """An installation with a stand-in, and files for it."""

    installation: Installation
    folder: Path
    accepted: Callable[[], int]

    def manifest(self, name: str, people: int, size: int = 1, prefix: str = "T") -> None:
        rows = [
            f"{prefix}{number // size:05},2026-11-12 08:30,Người Số {number},1980-05-17,F,09{12_000_000 + number}"
            for number in range(people)
        ]
        self.drop("TEAM1", name, [MANIFEST, *rows])

    def results(self, name: str, calls: list[str], prefix: str = "T", lab: str = "LAB1") -> None:
        self.drop(lab, name, [RESULTS, *(f"{prefix}{number:05},{call},2026-11-12 14:00" for number, call in enumerate(calls))])

    def drop(self, sender: str, name: str, lines: list[str]) -> None:
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.installation.receive(sender, path)

    def run(self, minutes: int = 0) -> None:
        self.do(lambda house: run_all(house, NOW + minutes * MINUTE, lambda *_: None) and None)

    def do(self, work: Callable[[House], Any]) -> Any:
        return self.installation.do(work)

    def open_holds(self) -> list[holds.Hold]:
        def look(house: House) -> list[holds.Hold]:
            with house.ledger.begin() as conn:
                return holds.open_holds(conn)

        return self.do(look)

    def files(self) -> list[tuple[str, str, str]]:
        def look(house: House) -> list[tuple[str, str, str]]:
            with house.ledger.begin() as conn:
                return [(one.file_name, one.verdict.value, one.reason or "") for one in receipts.listing(conn)]

        return self.do(look)

    def say(self, hold: holds.Hold, who: str, choice: Choice = Choice.RELEASE) -> answers.Answered:
        return self.do(lambda house: answers.answer(house, hold.hold_id[:8], choice, who=who, why="looked at it", now=NOW))

    def assert_whole(self) -> None:
        """Nothing is broken, and everything could be made anew."""

        def check(house: House) -> tuple[list[str], list[str], str, str]:
            before = verify(house)
            done = rebuild(house, NOW)
            return before, verify(house), done.before, done.after

        before, after, state, rebuilt = self.do(check)
        assert (before, after) == ([], [])
        assert state == rebuilt
