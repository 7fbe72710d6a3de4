"""W08, F16, F21: hostile texts through every field of every form and every column of a file, into every page and every export.

Forms, fields, pages and exports are found, not listed: by the table of routes and by following what the pages show.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import select
from starlette.testclient import TestClient

from pipeline.ledger.engine import Ledger
from pipeline.ledger.tables import card
from pipeline.stages.house import House
from pipeline.stages.publish import publish
from pipeline.stages.run import run_all
from pipeline.vault.tokens import token
from pipeline.web.desk.access import Door
from pipeline.web.result.serve import page_of
from tests.cards import card_row
from tests.faults.conftest import trusting
from tests.web.desk import NOW, OF_ROLE, Town
from tests.web.hostile import Form, Page, corpus, formulas_in_csv, formulas_in_xlsx, markup_of_others, read, sharp
from tests.web.sites import MINE, Here, link
from tests.web.test_phone_server import TUBE, send

# Pages of one route that are followed: they are alike.
OF_A_ROUTE = 3
# People whose own pages are looked at, evenly out of all.
LOOKED_AT = 40
# What a phone's page lets somebody type as they like.
FREE = ("full_name", "address", "person_code")
BORN = {"day": "5", "month": "3", "year": "1984"}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def route_of(town: Town, method: str, path: str) -> Door | None:
    """The declared route of a path."""
    plain = path.partition("?")[0]
    for door in town.app.doors.all:
        if door.method == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", door.path), plain):
            return door
    return None


def seen_by(town: Town, client: TestClient, start: list[str]) -> Iterator[tuple[str, Response]]:
    """Every page that leads on from `start`, at most OF_A_ROUTE of each route."""
    waiting, known, met = list(start), set(start), dict[str, int]()
    while waiting:
        path = waiting.pop(0)
        door = route_of(town, "GET", path)
        if door is None or met.get(door.path, 0) >= OF_A_ROUTE:
            continue
        met[door.path] = met.get(door.path, 0) + 1
        answer = client.get(path)
        yield path, answer
        if answer.headers.get("content-type", "").startswith("text/html"):
            new = [one for one in Page(answer.text).links() if one not in known]
            known |= set(new)
            waiting += new


def rooms(town: Town, login: str) -> list[str]:
    role = town.person(login).role
    return [door.path for door in town.app.doors.all if door.method == "GET" and role in door.roles and "{" not in door.path]


def is_clean(answer: Response, what: object) -> None:
    """No failure, nothing as markup, nothing to calculate."""
    assert answer.status_code < 500, what
    kind = answer.headers.get("content-type", "").partition(";")[0]
    match kind:
        case "text/html":
            assert markup_of_others(answer.text) == [], what
        case "text/csv":
            assert formulas_in_csv(answer.content) == [], what
        case "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":
            assert formulas_in_xlsx(answer.content) == [], what
        case "application/pdf":
            assert answer.content.startswith(b"%PDF-"), what
        case "application/json" | "text/javascript" | "":
            pass
        case _:
            pytest.fail(f"an answer of a kind that nobody reads here: {kind}, {what}")


def forms_of(town: Town) -> dict[tuple[str, str, tuple[str, ...]], tuple[str, Form]]:
    """(method, route, fields) → who has the form, and the form."""
    found: dict[tuple[str, str, tuple[str, ...]], tuple[str, Form]] = {}
    for login in [*OF_ROLE.values(), ""]:
        client = town.client(login) if login else town.visitor()
        for path, answer in seen_by(town, client, rooms(town, login) if login else ["/sign-in"]):
            if not answer.headers.get("content-type", "").startswith("text/html"):
                continue
            for form in Page(answer.text).forms:
                form.action = form.action or path
                door = route_of(town, form.method, form.action)
                assert door, f"a form that leads nowhere: {form.action}"
                found.setdefault((door.method, door.path, tuple(form.fields)), (login, form))
    return found


def sent(client: TestClient, form: Form, values: Mapping[str, str]) -> Response:
    files = {name: (values[name] or "a.csv", values[name].encode()) for name, (kind, _) in form.fields.items() if kind == "file"}
    if files:
        return client.post(form.action, files=files)
    return client.request(form.method, form.action, data=dict(values))


def echoed(answer: Response, form: Form, values: Mapping[str, str]) -> None:
    """What is shown again in its field is what was sent."""
    if not answer.headers.get("content-type", "").startswith("text/html"):
        return
    for again in read(answer.text).forms:
        for name, (kind, offered) in again.fields.items():
            if again.action == form.action and kind == "text" and offered[0] and values.get(name, "").isprintable():
                assert offered[0] in (values[name], form.fields[name][1][0]), (form.action, name)


# Thousands of requests: a minute where nothing else runs.
@pytest.mark.lengthy
@pytest.mark.timeout(900)
def test_W08_no_text_in_any_field_of_any_form_becomes_markup_or_a_failure(
    day: Town, stack: ExitStack, record_property: Callable[[str, object], None]
) -> None:
    forms = forms_of(day)
    posts = {door.path for door in day.app.doors.all if door.method == "POST"}
    assert posts - {path for _, path, _ in forms} == {"/phone/tubes", "/phone/check"}, "those have a test of their own"
    tried, clients = 0, {login: day.client(login) for login in OF_ROLE.values()} | {"": day.visitor()}
    for client in clients.values():
        # One thread for all of its requests.
        stack.enter_context(client)
    for login, form in forms.values():
        client = clients[login]
        if not form.fields:
            continue
        everywhere = [(dict.fromkeys(form.fields, one) | form.buttons, one) for one in [*corpus(), *sharp()]]
        alone = [(form.filled() | {name: one}, one) for name in [*form.fields, *form.buttons] for one in sharp()]
        for values, one in [*everywhere, *alone]:
            answer = sent(client, form, values)
            is_clean(answer, (form.action, ascii(one)))
            echoed(answer, form, values)
            tried += 1
    record_property("requests", tried)
    for login in OF_ROLE.values():
        for path, answer in seen_by(day, clients[login], rooms(day, login)):
            is_clean(answer, path)


def test_W08_no_text_in_any_field_of_a_phone_s_tube_is_a_failure(town: Town) -> None:
    client, person = town.client("lan"), TUBE["people"][0]  # type: ignore[index]
    everywhere = [{**TUBE, "tube_code": one, "people": [{**person, **dict.fromkeys(FREE, one)}], one: one} for one in corpus()]
    alone = [{**TUBE, name: one} for name in TUBE for one in sharp()]
    alone += [{**TUBE, "people": [{**person, name: one}]} for name in person for one in sharp()]
    taken = [{**TUBE, "people": [{**person, **dict.fromkeys(FREE, one)}]} for one in [*corpus(), *sharp()]]
    for tube in [*everywhere, *alone, *taken]:
        answer = send(client, tube, "/phone/check")
        assert answer.status_code in (200, 400, 422), ascii(tube)
        assert json.loads(answer.content).keys() <= {"digest", "receipt", "reasons"}


def table(headings: str, rows: list[dict[str, Any]]) -> bytes:
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, headings.split(","), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sink.getvalue().encode("utf-8", "replace")


MANIFEST = (
    "tube_code,collected_at,full_name,birth_date,sex,phone,citizen_id,address,pool_size,specimen_code,"
    "replaces_tube,pooling_mode,site_code,person_code"
)
RESULTS = "tube_code,result,status,tested_at,resulted_at,reject_reason,ct,plate_code"


def files(payloads: list[str]) -> dict[str, list[bytes]]:
    """Sender → files. Each text stands in every column: where the row is taken in, and where it comes back."""
    people, pools = [], []
    for number, one in enumerate(payloads):
        named = {
            "full_name": one,
            "address": one,
            "site_code": one,
            "person_code": f"{one}{number}",
            "birth_date": "1984-03-05",
            "sex": "F",
        }
        for kind, mode in (("F", "field"), ("L", "lab")):
            tube = f"{kind}{number:04}X"
            for place in (1, 2):
                own = f"{tube}{place}" if mode == "lab" else ""
                row = {"tube_code": tube, "collected_at": "2026-11-19 08:30", "pool_size": "2", "pooling_mode": mode, "specimen_code": own}
                people.append(row | named | {"phone": f"09{kind == 'L':d}{number:05}{place}", "person_code": f"{one}{tube}{place}"})
            pools.append({"tube_code": tube, "result": "positive", "status": "F", "tested_at": "2026-11-19 14:00", "ct": "24"})
        single = {"tube_code": f"S{number:04}X", "collected_at": "2026-11-19 08:30", "pool_size": "1", "pooling_mode": "field"}
        people.append(single | named | {"phone": f"092{number:05}1"})
        pools.append({"tube_code": f"S{number:04}X", "result": "negative", "status": "F", "tested_at": "2026-11-19 14:00"})
    wrong_people = [people[0] | {name: one} for name in MANIFEST.split(",") for one in payloads]
    wrong_results = [pools[0] | {"plate_code": one, name: one} for name in RESULTS.split(",") for one in payloads]
    manifests = [table(MANIFEST, people), table(MANIFEST, wrong_people)]
    return {"team-a": manifests, "lab-a": [table(RESULTS, pools), table(RESULTS, wrong_results)]}


@pytest.mark.timeout(900)
def test_W08_F16_F21_what_files_say_is_text_on_every_page_and_in_every_export(
    town: Town, warm: None, record_property: Callable[[str, object], None]
) -> None:
    # No text file holds a NUL, and a lone return ends a line of it: such a file is refused as a whole (F06).
    payloads = [one for one in [*corpus(), *sharp()] if not set(one) & set("\x00\r\n")]
    for login, sender in (("lan", "team-a"), ("hoa", "lab-a")):
        for number, data in enumerate(files(payloads)[sender]):
            town.handed_in(login, data, f"{payloads[number]}<b>.csv")

    def work(house: House) -> None:
        trusting()
        run_all(house, NOW, lambda *_: None)
        publish(house, NOW + timedelta(hours=1), always=True)

    town.installation.do(work)
    exports = {door.path for door in town.app.doors.all if door.method == "GET" and door.path.endswith((".csv", ".xlsx"))}
    looked, shown = 0, ""
    for login in OF_ROLE.values():
        client = town.client(login)
        for path, answer in seen_by(town, client, rooms(town, login)):
            is_clean(answer, path)
            door = route_of(town, "GET", path)
            exports.discard(door.path if door else "")
            looked += 1
            shown += answer.text if answer.headers.get("content-type", "").startswith("text/csv") else ""
        if login in (OF_ROLE[role] for role in OF_ROLE if login in ("lan", "oanh")):
            for number in range(0, len(payloads), max(1, len(payloads) // LOOKED_AT)):
                is_clean(client.post("/search", data={"wanted": f"F{number:04}X"}), number)
    assert exports == set()
    # It came that far, and as it was: in the list to swab again, and back to the sender.
    written = {cell for row in csv.reader(io.StringIO(shown)) for cell in row}
    # With an apostrophe before it, or its own.
    cells = written | {cell.removeprefix("'") for cell in written}
    lost = [one for one in payloads if one.strip() and one not in cells]
    record_property("texts", len(payloads))
    record_property("pages", looked)
    assert lost == [], ascii(lost[:5])
    _result_pages_are_clean(town.house)


def _result_pages_are_clean(house: House) -> None:
    app, key = page_of(house), house.keys.derive("token")
    with house.ledger.begin() as conn:
        specimens = list(conn.execute(select(card.c.specimen_id).order_by(card.c.specimen_id)).scalars())
    opened = 0
    for specimen in specimens[:: max(1, len(specimens) // LOOKED_AT)]:
        client = TestClient(app, follow_redirects=True, cookies=None)
        answer = client.post(f"/r/{token(key, str(specimen))}", data=BORN)
        is_clean(answer, specimen)
        opened += answer.status_code == 200
    assert opened >= min(LOOKED_AT, len(specimens))


def test_W08_no_text_in_any_field_of_the_result_page_becomes_markup_or_a_failure(ledger: Ledger) -> None:
    here = Here(ledger)
    here.put(card_row(MINE, "ready"))
    forms = Page(here.client.get(link()).text).forms
    assert {tuple(form.fields) for form in forms} == {("day", "month", "year"), ()}
    for form in forms:
        for one in [*corpus(), *sharp()]:
            names = [*form.fields, *form.buttons]
            for values in (dict.fromkeys(form.fields, one) | form.buttons, *(form.filled() | {name: one} for name in names)):
                is_clean(here.client.post(link(), data=values), ascii(one))


@pytest.mark.parametrize(
    "text",
    [
        "<p>{}</p>".format("<img src=x onerror=alert(1)>"),
        '<input class="full" name="tube" value="" onfocus=alert(1) autofocus="">',
        "<script>alert(1)</script>",
        '<script src="//evil.example/x.js"></script>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href="//evil.example">x</a>',
        "<iframe src=/files>",
        '<p style="x">',
    ],
)
def test_markup_that_is_none_of_ours_would_be_found(text: str) -> None:
    assert markup_of_others(text)


def test_a_formula_would_be_found_in_a_file() -> None:
    from openpyxl import Workbook

    assert formulas_in_csv(b"a,=1+1\n\t@x,-5\n") == ["=1+1", "\t@x"]
    book, sink = Workbook(), io.BytesIO()
    book.active.append(["=1+1", "x"])
    book.save(sink)
    assert formulas_in_xlsx(sink.getvalue()) == ["=1+1"]
