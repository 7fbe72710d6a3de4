"""T01, T02, T03, T12, C10: many messages, three of ten faulted; many workers on one queue."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.domain.words import MessageState
from pipeline.ledger import outbox
from pipeline.ledger.engine import open_ledger
from pipeline.ledger.server import Server
from tests.faults.many import scene, send_many
from tests.homes import start_child
from tests.integration.office import NOW

# In CI; `python -m tests.faults.long` sends more.
SENDS = 20_000
QUEUED, WORKERS, CLAIM = 100_000, 8, 50
# To be ready together, on a machine that has other things to do.
READY_LIMIT_S = 60.0


@pytest.mark.lengthy
@pytest.mark.timeout(900)
def test_T01_T02_T03_T12_many_sends_of_which_three_in_ten_are_faulted(
    warm: None, embedded: Server, ledger_template: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    with scene(embedded, ledger_template, tmp_path) as (office, far):
        told = send_many(SENDS, 20261120, office, far)
    assert (told.sends, told.doubled, told.lost, told.without_owner) == (SENDS, 0, 0, 0), told
    assert told.violations == []
    assert told.faulted >= 0.29 * SENDS
    assert told.late > 0
    record_property("sends", told.sends)
    record_property("faulted_sends", told.faulted)
    record_property("doubled", told.doubled)
    record_property("lost", told.lost)


def test_C10_eight_processes_claim_from_one_queue_and_get_every_message_once(
    warm: None, embedded: Server, ledger_template: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    gate = multiprocessing.get_context("fork").Barrier(WORKERS)
    with scene(embedded, ledger_template, tmp_path) as (office, _):
        office.enqueue(QUEUED)
        url = office.ledger.engine.url.render_as_string(hide_password=False)
        # A connection must not be shared with a fork.
        office.ledger.close()

        def work() -> list[str]:
            ledger = open_ledger(url)
            claimed: list[str] = []
            gate.wait(READY_LIMIT_S)
            while True:
                with ledger.begin() as conn:
                    some = outbox.claim(conn, CLAIM, "one of eight", NOW)
                if not some:
                    return claimed
                claimed += [one.message_id for one in some]

        workers = [start_child(work) for _ in range(WORKERS)]
        shares = [answer() for answer in workers]
        assert sum(map(len, shares)) == len(set().union(*shares)) == QUEUED
        assert sum(bool(share) for share in shares) > 1, "nobody was beside the first"
        assert office.states() == {MessageState.SENDING: QUEUED}
    record_property("claims", QUEUED)
