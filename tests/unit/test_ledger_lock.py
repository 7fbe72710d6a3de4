"""The writer's lock where the ledger's database goes away while it is asked for."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from pipeline.errors import LedgerUnavailable
from pipeline.ledger.engine import _take


class CutOff:
    """A connection whose server has gone."""

    def execute(self, *_: Any) -> None:
        raise OperationalError("SELECT", {}, psycopg.errors.AdminShutdown("cut off"))


def test_C14_a_connection_cut_off_before_the_lock_is_worth_another_try() -> None:
    with pytest.raises(LedgerUnavailable):
        _take(CutOff(), 1.0)  # type: ignore[arg-type]
