"""P12: the lists made twice, by two at once, or by a process that died: each one due is named once, by the code on the tube, and no file is half.

A list has no number of its own. What a lab knows an item again by is the specimen's code on the tube that it keeps (a whole tube to test
again: the tube's code), with the day of the swab; a team, the tube that the person's new swab replaces. Neither changes while it is due.
"""

from __future__ import annotations

import csv
import io
import multiprocessing
import re
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import NullPool, create_engine
from typer.testing import CliRunner

from pipeline.__main__ import app
from pipeline.domain.words import Role
from pipeline.home import Home
from pipeline.ledger import accounts
from pipeline.ledger.server import Server
from pipeline.ledger.sessions import Person
from pipeline.stages.call_backs import call_backs, swabbed_again
from pipeline.stages.correct import Said, say, statement
from pipeline.stages.house import House
from pipeline.stages.lists import write_lists
from pipeline.stages.publish import LISTS, publish
from pipeline.stages.verify import verify
from pipeline.stages.watch import LEFT_AFTER_S, sweep
from pipeline.warehouse.published import Published
from tests.faults import points
from tests.faults.conftest import note_kill, run_through, small_and_quick
from tests.faults.inside import watch, whens
from tests.faults.points import AFTER, BEFORE, INSIDE
from tests.faults.test_crash_elsewhere import RECEIVE, cases
from tests.faults.test_two_at_once import LIMIT_S, somebody_waits
from tests.faults.town import MANIFEST, RESULTS, drop, person, result, sheet
from tests.homes import Installation, Killed, in_child, new_installation
from tests.integration.office import until
from tests.web.desk import CHEAP, NOW, PASSWORD, Town, town_of

Told = Callable[[str, int], None]
Died = set[tuple[str, str]]
FILES = ("worklist", "repeat", "callback", "no_phone", "unreached")
_fork = multiprocessing.get_context("fork")
LAB, TEAM = "lab-a", "team-a"
THU, NGA = Person("thu", Role.LAB, LAB), Person("nga", Role.TEAM, TEAM)


def kept(tube: str, *numbers: int, day: int = 19) -> list[str]:
    return [person(n, tube, size=len(numbers), day=day, own=f"{tube}K{n}", mode="lab") for n in numbers]


# One of each kind: a pool to take apart in the lab, an unclear one, one to call back, a tube to test again, somebody without a phone.
FIRST = {
    TEAM: {
        "sang.csv": sheet(
            MANIFEST,
            [
                *kept("LP1", 1, 2, 3),
                *kept("LP2", 4, 5),
                *(person(n, "FP3", size=2, day=19) for n in (7, 8)),
                person(9, "SP4", size=1, day=19),
                person(10, "SP5", size=1, day=19, phone="12"),
            ],
        )
    },
    LAB: {
        "vong_1.csv": sheet(
            RESULTS,
            [
                result("LP1", "positive", at="19 14:00", ct="24"),
                result("LP2", "inconclusive", at="19 14:00"),
                result("FP3", "positive", at="19 14:00", ct="20"),
                result("SP4", "invalid", at="19 14:00"),
                result("SP5", "negative", at="19 14:00"),
            ],
        )
    },
}
# The lab has done part of its list, a team part of its own, and there is more of each.
SECOND = {
    TEAM: {"chieu.csv": sheet(MANIFEST, [person(7, "SP7", size=1, day=20, replaces="FP3"), *kept("LP6", 11, 12, day=20)])},
    LAB: {
        "vong_2.csv": sheet(
            RESULTS,
            [
                result("LP1K1", "negative", at="20 10:00"),
                result("LP1K2", "positive", at="20 10:00"),
                result("SP4", "negative", at="20 10:00"),
                result("LP6", "positive", at="20 15:00", ct="21"),
            ],
        )
    },
}
# As the second day leaves them: LP1K1, LP1K2 and SP4 are done, person 7 was swabbed again.
DUE_FIRST = {"worklist": ["LP1K1", "LP1K2", "LP1K3", "LP2K4", "LP2K5"], "repeat": ["SP4"], "callback": ["FP3", "FP3"]}
DUE = {"worklist": ["LP1K3", "LP2K4", "LP2K5", "LP6K11", "LP6K12"], "repeat": [], "callback": ["FP3"]}
CODE = {"worklist": "specimen_code", "repeat": "tube_code", "callback": "replaces_tube"}

# Each side effect, and how manieth time it is the one to die at.
WRITE = "replace in lists._write"
PUBLISH = {
    "ledger commit in publish._to_call": 1,
    "replace in published.write": 2,
    "replace in published.write_figures": 1,
    "replace in indexes.write": 1,
}
HAND_IN = ("replace in hand_in.hand_in_rows", "ledger commit in hand_in.hand_in", *RECEIVE)
LOOK = ("ledger commit in call_backs.call_backs",)
# Of a run, those between the facts and the lists.
BETWEEN = ("warehouse commit in decide.decide_batch", "ledger commit in decide_batch._publish")


@pytest.fixture(scope="module")
def received(warm: None, embedded: Server, ledger_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The first day is done, its lists are written and published; the second day's files lie in the inbox."""
    folder = tmp_path_factory.mktemp("lists")
    made = new_installation(folder / "home", embedded, ledger_template, now=NOW)
    drop(made, FIRST, folder / "desk")

    def work(house: House) -> None:
        with house.ledger.begin() as conn:
            for one in (THU, NGA):
                accounts.add(conn, one.login, CHEAP.hash(PASSWORD), one.role, one.place, NOW)
        one_day(house)
        write_lists(house, house.home.lists, NOW)

    made.do(work)
    drop(made, SECOND, folder / "desk")
    yield made
    made.drop()


@pytest.fixture(scope="module")
def decided(received: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The same with the second day decided, and no list made since."""
    made = received.copy(tmp_path_factory.mktemp("decided") / "home")
    made.do(day_without_lists)
    yield made
    made.drop()


@pytest.fixture(scope="module")
def old(received: Installation) -> dict[str, bytes]:
    return contents(received.home / "lists")


@pytest.fixture(scope="module")
def new(decided: Installation, old: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """As nobody disturbed makes them."""
    folder = tmp_path_factory.mktemp("new")
    decided.do(lambda house: write_lists(house, folder, NOW) and None)
    assert (codes(old), codes(contents(folder))) == (DUE_FIRST, DUE)
    return contents(folder)


@pytest.fixture(scope="module")
def looked(decided: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The same with the desk's lists made, by nobody disturbed."""
    made = decided.copy(tmp_path_factory.mktemp("looked") / "home")
    made.do(published)
    yield made
    made.drop()


@pytest.fixture(scope="module")
def at_last(looked: Installation) -> dict[str, Any]:
    return looked.do(shown)


@pytest.fixture
def copied(tmp_path: Path) -> Iterator[Callable[[Installation], Installation]]:
    made: list[Installation] = []

    def copy(of: Installation) -> Installation:
        made.append(of.copy(tmp_path / uuid.uuid4().hex))
        return made[-1]

    yield copy
    for one in made:
        one.drop()


Copied = Callable[[Installation], Installation]


def day_without_lists(house: House) -> None:
    small_and_quick()
    run_through(house, NOW)


def one_day(house: House) -> None:
    day_without_lists(house)
    publish(house, NOW, always=True)


def contents(folder: Path) -> dict[str, bytes]:
    """What whoever hands lists out sees: no dot-file of a writer that died."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("[!.]*"))}


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def codes_shown(lists: dict[str, Any]) -> dict[str, list[str]]:
    return {name: sorted(row[column] for row in lists[name]) for name, column in CODE.items()}


def codes(files: dict[str, bytes]) -> dict[str, list[str]]:
    return {name: sorted(row[column] for row in table(files[f"{name}.csv"])) for name, column in CODE.items()}


def shown(house: House) -> dict[str, Any]:
    """All that the desk's lists and figures say, but when they were made; the figures of turnaround have no order."""
    published = Published(house.home.published)
    figures = dict(published.figures() or {})
    figures["turnaround"] = sorted(figures["turnaround"], key=lambda one: one["segment"])
    lists = {name: published.read(name) for name in (*LISTS, "near", "to_call")}
    return {name: value for name, value in (figures | lists).items() if name not in ("made_at", "held_s")}


def published(house: House) -> dict[str, Any]:
    publish(house, NOW, always=True)
    return shown(house)


def killed(installation: Installation, work: Callable[[House], object], point: str, when: str, nth: int) -> None:
    def dies(house: House) -> None:
        watch((point, when, nth))
        work(house)

    with pytest.raises(Killed):
        installation.do(dies)


def reached(installation: Installation, work: Callable[[House], object]) -> set[tuple[str, str]]:
    def seen(house: House) -> set[tuple[str, str]]:
        found = watch()
        work(house)
        return set(found.times)

    return installation.do(seen)


def test_P12_made_again_by_any_of_the_ways_each_one_due_is_named_once(
    decided: Installation, new: dict[str, bytes], copied: Copied, tmp_path: Path, record_property: Told
) -> None:
    """Three times by each: the command line, the DAG's stage with the desk's page and files after it."""
    here, made = copied(decided), 0
    environment = {
        "UNPOOL_HOME": str(here.home),
        "UNPOOL_DATABASE_URL": str(here.settings.database_url),
        "UNPOOL_KEYS_MIRROR": str(here.settings.keys_mirror),
        "UNPOOL_MASTER_KEY": str(here.settings.master_key),
        "UNPOOL_NOW": NOW.isoformat(),
    }
    for folder in (tmp_path / "one", tmp_path / "one", tmp_path / "other"):
        told = in_child(lambda to=folder: CliRunner().invoke(app, ["lists", "--out", str(to)], env=environment).exit_code)
        assert (told, contents(folder)) == (0, new)
        made += 1
    with town_of(here) as town:
        pages = []
        for _ in range(3):
            assert here.do(lambda house: publish(house, NOW, always=True).is_made)
            pages.append(at_the_desk(town))
            made += 1
    assert pages == [pages[0]] * 3
    on_page, in_csv, in_workbook = pages[0]
    assert sorted(on_page) == sorted(in_csv) == sorted(in_workbook) == sorted(codes(new)["worklist"])
    record_property("lists_made", made)


def at_the_desk(town: Town) -> tuple[list[str], list[str], list[str]]:
    """The codes that the lab reads on its page, in its table, in its workbook."""
    client = town.client("hoa")
    rows = list(csv.reader(io.StringIO(client.get("/worklist.csv").content.decode("utf-8-sig"))))
    sheet_of = openpyxl.load_workbook(io.BytesIO(client.get("/worklist.xlsx").content)).active
    assert sheet_of is not None
    return (
        re.findall(r'<th scope="row">([^<]+)</th>', client.get("/worklist").text),
        [row[0] for row in rows[1:]],
        [str(row[0]) for row in list(sheet_of.values)[1:]],
    )


@pytest.mark.parametrize("when", whens(WRITE))
@pytest.mark.parametrize("nth", (1, 3, len(FILES)))
def test_P12_C01_C02_killed_while_lists_are_written_and_again(
    decided: Installation,
    old: dict[str, bytes],
    new: dict[str, bytes],
    died: Died,
    tmp_path: Path,
    record_property: Told,
    nth: int,
    when: str,
) -> None:
    """Over the lists of the day before: each file is the old one or the new one, whole, and the next time all are new."""
    folder = tmp_path / "lists"
    folder.mkdir()
    for name, data in old.items():
        (folder / name).write_bytes(data)
    done = nth if when == AFTER else nth - 1
    for _ in range(2):
        killed(decided, lambda house: write_lists(house, folder, NOW), WRITE, when, nth)
        note_kill(died, WRITE, when, record_property)
        assert contents(folder) == old | {f"{name}.csv": new[f"{name}.csv"] for name in FILES[:done]}
    decided.do(lambda house: write_lists(house, folder, NOW) and None)
    assert contents(folder) == new
    record_property("lists_made", 1)


def test_P12_C01_every_side_effect_of_lists_has_its_kill(decided: Installation, tmp_path: Path, record_property: Told) -> None:
    assert reached(decided, lambda house: write_lists(house, tmp_path, NOW)) == set(cases(WRITE))
    record_property("commit_points", 1)


def test_P12_what_a_killed_writer_leaves_names_people_and_is_swept(decided: Installation, copied: Copied, record_property: Told) -> None:
    here = copied(decided)
    killed(here, lambda house: write_lists(house, house.home.lists, NOW), WRITE, INSIDE, FILES.index("callback") + 1)
    record_property("kills", 1)
    [left] = (here.home / "lists").glob(".*")
    assert left.read_bytes() and sweep(Home(here.home), time.time() + LEFT_AFTER_S + 1) == 1
    assert not left.exists()


@pytest.mark.parametrize(("point", "when"), cases(*PUBLISH))
def test_P12_C01_C02_killed_while_the_desks_lists_are_made_and_again(
    decided: Installation, at_last: dict[str, Any], copied: Copied, died: Died, record_property: Told, point: str, when: str
) -> None:
    """A lab that looks meanwhile sees the list of the day before or of this one, and the next time all is of this one."""
    here = copied(decided)
    for _ in range(2):
        killed(here, published, point, when, PUBLISH[point])
        note_kill(died, point, when, record_property)
        for name, seen in codes_shown(here.do(shown)).items():
            assert seen in (DUE_FIRST[name], DUE[name]), name
    assert here.do(published) == at_last
    record_property("lists_made", 1)


def test_P12_C01_every_side_effect_of_publishing_has_its_kill(decided: Installation, copied: Copied, record_property: Told) -> None:
    assert reached(copied(decided), published) == set(cases(*PUBLISH))
    record_property("commit_points", len(PUBLISH))


@pytest.mark.parametrize(("point", "when"), cases(*BETWEEN))
def test_P12_C01_lists_made_after_a_kill_in_the_run_are_of_before_or_after_it(
    received: Installation, old: dict[str, bytes], new: dict[str, bytes], copied: Copied, tmp_path: Path, record_property: Told,
    point: str, when: str,
) -> None:  # fmt: skip
    """And once the run has been done again, they are those of a day without a kill."""
    here, first, second = copied(received), tmp_path / "first", tmp_path / "second"
    killed(here, day_without_lists, point, when, 1)
    record_property("kills", 1)
    here.do(lambda house: write_lists(house, first, NOW) and None)
    assert contents(first) in (old, new)
    here.do(day_without_lists)
    here.do(lambda house: write_lists(house, second, NOW) and None)
    assert contents(second) == new
    record_property("lists_made", 2)


# What is done at the desk of the list's work: a lab says that a kept tube cannot be tested, a team that somebody was swabbed again.
def not_testable(house: House) -> None:
    fields = {"tube": "LP1K3", "tested_at": "2026-11-20T16:00", "reason": "leaked"}
    said_at = house.local(NOW)
    say(house, THU, statement(fields, Said.REJECTED, said_at, said_at), NOW)


def swabbed(house: House) -> None:
    [about], _ = call_backs(house, NGA, NOW)
    swabbed_again(house, NGA, about, "SP8", house.local(NOW), NOW)


def to_the_end(house: House) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What the desk shows after a run, without its figures of files; and which results and specimens there are of the two tubes."""
    day_without_lists(house)
    lists = {name: rows for name, rows in published(house).items() if name in (*LISTS, "to_call")}
    facts = Published(house.home.published)
    found = {kind: facts.find(kind, where=[("tube_code", "in", ["LP1K3", "SP8"])]) for kind in ("results", "specimens")}
    return lists, {kind: [row["tube_code"] for row in rows] for kind, rows in found.items()}


WORK = {not_testable: HAND_IN, swabbed: (*LOOK, "ledger commit in hand_in.hand_in")}
# What there is of it, and what is due then.
ANSWERED = {
    not_testable: ({"results": ["LP1K3"], "specimens": []}, DUE | {"worklist": DUE["worklist"][1:], "callback": ["FP3", "LP1"]}),
    swabbed: ({"results": [], "specimens": ["SP8"]}, DUE | {"callback": []}),
}


@pytest.fixture(scope="module")
def answered(looked: Installation, tmp_path_factory: pytest.TempPathFactory) -> dict[Callable[[House], None], Any]:
    """What comes of each where nobody disturbs."""
    found = {}
    for work in WORK:
        made = looked.copy(tmp_path_factory.mktemp("answered") / "home")
        made.do(work)
        found[work] = made.do(to_the_end)
        made.drop()
    return found


@pytest.mark.parametrize(
    ("work", "point", "when"), [(work, point, when) for work, places in WORK.items() for point, when in cases(*places)]
)
def test_P12_C01_killed_while_work_of_a_list_is_answered_at_the_desk(
    looked: Installation, answered: dict[Callable[[House], None], Any], copied: Copied, died: Died, record_property: Told,
    work: Callable[[House], None], point: str, when: str,
) -> None:  # fmt: skip
    """Said again, it is one answer, and what was answered is not due again."""
    here = copied(looked)
    killed(here, work, point, when, 1)
    if point in RECEIVE:
        record_property("kills", 1)
    else:
        note_kill(died, point, when, record_property)
    here.do(work)
    lists, facts = here.do(to_the_end)
    assert (lists, facts) == answered[work]
    assert (facts, codes_shown(lists)) == ANSWERED[work]
    assert here.do(verify) == []


def test_P12_C01_every_side_effect_of_the_lists_work_has_its_kill(looked: Installation, copied: Copied, record_property: Told) -> None:
    here = copied(looked)
    assert reached(here, not_testable) == set(cases(*HAND_IN))
    assert reached(here, swabbed) == set(cases(*HAND_IN, *LOOK))
    record_property("commit_points", len({*HAND_IN, *LOOK} - {*RECEIVE}))


@pytest.mark.parametrize(("make", "point", "nth"), [("files", WRITE, 1), ("files", WRITE, 3), ("desk", "replace in published.write", 1),
                                                     ("desk", "replace in published.write_figures", 1)])  # fmt: skip
def test_P12_C04_of_two_who_make_lists_at_once_the_newer_are_left(
    received: Installation, new: dict[str, bytes], at_last: dict[str, Any], copied: Copied, tmp_path: Path, record_property: Told,
    make: str, point: str, nth: int,
) -> None:  # fmt: skip
    """The first knows of one day and stands still while it writes; the second takes the next day in and makes the lists of both."""
    here, folder = copied(received), tmp_path / "lists"
    engine = create_engine(str(here.settings.database_url), poolclass=NullPool)
    go, ended = _fork.Event(), _fork.Event()

    def stand_still() -> None:
        go.set()
        until(lambda: ended.is_set() or somebody_waits(engine), "the second ends, or waits for the first", LIMIT_S)

    def makes(house: House) -> None:
        write_lists(house, folder, NOW) if make == "files" else publish(house, NOW, always=True)

    def first(house: House) -> bool:
        try:
            points.watch((point, BEFORE, nth), stand_still)
            makes(house)
            return go.is_set()
        finally:
            go.set()

    def second(house: House) -> None:
        try:
            assert go.wait(LIMIT_S)
            day_without_lists(house)
            makes(house)
        finally:
            ended.set()

    tries = [here.start(first), here.start(second)]
    assert tries[0](), "the point is not reached"
    tries[1]()
    assert here.do(shown) == at_last if make == "desk" else contents(folder) == new
    record_property("overlaps", 1)
    record_property("lists_made", 2)
