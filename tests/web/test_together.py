"""Questions asked at once are one question; none joins one that is under way; a failure reaches who asked and nobody later."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from pipeline.web.base.together import Together


def test_who_asks_at_once_is_answered_at_once() -> None:
    asked: list[list[int]] = []

    def squares(keys: Sequence[int]) -> dict[int, int]:
        asked.append(sorted(keys))
        return {key: key * key for key in keys if key != 3}

    async def ask() -> list[int | None]:
        together = Together(squares)
        return list(await asyncio.gather(*(together.ask(key) for key in (1, 2, 2, 3))))

    assert asyncio.run(ask()) == [1, 4, 4, None]
    assert asked == [[1, 2, 3]]


def test_what_is_asked_later_is_looked_up_later() -> None:
    """The second question comes while the first is under way, and must see what has changed since."""
    begun, go_on = threading.Event(), threading.Event()
    truth = ["old"]

    def look(keys: Sequence[str]) -> dict[str, str]:
        seen = truth[0]
        begun.set()
        assert go_on.wait(10)
        return dict.fromkeys(keys, seen)

    async def ask() -> list[str | None]:
        together = Together(look)
        first = asyncio.create_task(together.ask("page"))
        assert await asyncio.to_thread(begun.wait, 10)
        truth[0] = "new"
        second = asyncio.create_task(together.ask("page"))
        await asyncio.sleep(0)
        go_on.set()
        return [await first, await second]

    assert asyncio.run(ask()) == ["old", "new"]


def test_a_failure_is_everybodys_who_asked_and_of_nobody_after() -> None:
    fails = [True]

    def look(keys: Sequence[str]) -> dict[str, str]:
        if fails.pop():
            raise LookupError("away")
        return dict.fromkeys(keys, "here")

    async def ask() -> None:
        together = Together(look)
        found = await asyncio.gather(together.ask("a"), together.ask("b"), return_exceptions=True)
        assert [type(one) for one in found] == [LookupError, LookupError]
        fails.append(False)
        assert await together.ask("a") == "here"

    asyncio.run(ask())


def test_who_goes_away_takes_no_answer_from_the_others() -> None:
    async def ask() -> str | None:
        together = Together(lambda keys: dict.fromkeys(keys, "here"))
        gone, stays = asyncio.create_task(together.ask("a")), asyncio.create_task(together.ask("a"))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        return await stays

    assert asyncio.run(ask()) == "here"
