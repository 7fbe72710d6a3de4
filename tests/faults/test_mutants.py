"""P13: a small wrong change to the rules, the decisions or the outbox is noticed by a test. The whole is `make mutants`; here a sample."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.mutants import nursery, python, sql
from tests.faults.mutants.herds import HERDS, ROOT, excuses
from tests.faults.mutants.nursery import Nursery, Unsound
from tests.faults.mutants.run import FOUND, Toll, digests, judged_thriftily, new_survivors, remembered, write
from tests.faults.report import mutants as added_up

# None of the outbox: what its thorough tests find without any mutant depends on how busy the machine is, and they would accuse the innocent.
SAMPLE = {"decide": 4, "domain": 5}
SEED = 13
LEAST = 0.95
RULE, CODES = "sql/decide/verdict.sql", "pipeline/domain/tube_codes.py"
TESTS = (
    "tests/unit/test_domain_tube_codes.py",
    "tests/sql/test_decide_cases.py::test_cases_beside_each_other_do_not_disturb_each_other",
)


@pytest.fixture(scope="module")
def judge() -> Iterator[Nursery]:
    with Nursery(ROOT, [TESTS]) as made:
        yield made


@pytest.mark.parametrize("file", [RULE, CODES])
def test_what_is_judged_is_what_lies_there(judge: Nursery, file: str) -> None:
    """The same text lives; a deadly one of the same length dies, in the same second; then the same text lives again."""
    text = (ROOT / file).read_text(encoding="utf-8")
    deadly = {RULE: text.replace("'single'", "'jingle'"), CODES: text.replace("{3,32}", "{4,32}")}[file]
    assert len(deadly) == len(text) and deadly != text
    assert [judge.fate(file, one)["fate"] for one in (text, deadly, text, deadly)] == ["survived", "killed", "survived", "killed"]


def test_no_statement_is_no_mutant_and_no_import_is_a_death(judge: Nursery) -> None:
    sql, code = ((ROOT / file).read_text(encoding="utf-8") for file in (RULE, CODES))
    assert judge.fate(RULE, sql.replace("SELECT", "SELEC"))["fate"] == "unreadable"
    assert judge.fate(CODES, code + "\nraise SystemExit\n")["fate"] == "killed"
    assert judge.fate(CODES, code + "\nimport os\nos.abort()\n")["fate"] == "killed"
    assert judge.fate(CODES, code)["fate"] == "survived"


def test_a_mutant_that_never_ends_is_dead(judge: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / CODES).read_text(encoding="utf-8")
    monkeypatch.setattr(nursery, "SLACK_S", 1.0)
    found = judge.fate(CODES, text.replace("    code = normalise(stem)\n", "    while True:\n        pass\n"))
    assert (found["fate"], found["by"]) == ("killed", "not done in time")


def test_nothing_is_said_where_the_tree_itself_fails(tmp_path: Path) -> None:
    with pytest.raises(Unsound):
        Nursery(ROOT, [["tests/unit/test_that_is_not_there.py"]])


@pytest.mark.lengthy
@pytest.mark.timeout(900)
def test_P13_a_sample_of_mutants_is_noticed() -> None:
    tolls = [judged_thriftily(herd, herd.sample(SAMPLE[herd.name], SEED)) for herd in HERDS if herd.name in SAMPLE]
    assert [name for toll in tolls for name in new_survivors(toll)] == []
    assert sum(toll.killed for toll in tolls) >= LEAST * sum(toll.mutants for toll in tolls) > 0


def test_P13_the_last_whole_run_has_its_95_percent_and_a_reason_for_the_rest() -> None:
    """Of each herd that is judged to its last mutant. Of another one nothing is claimed: the report says how far it is judged."""
    found = json.loads(FOUND.read_text(encoding="utf-8"))
    assert set(found) == {herd.name for herd in HERDS}
    known, whole = excuses(), {name: herd for name, herd in found.items() if not herd["unjudged"]}
    assert whole
    for herd in HERDS:
        told = found[herd.name]
        assert told["mutants"] == told["mutants_killed"] + len(told["survivors"])
        # More or fewer than there are: the files were changed since, and what is told is of the files as they were.
        if told["files"] == digests(herd):
            assert told["mutants"] + len(told["unreadable"]) + len(told["unjudged"]) == len(herd.mutants)
    for told in whole.values():
        assert told["mutants_killed"] >= LEAST * told["mutants"] > 0
        assert {name for name in told["survivors"] if not known.get(name)} == set()


def test_an_excuse_is_of_a_mutant_that_there_is() -> None:
    assert excuses().keys() - {name for herd in HERDS for name in herd.mutants} == set()


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("seen = select(1).select_from(a).where(b).exists()", []),
        ("seen = select(1).where(b).correlate(a).exists()", []),
        ("seen = select(1).where(b).scalar_subquery()", ["1 → 2"]),
        ("seen = select(1).except_(b).exists()", ["1 → 2"]),
        ("seen = select(1, 2).where(b).exists()", ["1 → 2", "2 → 3"]),
        ("seen = found(1).exists()", ["1 → 2"]),
        ("seen = select(a).where(b == 1).exists()", ["1 → 2", "Eq → NotEq"]),
        ("other = table.alias('other')", []),
        ("other = table.label('other')", ["another text"]),
        ("other = table.alias(named('other'))", ["another text"]),
    ],
)
def test_left_alone_is_only_what_nobody_can_read(code: str, changes: list[str]) -> None:
    assert sorted(one.what for one in python.mutants("a.py", code)) == changes


@pytest.mark.parametrize(
    ("statement", "changes"),
    [
        ("SELECT EXISTS (SELECT 1 FROM a)", []),
        ("SELECT EXISTS(SELECT 1 FROM a)", []),
        ("SELECT (SELECT 1 FROM a)", ["1 → 2"]),
        ("SELECT EXISTS (SELECT b + 1 FROM a)", ["1 → 2"]),
        ("SELECT EXISTS (SELECT 1 FROM a LIMIT 1)", ["1 → 2"]),
    ],
)
def test_left_alone_of_an_exists_is_its_own_1(statement: str, changes: list[str]) -> None:
    assert [one.what for one in sql.mutants("a.sql", statement)] == changes


def test_the_report_adds_the_herds_up(tmp_path: Path) -> None:
    path = tmp_path / "mutants.json"
    write(path, HERDS[0], Toll(killed=9, survivors={"x": "as good"}))
    write(path, HERDS[1], Toll(killed=5, unjudged=["y"]))
    found = added_up(json.loads(path.read_text(encoding="utf-8")))
    assert (found["mutants"], found["mutants_killed"]) == (15, 14)
    assert found["herds"]["decide"]["survivors"] == {"x": "as good"}
    assert [herd["unjudged"] for herd in found["herds"].values()] == [[], ["y"]]


def test_judged_again_is_who_was_not_judged_survives_without_a_reason_or_is_of_another_text_now() -> None:
    herd, known = next(herd for herd in HERDS if herd.name == "decide"), excuses()
    names = list(herd.mutants)
    excused = next(name for name in names if name in known)
    new, bare, unreadable = [name for name in names if name not in known][:3]
    before = {"survivors": {excused: "old", bare: ""}, "unreadable": [unreadable], "unjudged": [new], "files": digests(herd)}
    toll = remembered(herd, before, known)
    assert (set(toll.unjudged), toll.unreadable, toll.survivors) == ({new, bare}, [unreadable], {excused: known[excused]})
    assert toll.killed == len(names) - 4
    file = herd.mutants[names[-1]].file
    toll = remembered(herd, before | {"files": digests(herd) | {file: "another"}}, known)
    assert {name for name in names if herd.mutants[name].file == file} <= set(toll.unjudged)
