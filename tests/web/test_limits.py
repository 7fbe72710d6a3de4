"""W02: how often somebody may try, for each address and for all together, in a table that does not grow."""

from __future__ import annotations

import pytest

from pipeline.domain.words import PersonState
from pipeline.ledger.engine import Ledger
from pipeline.web.base.limits import Limits
from tests.cards import card_row
from tests.web.sites import MINE, RIGHT, WRONG, Here, link


def refused(limits: Limits, address: str, tries: int, now_s: float = 0.0) -> int:
    """How many of `tries` refusals were let through to be one."""
    return sum(limits.take(address, now_s) for _ in range(tries))


def test_W02_an_address_has_its_tries_and_another_its_own() -> None:
    limits = Limits(each=5, window_s=60)
    assert refused(limits, "192.0.2.1", 20) == 5
    assert refused(limits, "192.0.2.2", 20) == 5
    assert refused(limits, "192.0.2.1", 20, now_s=59) == 0
    assert refused(limits, "192.0.2.1", 20, now_s=60) == 5


def test_W02_who_is_right_spends_nothing_however_many_share_an_address() -> None:
    limits = Limits(each=5)
    for _ in range(10_000):
        assert limits.take("192.0.2.1", 0.0)
        limits.give_back("192.0.2.1")
    assert refused(limits, "192.0.2.1", 20) == 5


def test_W02_from_many_addresses_all_together_have_fewer_and_who_has_not_erred_still_enters() -> None:
    limits = Limits(each=10, few=2, everybody=100)
    passed = sum(refused(limits, f"198.51.100.{number}", 10) for number in range(50))
    assert passed == 10 * 10 + 40 * 2
    assert limits.take("203.0.113.9", 0.0)
    limits.give_back("203.0.113.9")
    assert refused(limits, "203.0.113.9", 10) == 2
    assert refused(limits, "203.0.113.9", 10, now_s=limits.window_s) == 10


def test_W02_the_table_stays_small() -> None:
    limits = Limits(addresses=100)
    for number in range(10_000):
        limits.take(f"10.0.{number // 256}.{number % 256}", 0.0)
    assert len(limits._spent) == 100


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:1::1", "2001:db8:1:1:ffff::2", True), ("2001:db8:1:1::1", "2001:db8:1:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True), ("192.0.2.1", "192.0.2.2", False),
    ],
)  # fmt: skip
def test_W02_what_one_customer_has_is_one_address(one: str, other: str, is_same: bool) -> None:
    limits = Limits(each=1)
    assert limits.take(one, 0.0)
    assert limits.take(other, 0.0) is not is_same


@pytest.mark.parametrize("address", ["", "nobody", "127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_W02_a_proxy_that_does_not_say_for_whom_it_asks_locks_nobody_out(address: str) -> None:
    limits = Limits(each=1, few=1, everybody=1)
    assert refused(limits, address, 100) == 100


def test_W02_the_page_says_so_and_spends_no_try_of_the_link(ledger: Ledger) -> None:
    here = Here(ledger, limits=Limits(each=3), client="192.0.2.1")
    here.put(card_row(MINE, PersonState.READY))
    statuses = [here.client.post("/r/nonsense", data=WRONG).status_code for _ in range(5)]
    assert statuses == [403] * 3 + [429] * 2
    # From then on alike for every link, form and date: nothing is looked at.
    answers = {here.client.post(path, data=form).text for path in (link(), "/r/nonsense") for form in (RIGHT, WRONG, {"asked": "not_me"})}
    assert len(answers) == 1 and "Too many tries" in answers.pop()
    assert here.opened() is None


def test_W02_ten_tries_at_one_link_are_refused_whatever_the_address(ledger: Ledger) -> None:
    here = Here(ledger)
    here.put(card_row(MINE, PersonState.READY))
    assert [here.client.post(link(), data=WRONG).status_code for _ in range(10)] == [403] * 10
    assert here.client.post(link(), data=RIGHT).status_code == 403
