"""Where the phone's tubes arrive: what is taken, what is refused with its reasons, and that one content is taken once."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import threading
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from starlette.testclient import TestClient

from pipeline.domain.words import Mode, Verdict
from pipeline.intake.inbox import claim
from pipeline.ledger import receipts
from pipeline.quality.texts import reasons
from pipeline.stages import hand_in
from pipeline.stages.take_tube import FinishedTube, Swabbed, findings
from pipeline.web.base.shield import HEADERS, POLICY
from pipeline.web.desk import phone
from pipeline.web.desk.phone import ASSETS, DECODER, FILES, LARGEST_TUBE
from tests.web.desk import NOW, Town
from tests.web.phone import arrived
from tests.web.vendor_zxing import DIGESTS, HERE, digests

PERSON = {
    "full_name": "Nguyễn Thị Lan",
    "birth_date": "1984-03-05",
    "sex": "F",
    "phone": "0901234567",
    "citizen_id": "079184001234",
    "address": "12 Đường số 3",
    "person_code": "",
    "specimen_code": "",
}
OTHER = PERSON | {"full_name": "Trần Văn Minh", "birth_date": "1990", "sex": "M", "citizen_id": ""}
TUBE = {
    "form": 3,
    "site_code": "TRAM-7",
    "pooling_mode": "",
    "tube_code": "FLB6092",
    "collected_at": "2026-11-20T09:30:00",
    "replaces_tube": "",
    "people": [PERSON, OTHER],
}


def send(client: TestClient, tube: object, path: str = "/phone/tubes", key: str | None = None) -> Response:
    body = tube if isinstance(tube, bytes) else json.dumps(tube).encode()
    return client.post(path, content=body, headers={"Idempotency-Key": key or hashlib.sha256(body).hexdigest()})


def changed(**more: object) -> dict[str, Any]:
    return {**deepcopy(TUBE), **more}


def with_person(**more: object) -> dict[str, Any]:
    return changed(people=[PERSON | more, OTHER])


def codes(answer: Response) -> list[tuple[str, int | None, str]]:
    return [(one["code"], one["place"], one["field"]) for one in answer.json()["reasons"]]


def test_a_tube_becomes_a_manifest_in_its_team_s_inbox_and_comes_through(town: Town) -> None:
    answer = send(town.client("lan"), TUBE)
    assert answer.status_code == 200
    told = answer.json()
    assert told["digest"] == hashlib.sha256(json.dumps(TUBE).encode()).hexdigest()
    assert re.fullmatch("[0-9a-f]{64}", told["receipt"])
    rows = arrived(town)
    assert [row["full_name"] for row in rows] == ["Nguyễn Thị Lan", "Trần Văn Minh"]
    assert {(row["tube_code"], row["collected_at"], row["pool_size"], row["pooling_mode"], row["site_code"]) for row in rows} == {
        ("FLB6092", "2026-11-20T09:30:00", "2", "field", "TRAM-7")
    }
    town.installation.run(NOW)
    with town.house.ledger.begin() as conn:
        (receipt,) = receipts.listing(conn)
    assert (receipt.sha256, receipt.sender) == (told["receipt"], "team-a")
    assert town.client("lan").get(f"/files/{told['receipt']}").status_code == 200
    assert (receipt.verdict, receipt.rows_accepted, receipt.rows_rejected) == (Verdict.ACCEPTED, 2, 0)


@pytest.mark.parametrize(("form", "unknown"), [(1, ("site_code", "pooling_mode")), (2, ("pooling_mode",))])
def test_what_a_phone_finished_by_an_earlier_form_is_taken(town: Town, form: int, unknown: tuple[str, ...]) -> None:
    older = {name: value for name, value in changed(form=form).items() if name not in unknown}
    assert send(town.client("lan"), older).status_code == 200
    assert {(row["site_code"], row["pooling_mode"]) for row in arrived(town)} == {("" if form == 1 else "TRAM-7", "field")}


def test_C08_the_same_content_is_taken_once_however_often_and_by_whom_it_comes(town: Town) -> None:
    clients = [town.client("lan") for _ in range(8)]
    answers: list[Response] = []
    threads = [threading.Thread(target=lambda client=client: answers.append(send(client, TUBE))) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.json()["receipt"] for answer in answers}) == 1
    assert len(arrived(town)) == 2
    assert len(claim(town.house.home.inbox, town.house.home.claimed, 10, NOW.timestamp())) == 1
    assert send(clients[0], TUBE).json()["receipt"] == answers[0].json()["receipt"]
    assert arrived(town) == [], "also when the file has long been taken in"
    assert send(town.client("minh"), TUBE).status_code == 200
    assert len(arrived(town, "team-b")) == 2, "another team's file is another file"


def test_C01_killed_between_inbox_and_ledger_the_tube_is_asked_for_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    client = town.client("lan")

    def dies(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        # The file lies in the inbox; the transaction that says so is never written down.
        real = hand_in.receive
        patch.setattr(hand_in, "receive", lambda *given: dies(real(*given)))
        assert send(client, TUBE).status_code == 500
    assert send(client, TUBE).status_code == 200
    town.installation.run(NOW)
    with town.house.ledger.begin() as conn:
        found = receipts.listing(conn)
    assert sum(one.rows_accepted for one in found) == 2 and sum(one.rows_duplicate for one in found) == 2


WRONG: list[tuple[dict[str, Any], str, int | None, str]] = [
    (changed(tube_code="UP000000A"), "bad_tube_code", None, "tube_code"),
    (changed(tube_code="Ống 1"), "bad_tube_code", None, "tube_code"),
    (changed(replaces_tube="#"), "bad_replaces_tube", None, "replaces_tube"),
    (changed(collected_at="2026-11-20T19:00:01"), "future_collected_at", None, "collected_at"),
    (changed(collected_at="2026-10-20T09:30:00"), "too_old_collected", None, "collected_at"),
    (changed(people=[OTHER | {"full_name": f"A {n}"} for n in range(21)]), "pool_too_large", None, "people"),
    (changed(people=[PERSON, PERSON]), "person_twice_in_tube", 2, "people"),
    (changed(people=[OTHER, OTHER | {"full_name": "TRAN van  minh"}]), "person_twice_in_tube", 2, "people"),
    (with_person(full_name=""), "missing_identity", 1, "full_name"),
    (with_person(phone=""), "missing_identity", 1, "phone"),
    (with_person(birth_date="1984-02-31"), "bad_birth_date", 1, "birth_date"),
    (with_person(birth_date="1879", citizen_id=""), "bad_birth_date", 1, "birth_date"),
    (with_person(birth_date="2026-11-21", citizen_id=""), "bad_birth_date", 1, "birth_date"),
    (with_person(citizen_id="07918400123"), "bad_citizen_id", 1, "citizen_id"),
    (with_person(sex="M"), "citizen_id_disagrees", 1, "citizen_id"),
    (with_person(specimen_code="!"), "bad_specimen_code", 1, "specimen_code"),
]


def test_what_would_come_back_is_refused_at_once_with_its_reason(town: Town) -> None:
    client = town.client("lan")
    for tube, code, place, field in WRONG:
        answer = send(client, tube)
        assert answer.status_code == 422 and codes(answer) == [(code, place, field)]
        assert code in reasons(), "a reason of the row rules, which the page has the words for"
        assert codes(send(client, tube, "/phone/check")) == codes(answer)
    assert arrived(town) == []


def test_other_modes_need_the_person_s_own_tube(town: Town) -> None:
    people = tuple(Swabbed(**one) for one in (PERSON, OTHER))
    tube = FinishedTube("FLB6092", NOW.replace(tzinfo=None) - timedelta(hours=1), "TRAM-7", None, "", people)
    kept = replace(town.house.programme, default_mode=Mode.LAB)
    assert {one.code for one in findings(tube, kept, NOW.replace(tzinfo=None))} == {"missing_specimen_code"}
    assert findings(replace(tube, people=people[:1]), kept, NOW.replace(tzinfo=None)) == []
    chosen = replace(tube, mode=Mode.LAB)
    assert {one.code for one in findings(chosen, town.house.programme, NOW.replace(tzinfo=None))} == {"missing_specimen_code"}
    assert findings(replace(tube, mode=Mode.FIELD), kept, NOW.replace(tzinfo=None)) == []
    none_of_ours = replace(town.house.programme, modes=frozenset({Mode.FIELD}))
    assert [(one.code, one.field) for one in findings(chosen, none_of_ours, NOW.replace(tzinfo=None)) if one.place is None] == [
        ("unknown_mode", "pooling_mode")
    ]


NO_TUBE: list[object] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    changed(form=4),
    changed(pooling_mode="mixed"),
    changed(pooling_mode=None),
    changed(site_code="A" * 33),
    changed(more="x"),
    changed(people=[]),
    changed(people=[OTHER] * 101),
    changed(people=[PERSON | {"result": "negative"}]),
    changed(people=[{key: value for key, value in PERSON.items() if key != "phone"}]),
    changed(collected_at="2026-11-20 09:30:00"),
    changed(collected_at="2026-13-20T09:30:00"),
    changed(tube_code=6092),
    changed(tube_code="A" * 65),
    with_person(full_name="A" * 301),
    with_person(full_name="An\nBình"),
    with_person(full_name="An\u2028Bình"),
    with_person(full_name="An\x00"),
    with_person(full_name=None),
    with_person(sex="W"),
    with_person(birth_date="5/3/1984"),
    b'{"form":1,"tube_code":"\\ud800","collected_at":"2026-11-20T09:30:00","replaces_tube":"","people":[]}',
]


def test_what_is_no_tube_is_refused_and_nothing_of_it_is_said_again(town: Town, capfd: pytest.CaptureFixture[str]) -> None:
    client = town.client("lan")
    said = ""
    for tube in NO_TUBE:
        answer = send(client, tube)
        assert answer.status_code == 400, tube
        assert {code for code, *_ in codes(answer)} == {"no_tube"}
        said += answer.text
    said += "".join(capfd.readouterr())
    assert not any(word in said for word in ("Nguyễn", "0901234567", "Bình", "negative", '"more"'))
    assert arrived(town) == []


def test_W12_too_large_is_refused_before_it_is_read(town: Town) -> None:
    client = town.client("lan")
    assert codes(send(client, b" " * (LARGEST_TUBE + 1))) == [("tube_too_large", None, "tube")]
    largest = json.dumps(TUBE).encode().ljust(LARGEST_TUBE)
    assert send(client, largest).status_code == 200


def test_a_key_that_is_not_the_content_s_digest_is_refused(town: Town) -> None:
    client, body = town.client("lan"), json.dumps(TUBE).encode()
    for key in ("", "0" * 64, "ß"):
        answer = client.post("/phone/tubes", content=body, headers={"Idempotency-Key": key.encode("latin-1")})
        assert answer.status_code == 400 and codes(answer) == [("other_key", None, "tube")]
    assert arrived(town) == []


def test_check_only_takes_nothing_in(town: Town) -> None:
    answer = send(town.client("lan"), TUBE, "/phone/check")
    assert answer.status_code == 200 and answer.json()["receipt"] is None
    assert arrived(town) == []


def test_W06_a_foreign_page_sends_nothing(town: Town) -> None:
    client = town.client("lan")
    client.headers["Sec-Fetch-Site"] = "cross-site"
    assert send(client, TUBE).status_code == 403
    assert arrived(town) == []


def test_formula_characters_and_quotes_arrive_as_they_are_typed(town: Town) -> None:
    odd = '=HYPERLINK("x"),;"An"'
    assert send(town.client("lan"), with_person(full_name=odd, address="+84, 'x'")).status_code == 200
    assert next((row["full_name"], row["address"]) for row in arrived(town)) == (odd, "+84, 'x'")


def test_names_are_composed_and_trimmed(town: Town) -> None:
    assert send(town.client("lan"), with_person(full_name="  Nguye\u0302\u0303n  ")).status_code == 200
    assert arrived(town)[0]["full_name"] == "Nguyễn"


def test_W07_webassembly_is_for_the_decoder_s_worker_alone(town: Town) -> None:
    client = town.client("lan")
    paths = ["/phone/", "/phone/sw.js", "/phone/me", "/phone/texts.json"]
    paths += [ASSETS + file.relative_to(FILES).as_posix() for file in FILES.rglob("*") if file.is_file()]
    allowed = {path for path in paths if "wasm-unsafe-eval" in client.get(path).headers[POLICY]}
    assert allowed == {DECODER}
    assert client.get(DECODER).headers[POLICY].replace(" 'wasm-unsafe-eval'", "") == HEADERS[POLICY]
    for path in paths:
        assert "unsafe-inline" not in client.get(path).headers[POLICY] and " 'unsafe-eval'" not in client.get(path).headers[POLICY]


def test_the_shell_is_the_same_for_everybody_and_whole(town: Town) -> None:
    """Every file that a phone must keep is in the worker's list, is there, and has a type that browsers take."""
    pages = {town.client(login).get("/phone/").text for login in ("lan", "minh")}
    assert len(pages) == 1 and "lan" not in re.findall(r"\w+", re.sub(r'lang="vi"', "", next(iter(pages))))
    worker = town.visitor().get("/phone/sw.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    shell = json.loads(worker.text.split("\n")[0].removeprefix("const SHELL = ").removesuffix(";"))
    assert {"/phone/", "/phone/texts.json", f"{ASSETS}page.js", f"{ASSETS}vendor/zxing/zxing_reader.wasm"} <= set(shell)
    assert "/phone/me" not in shell
    types = {".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css", ".svg": "image/svg+xml"}
    client = town.client("lan")
    for path in shell:
        answer = client.get(path)
        assert answer.status_code == 200, path
        kind = next((kind for ending, kind in types.items() if path.endswith(ending)), "")
        assert answer.headers["content-type"].startswith(kind), path


def test_the_worker_changes_with_any_file_of_the_shell(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = town.visitor().get("/phone/sw.js").text
    copy = tmp_path / "phone"
    shutil.copytree(FILES, copy)
    monkeypatch.setattr(phone, "FILES", copy)
    assert town.visitor().get("/phone/sw.js").text == before
    (copy / "vendor/zxing/share.js").write_text("// another")
    assert town.visitor().get("/phone/sw.js").text != before


def test_every_text_that_the_page_asks_for_is_there_in_each_language(town: Town) -> None:
    said = town.visitor().get("/phone/texts.json").json()
    source = "".join(file.read_text(encoding="utf-8") for file in [*FILES.glob("*.js"), FILES / "index.html"])
    keys = set(re.findall(r'["`](phone\.[a-z_.]+[a-z])["`]', source)) | set(re.findall(r'data-t="([^"]+)"', source))
    assert len(keys) > 60
    for language in ("vi", "en"):
        assert keys - said[language].keys() == set()
        assert set(reasons()) == {key.removeprefix("reason.") for key in said[language] if key.startswith("reason.")}
    for key in said["vi"]:
        filled = [sorted(re.findall(r"{\w+}", said[language][key])) for language in ("vi", "en")]
        assert filled[0] == filled[1], key


def test_the_reader_of_codes_is_what_was_vendored_and_names_no_other_host() -> None:
    assert digests(HERE) == DIGESTS
    wasm = DIGESTS["zxing_reader.wasm"]
    assert wasm in (HERE / "reader.js").read_text(), "the package itself says what its wasm is"
    assert not re.search(r"https?://", (HERE / "share.js").read_text() + (HERE / "reader.js").read_text())


def test_what_me_says_is_the_account_s(town: Town) -> None:
    told = {login: town.client(login).get("/phone/me").json() for login in ("lan", "minh")}
    assert (told["lan"]["account"], told["lan"]["place"], told["minh"]["place"]) == ("lan", "team-a", "team-b")
    assert told["lan"]["programme"]["own_tube_prefix"] == "UP"
