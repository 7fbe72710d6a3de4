"""Great Expectations judges our own SQL in every run: where a rule of ours lets a bad row through, nothing of the batch is believed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.ledger import holds, receipts
from pipeline.stages import intake_batch
from pipeline.stages.house import House
from pipeline.stages.run import run_all
from pipeline.stages.status import status
from tests.homes import Installation

NOW = datetime.fromisoformat("2026-11-12T18:00:00+07:00")
HEADINGS = "tube_code,collected_at,full_name,birth_date,sex,phone"
ROWS = [f"TUBE{number // 5},2026-11-12 08:30,Người Số {number},1980-05-17,F,09120{number:05}" for number in range(20)]


def work(house: House, broken_rule: str | None) -> tuple[dict[str, Any], list[tuple[str, str]], list[str]]:
    """Run everything with one rule of ours disarmed: status, (verdict, reason) of the files, reasons of open holds."""
    checks = intake_batch.run_checks

    def disarmed(connection: Any, *given: Any) -> None:
        checks(connection, *given)
        connection.execute("DELETE FROM problem WHERE rule = $rule", {"rule": broken_rule or ""})

    intake_batch.run_checks = disarmed  # in a child that ends with this test
    run_all(house, NOW, lambda *_: None)
    with house.ledger.begin() as conn:
        verdicts = [(one.verdict.value, one.reason or "") for one in receipts.listing(conn)]
        return status(house), verdicts, [one.reason.value for one in holds.open_holds(conn)]


@pytest.mark.parametrize("broken_rule", [None, "bad_sex"])
def test_a_broken_rule_of_ours_holds_the_batch(
    installation: Callable[..., Installation], tmp_path: Path, broken_rule: str | None, warm_judge: None
) -> None:
    made = installation()
    file = tmp_path / "manifest.csv"
    file.write_text("\n".join([HEADINGS, *ROWS, ROWS[0].replace(",F,", ",somebody,").replace("TUBE0", "TUBE9")]) + "\n", encoding="utf-8")
    made.receive("TEAM1", file)
    figures, verdicts, reasons = made.do(lambda house: work(house, broken_rule))
    if broken_rule is None:
        assert verdicts == [("accepted", "")]
        assert (figures["specimens"], figures["rows"]["rejected"], reasons) == (20, 1, [])
    else:
        assert verdicts == [("held", "sample_disagrees")]
        assert (figures["specimens"], figures["rows"]["held"], reasons) == (0, 21, ["sample_disagrees"])
