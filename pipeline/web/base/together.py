"""Questions that come at the same moment, asked as one: many people read, and the ledger is asked once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class Together(Generic[Key, Answer]):
    """`ask_all` gets the keys that wait, and gives the answers of those that have one. It runs in a thread, one at a time.

    A question never joins one that is under way: what it is told was true after it was asked.
    """

    def __init__(self, ask_all: Callable[[Sequence[Key]], Mapping[Key, Answer]]) -> None:
        self._ask_all = ask_all
        self._waiting: dict[Key, list[asyncio.Future[Answer | None]]] = {}
        self._work: asyncio.Task[None] | None = None

    async def ask(self, key: Key) -> Answer | None:
        """None where `ask_all` has no answer. Raises what `ask_all` raised."""
        mine: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(mine)
        if self._work is None:
            self._work = asyncio.create_task(self._answer())
        return await mine

    async def _answer(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, {}
                await self._answer_these(asked)
        finally:
            self._work = None

    async def _answer_these(self, asked: Mapping[Key, Sequence[asyncio.Future[Answer | None]]]) -> None:
        found: Mapping[Key, Answer] = {}
        failed: Exception | None = None
        try:
            found = await run_in_threadpool(self._ask_all, list(asked))
        except Exception as error:  # noqa: BLE001  # whoever asked gets it
            failed = error
        for key, waiting in asked.items():
            # Whose browser has gone waits no more.
            for one in (one for one in waiting if not one.done()):
                if failed is None:
                    one.set_result(found.get(key))
                else:
                    one.set_exception(failed)
