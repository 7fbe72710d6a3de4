"""A small town's two days: every outcome that makes messages, lists and holds, in a few rows. The same facts for each fault."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from tests.homes import Installation

DAY_1 = datetime.fromisoformat("2026-11-12T18:00:00+07:00")
DAY_2 = DAY_1 + timedelta(hours=20)
# After a crash: long enough for a dead sender to be noticed, looked up, and for silent statuses to be read back.
CALMS = tuple(DAY_2 + timedelta(minutes=minutes) for minutes in (0, 3, 6, 9, 90))

MANIFEST = "tube_code,collected_at,full_name,birth_date,sex,phone,citizen_id,address,pool_size,specimen_code,replaces_tube,pooling_mode"
RESULTS = "tube_code,result,status,tested_at,ct,reject_reason"


def person(
    number: int, tube: str, *, size: int, day: int = 12, own: str = "", replaces: str = "", mode: str = "field", phone: str = ""
) -> str:
    """One manifest row; the number makes the person."""
    phone = phone or f"09120{number:05}"
    born = f"19{50 + number % 40}-0{1 + number % 9}-1{number % 10}"
    return f"{tube},2026-11-{day} 08:30,Người Số {number},{born},M,{phone},,{number} đường Thử,{size},{own},{replaces},{mode}"


def result(tube: str, word: str, *, status: str = "F", at: str = "12 14:00", ct: str = "", reason: str = "") -> str:
    return f"{tube},{word},{status},2026-11-{at},{ct},{reason}"


def sheet(heading: str, rows: list[str]) -> bytes:
    return ("\n".join([heading, *rows]) + "\n").encode()


FIRST_DAY: dict[str, dict[str, bytes]] = {
    "TEAM1": {
        "sang.csv": sheet(
            MANIFEST,
            [
                *(person(n, "LP1", size=3, own=f"LP1-{n}", mode="lab") for n in (1, 2, 3)),
                *(person(n, "FP2", size=3) for n in (4, 5, 6)),
                *(person(n, "FP3", size=2) for n in (7, 8)),
                person(9, "FP4", size=1, phone="+1 555"),
                person(10, "FP5", size=1),
            ],
        )
    },
    "LAB1": {
        "vong_1.csv": sheet(RESULTS, [result("LP1", "positive", ct="24"), result("FP2", "negative"), result("FP3", "positive", ct="20")])
    },
}
SECOND_DAY: dict[str, dict[str, bytes]] = {
    "TEAM1": {
        "chieu.csv": sheet(
            MANIFEST,
            [
                person(7, "SP7", size=1, day=13, replaces="FP3"),
                person(8, "SP8", size=1, day=13, replaces="FP3"),
                person(11, "FP6", size=2, day=13),
                person(12, "FP6", size=2, day=13, phone="12"),
            ],
        ),
        "sang_lai.csv": FIRST_DAY["TEAM1"]["sang.csv"],
    },
    "LAB1": {
        "vong_2.csv": sheet(
            RESULTS,
            [
                *(result(f"LP1-{n}", word, at="13 10:00") for n, word in ((1, "negative"), (2, "positive"), (3, "negative"))),
                result("SP7", "negative", at="13 11:00"),
                result("NOWHERE", "negative", at="13 11:00"),
                result("FP2", "positive", status="C", at="12 14:00", ct="30"),
                result("FP5", "perhaps", at="12 14:00"),
            ],
        ),
        "leer.csv": b"tube_code,result,tested_at\n",
    },
}


def singles(name: str, first: int, people: int) -> dict[str, dict[str, bytes]]:
    """People who are all alike, tested alone and negative."""
    numbers = range(first, first + people)
    return {
        "TEAM1": {f"toi_{name}.csv": sheet(MANIFEST, [person(n, f"TP{n}", size=1, day=13) for n in numbers])},
        "LAB1": {f"vong_{name}.csv": sheet(RESULTS, [result(f"TP{n}", "negative", at="13 12:00") for n in numbers])},
    }


# So many that telling them takes a while. On Airflow only.
THIRD_DAY_PEOPLE = 30
THIRD_DAY = singles("3", 101, THIRD_DAY_PEOPLE)


def drop(installation: Installation, files: dict[str, dict[str, bytes]], folder: Path, rename: str = "{}") -> None:
    """Put files into the inbox as `unpool receive` does; `rename` gives them other names."""
    for sender, named in files.items():
        paths = []
        for name, data in named.items():
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / rename.format(name)
            path.write_bytes(data)
            paths.append(path)
        installation.receive(sender, *paths)
