"""The desk while one account hands in a thousand files, sixteen at a time: how long everybody else waits for a page, over what they wait alone.

W12 asks for p95 under 500 ms. The desk, the crowd of uploads and the one who waits are processes of their own, on the machine's cores
together. Prints one JSON object as its last line: `python -m tests.bench.uploads`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice, takewhile
from pathlib import Path

import httpx

from pipeline.domain.words import Role
from pipeline.ledger import accounts, server
from pipeline.settings import Settings
from pipeline.stages.house import open_house
from pipeline.stages.init import init
from pipeline.vault.passwords import Passwords
from pipeline.web.desk.serve import serve
from tests.bench.page import serving

AT_ONCE = 16
ROWS = 200
LOOKS = 300
PASSWORD = "a password of the benchmark"
PEOPLE = {"uploads": (Role.TEAM, "TEAM1"), "waits": (Role.TEAM, "TEAM2")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=1_000)
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="unpool-uploads-")))
        settings = Settings(home=folder / "home", programme="vietnam")
        stack.callback(server.stop, settings.home)
        prepare(settings)
        desk = stack.enter_context(serving(_serve_desk, settings))
        print(json.dumps(measured(f"http://127.0.0.1:{desk.port}", asked.files)))


def measured(address: str, files: int) -> dict[str, float]:
    """Figures; those who wait look at their files, as after every upload of their own."""
    waiting = signed_in(address, "waits")
    alone = list(islice(looks(waiting), LOOKS))
    crowd = multiprocessing.get_context("spawn").Process(target=flood, args=(address, files), daemon=True)
    crowd.start()
    begin = time.perf_counter()
    beside = list(takewhile(lambda _: crowd.is_alive(), looks(waiting)))
    took = time.perf_counter() - begin
    crowd.join()
    if crowd.exitcode:
        raise RuntimeError("not every file was taken")
    return {
        "uploads_files": float(files),
        "uploads_per_s": files / took,
        "uploads_alone_p95_ms": 1e3 * _p95(alone),
        "uploads_beside_p95_ms": 1e3 * _p95(beside),
        "uploads_looks": float(len(beside)),
    }


def looks(client: httpx.Client) -> Iterator[float]:
    """Seconds of each look at a page, without end. Raises httpx.HTTPStatusError where one is refused."""
    while True:
        begin = time.perf_counter()
        client.get("/files").raise_for_status()
        yield time.perf_counter() - begin


def flood(address: str, files: int) -> None:
    """Hand in `files` manifests, each another one, over AT_ONCE connections."""
    client = signed_in(address, "uploads")

    def hand_in(number: int) -> None:
        rows = [f"T{number:05}{row // 5:03},2026-11-12 08:30,Người Số {row},1980-05-17,F,09{12_000_000 + row}" for row in range(ROWS)]
        content = "\n".join(["tube_code,collected_at,full_name,birth_date,sex,phone", *rows]) + "\n"
        answer = client.post("/files", files={"file": (f"{number}.csv", content)})
        if answer.status_code != 303:
            raise RuntimeError(f"an upload was answered {answer.status_code}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(hand_in, range(files)))


def signed_in(address: str, login: str) -> httpx.Client:
    client = httpx.Client(base_url=address, headers={"Accept": "text/html"}, timeout=60)
    assert client.post("/sign-in", data={"login": login, "password": PASSWORD}).status_code == 303
    return client


def prepare(settings: Settings) -> None:
    init(settings)
    hashed = Passwords().hash(PASSWORD)
    with open_house(settings) as house, house.ledger.begin() as conn:
        for login, (role, place) in PEOPLE.items():
            accounts.add(conn, login, hashed, role, place, datetime.now(UTC))


def _p95(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.95)]


def _serve_desk(port: int, settings: Settings) -> None:
    with open_house(settings) as house:
        serve(house, port)


if __name__ == "__main__":
    main()
