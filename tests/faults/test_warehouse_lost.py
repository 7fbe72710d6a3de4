"""C13: a warehouse that is gone, cut, spoilt or of yesterday is refused, never built upon; `rebuild` makes the same one again."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import WarehouseBehind, WarehouseDamaged
from pipeline.stages.decide import decide
from pipeline.stages.house import House
from pipeline.stages.intake import intake
from pipeline.stages.rebuild import rebuild
from pipeline.stages.status import status
from tests.faults.conftest import small_and_quick
from tests.faults.points import AFTER, watch
from tests.faults.town import DAY_2
from tests.homes import Installation, Killed
from tests.tries import tries

Told = Callable[[str, int], None]

# Of CI's time; fewer flips than AT_LEAST in it say nothing.
FLIPS_S, AT_LEAST = 40.0, 50
REFUSALS = (WarehouseBehind.__name__, WarehouseDamaged.__name__)


@pytest.fixture
def town(first_day: Installation, tmp_path: Path) -> Iterator[Installation]:
    copy = first_day.copy(tmp_path / "copy")
    yield copy
    copy.drop()


def looked_at(town: Installation) -> str:
    """State hash, or the class of the refusal."""

    def look(house: House) -> str:
        try:
            return str(status(house)["state_hash"])
        except (WarehouseBehind, WarehouseDamaged) as refusal:
            assert "unpool rebuild" in refusal.message
            return type(refusal).__name__

    return town.do(look)


def assert_rebuilt(town: Installation, expected: str) -> None:
    assert town.do(lambda house: rebuild(house, DAY_2)).after == expected
    found = town.figures()
    assert (found.state_hash, found.violations) == (expected, [])


def deleted(path: Path) -> None:
    path.unlink()


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut_in_its_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5_000])


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_at_its_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-300_000])


def of_an_earlier_version(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("ALTER TABLE hold DROP COLUMN facts")


def of_a_later_version(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("ALTER TABLE outcome ADD COLUMN mood VARCHAR")


def made_noise(path: Path) -> None:
    path.write_bytes(random.Random(13).randbytes(path.stat().st_size))


@pytest.mark.parametrize(
    "spoil", [deleted, emptied, cut_in_its_header, cut_in_half, cut_at_its_end, made_noise, of_an_earlier_version, of_a_later_version]
)
def test_C13_a_spoilt_warehouse_is_refused_and_rebuilt(town: Installation, spoil: Callable[[Path], None], record_property: Told) -> None:
    record_property("corruptions", 1)
    before = looked_at(town)
    assert before not in REFUSALS
    spoil(town.home / "warehouse.duckdb")
    assert looked_at(town) in REFUSALS
    assert_rebuilt(town, before)


def test_C13_what_does_not_open_is_set_aside_as_it_was(town: Installation) -> None:
    path = town.home / "warehouse.duckdb"
    before = looked_at(town)
    made_noise(path)
    spoilt = path.read_bytes()
    assert looked_at(town) == WarehouseDamaged.__name__
    assert_rebuilt(town, before)
    assert path.with_suffix(".duckdb.old").read_bytes() == spoilt


@pytest.mark.parametrize(
    "killed_at", [None, ("replace in rebuild._put_in_place", AFTER, 1), ("replace in rebuild._put_in_place", AFTER, 2)]
)
def test_C13_its_log_is_set_aside_with_it(town: Installation, killed_at: tuple[str, str, int] | None) -> None:
    """As a pair, though an earlier rebuild set another pair aside, and though this one is killed in between."""
    path = town.home / "warehouse.duckdb"
    old = path.with_suffix(".duckdb.old")
    old_log = old.with_name(f"{old.name}.wal")
    log, today = leave_a_log(town)
    made_noise(path)
    spoilt, logged = path.read_bytes(), log.read_bytes()
    for earlier in (old, old_log):
        earlier.write_bytes(b"an earlier rebuild's")

    def killed(house: House) -> None:
        watch(killed_at)
        rebuild(house, DAY_2)

    if killed_at is not None:
        with pytest.raises(Killed):
            town.do(killed)
    assert_rebuilt(town, today)
    assert (old.read_bytes() == spoilt, old_log.read_bytes() == logged) == (True, True)
    assert_rebuilt(town, today)
    assert not old_log.exists()


def put_back(town: Installation, whole: list[tuple[Path, bytes]]) -> None:
    for file in town.home.glob("warehouse.duckdb*"):
        file.unlink()
    for file, content in whole:
        file.write_bytes(content)


def looked_at_with_flips(town: Installation, path: Path, flips: int, seed: int) -> list[tuple[int, str]]:
    """What is said of the warehouse when one bit of the file at `path` is another: at most `flips` times, each with the others whole."""
    whole = [(file, file.read_bytes()) for file in town.home.glob("warehouse.duckdb*")]
    data = path.read_bytes()
    chosen = random.Random(seed)

    def look_at_all(house: House) -> list[tuple[int, str]]:
        found = []
        for _ in tries(flips, FLIPS_S):
            at = chosen.randrange(len(data))
            put_back(town, whole)
            path.write_bytes(data[:at] + bytes([data[at] ^ (1 << chosen.randrange(8))]) + data[at + 1 :])
            try:
                found.append((at, str(status(house)["state_hash"])))
            except Exception as error:
                found.append((at, type(error).__name__))
        return found

    try:
        found = town.do(look_at_all)
    finally:
        put_back(town, whole)
    assert len(found) >= AT_LEAST
    return found


@pytest.mark.lengthy
def test_C13_a_flipped_bit_is_refused_or_harmless(town: Installation, record_property: Told) -> None:
    """The answer is the old state or a refusal, and never another state."""
    before = looked_at(town)
    found = looked_at_with_flips(town, town.home / "warehouse.duckdb", 700, seed=20261112)
    assert {told for _, told in found} <= {before, *REFUSALS}, found
    record_property("corruptions", len(found))
    assert looked_at(town) == before


def a_day_more(house: House) -> None:
    small_and_quick()
    intake(house, DAY_2)
    decide(house, DAY_2)


def test_C13_the_warehouse_of_yesterday_is_refused_and_rebuilt(town: Installation) -> None:
    path = town.home / "warehouse.duckdb"
    shutil.copy(path, path.with_suffix(".yesterday"))
    town.do(a_day_more)
    today = looked_at(town)
    path.with_suffix(".yesterday").replace(path)
    assert looked_at(town) == WarehouseBehind.__name__
    assert_rebuilt(town, today)


def test_C13_no_stage_works_on_a_damaged_warehouse(town: Installation, first_day: Installation, tmp_path: Path) -> None:
    """In the middle of a day: what was claimed by then is not lost."""
    other = first_day.copy(tmp_path / "other")
    try:
        other.do(a_day_more)
        today = looked_at(other)
    finally:
        other.drop()
    made_noise(town.home / "warehouse.duckdb")

    def refused(house: House) -> None:
        small_and_quick()
        for stage in (intake, decide):
            with pytest.raises(WarehouseDamaged, match="unpool rebuild"):
                stage(house, DAY_2)

    town.do(refused)
    town.do(lambda house: rebuild(house, DAY_2))
    town.do(a_day_more)
    assert looked_at(town) == today


def cut_by_a_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def leave_a_log(town: Installation) -> tuple[Path, str]:
    """Killed after the ledger called the batch done and before DuckDB put its log into the file: the log, and the state with it."""

    def die(house: House) -> None:
        watch(("ledger commit in decide_batch._publish", AFTER, 1))
        a_day_more(house)

    with pytest.raises(Killed):
        town.do(die)
    path = town.home / "warehouse.duckdb"
    log = path.with_name("warehouse.duckdb.wal")
    kept = [(file, file.read_bytes()) for file in (path, log)]
    today = looked_at(town)
    assert today not in REFUSALS
    for file, data in kept:
        file.write_bytes(data)
    return log, today


@pytest.mark.parametrize("spoil", [deleted, emptied, cut_in_half, cut_by_a_byte])
def test_C13_a_lost_write_ahead_log_is_refused_and_rebuilt(
    town: Installation, spoil: Callable[[Path], None], record_property: Told
) -> None:
    log, today = leave_a_log(town)
    spoil(log)
    assert looked_at(town) in REFUSALS
    assert_rebuilt(town, today)
    record_property("corruptions", 1)


def test_C13_a_flipped_bit_of_the_log_is_refused_or_harmless(town: Installation, record_property: Told) -> None:
    log, today = leave_a_log(town)
    found = looked_at_with_flips(town, log, 300, seed=13)
    assert {told for _, told in found} <= {today, *REFUSALS}, found
    assert {told for _, told in found} & set(REFUSALS)
    record_property("corruptions", len(found))
    assert looked_at(town) == today
