"""The result page under 32 clients, over a bare Starlette "hello" that answers beside it: requests a second, and the longest waits.

Each server is a process of its own, as each serves people; the clients are one more and speak plain sockets, so that they cost little
beside the servers. `read` is the page after the birth date (ledger and template), `ask` the form of a link, `open` a right birth date.
Turn by turn, so that all share what the machine does meanwhile. Prints one JSON object as its last line: `python -m tests.bench.page`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psutil
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipeline.domain.words import PersonState
from pipeline.ledger import cards, server
from pipeline.settings import Settings
from pipeline.stages.house import House, open_house
from pipeline.stages.init import init
from pipeline.vault import finder
from pipeline.vault.identity import COLUMNS, write_batch
from pipeline.vault.indexes import make_indexes
from pipeline.vault.keys import KeyPurpose
from pipeline.vault.sessions import session
from pipeline.vault.tokens import token
from pipeline.web.base.app import serve_app
from pipeline.web.result.serve import page_of
from tests.cards import DAY, card_row, card_rows

CLIENTS = 32
PEOPLE = 1_000
# In their batch of the vault: what is looked up for one person must not hang on how many came that day.
IN_THE_BATCH = 200_000
BORN = "1984-03-05"
FORM = b"asked=open&day=5&month=3&year=1984"
RESULT_URL = "http://127.0.0.1/r"
START_LIMIT_S = 60.0


@dataclass(frozen=True)
class Server:
    """A process that serves."""

    port: int
    pid: int

    @property
    def cpu_s(self) -> float:
        used = psutil.Process(self.pid).cpu_times()
        return float(used.user + used.system)


@dataclass(frozen=True)
class Load:
    """What clients ask one server for: whole requests, each in turn, and the status that they must get."""

    name: str
    at: Server
    requests: Sequence[bytes]
    status: int


@dataclass(frozen=True)
class Turn:
    """per_s: answers a second; cpu_s: of the server for each, without PostgreSQL's; waits: seconds of each answer."""

    per_s: float
    cpu_s: float
    waits: list[float]
    errors: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=2_000, help="of each kind in a turn, of `open` a quarter")
    parser.add_argument("--turns", type=int, default=11)
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="unpool-page-")))
        hello = stack.enter_context(serving(_serve_hello))
        settings = Settings(home=folder / "home", programme="vietnam", result_url=RESULT_URL)
        stack.callback(server.stop, settings.home)
        tokens, cookies = prepare(settings)
        page = stack.enter_context(serving(_serve_page, settings))
        loads = (
            Load("hello", hello, [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], 200),
            Load("read", page, [_get("/r/", cookie) for cookie in cookies], 200),
            Load("ask", page, [_get(f"/r/{one}") for one in tokens], 200),
            Load("open", page, [_post(f"/r/{one}", FORM) for one in tokens], 303),
        )
        turns: dict[str, list[Turn]] = {load.name: [] for load in loads}
        for load in loads:
            asyncio.run(ask(load, CLIENTS * 4))
        for _ in range(asked.turns):
            for load in loads:
                requests = asked.requests // 4 if load.name == "open" else asked.requests
                turns[load.name].append(asyncio.run(ask(load, requests)))
    print(json.dumps(figures_of(turns)))


def figures_of(turns: dict[str, list[Turn]]) -> dict[str, float]:
    """Ratios are of each turn by itself, and the median counts."""
    found: dict[str, float] = {"page_errors": float(sum(turn.errors for every in turns.values() for turn in every))}
    for name, every in turns.items():
        waits = sorted(wait for turn in every for wait in turn.waits)
        found[f"page_{name}_per_s"] = median(turn.per_s for turn in every)
        found[f"page_{name}_cpu_us"] = 1e6 * median(turn.cpu_s for turn in every)
        found[f"page_{name}_p99_ms"] = 1e3 * waits[int(len(waits) * 0.99)]
        if name != "hello":
            found[f"page_{name}_ratio"] = median(turn.per_s / one.per_s for turn, one in zip(every, turns["hello"], strict=True))
    return found


async def ask(load: Load, requests: int) -> Turn:
    """CLIENTS ask one after the other, each on a connection that stays, until all have been answered."""
    todo, waits, errors = iter(range(requests)), [], 0

    async def client() -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection("127.0.0.1", load.at.port)
        for number in todo:
            begin = time.perf_counter()
            writer.write(load.requests[number % len(load.requests)])
            status = await _answer(reader)
            waits.append(time.perf_counter() - begin)
            errors += status != load.status
        writer.close()

    begin, used = time.perf_counter(), load.at.cpu_s
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return Turn(requests / (time.perf_counter() - begin), (load.at.cpu_s - used) / requests, waits, errors)


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    begin = head.index(b"content-length: ") + len(b"content-length: ")
    await reader.readexactly(int(head[begin : head.index(b"\r", begin)]))
    return int(head[9:12])


def _get(path: str, cookie: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Language: vi\r\nCookie: page={cookie}\r\n\r\n".encode()


def _post(path: str, form: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n\r\n"
    )
    return head.encode() + form


def prepare(settings: Settings) -> tuple[list[str], list[str]]:
    """PEOPLE with cards and a vault; their tokens, and the cookies of their opened pages."""
    import pyarrow as pa

    init(settings)
    now = datetime.now(UTC)
    everybody = [str(uuid.UUID(int=number)) for number in range(1, IN_THE_BATCH + 1)]
    people = everybody[:: IN_THE_BATCH // PEOPLE]
    with open_house(settings) as house:
        same = {name: pa.array([""] * IN_THE_BATCH) for name in COLUMNS}
        rows = same | {"specimen_id": pa.array(everybody), "birth_date": pa.array([BORN] * IN_THE_BATCH)}
        ref = write_batch(house.keys, 1, DAY, pa.table(rows))
        make_indexes(house.keys, ref, finder.prints(house.keys, house.programme.phones), lambda write: write())
        with house.ledger.begin() as conn:
            cards.upsert_many(conn, [card_rows(*(card_row(one, PersonState.READY) for one in people))], now)
        tokens = [token(house.keys.derive(KeyPurpose.TOKEN), one) for one in people]
        return tokens, [session(house.keys.derive(KeyPurpose.SESSION), one, now) for one in tokens]


async def _hello(_: Request) -> Response:
    return PlainTextResponse("hello")


def _serve_hello(port: int) -> None:
    uvicorn.run(Starlette(routes=[Route("/", _hello)]), host="127.0.0.1", port=port, access_log=False, log_level="warning")


def _serve_page(port: int, settings: Settings) -> None:
    with open_house(settings) as house:
        _serve(house, port)


def _serve(house: House, port: int) -> None:
    serve_app(page_of(house), port)


@contextmanager
def serving(target: object, *arguments: object) -> Iterator[Server]:
    """A server in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = multiprocessing.get_context("spawn").Process(target=target, args=(port, *arguments), daemon=True)  # type: ignore[arg-type]
    process.start()
    until = time.monotonic() + START_LIMIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            if not process.is_alive() or time.monotonic() > until:
                raise RuntimeError("a server did not start") from None
            process.join(0.05)
    try:
        assert process.pid is not None
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.join()


if __name__ == "__main__":
    main()
