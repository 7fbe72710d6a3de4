"""The trigger wakes intake for what a run can claim: soon, once a burst, again after a start, never for a file that still grows."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

LIMIT_S = 20.0


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("UNPOOL_HOME", str(tmp_path))
    (tmp_path / "inbox" / "team-a").mkdir(parents=True)
    return tmp_path


def drop(home: Path, name: str, *, sealed: bool = True) -> Path:
    """As `unpool receive` does: written under a dot-name, sealed, renamed."""
    folder = home / "inbox" / "team-a"
    hidden = folder / f".{name}.tmp"
    hidden.write_text("tube_code\nT-1\n")
    if sealed:
        hidden.chmod(0o440)
    return hidden.rename(folder / name)


class Listener:
    """Collects a trigger's events while it runs. `first_look` is set when the trigger has looked once."""

    def __init__(self, **options: float) -> None:
        from unpool_airflow.inbox_trigger import InboxTrigger

        self.trigger = InboxTrigger(**{"rescan_s": 0.3, "repeat_s": 3600.0, **options})
        self.events: list[dict[str, int]] = []

    async def __aenter__(self):
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._task

    async def _listen(self):
        async for event in self.trigger.run():
            self.events.append(event.payload)

    async def until(self, condition):
        async with asyncio.timeout(LIMIT_S):
            while not condition(self.events):
                assert not self._task.done(), self._task.exception()
                await asyncio.sleep(0.02)


@pytest.fixture
def looks(monkeypatch):
    """Counts the trigger's looks at the inbox, so that a test can wait for several and then see that nothing rang."""
    from unpool_airflow import inbox_trigger

    seen: list[int] = []
    real = inbox_trigger.complete_files

    def counting(inbox, now):
        found = real(inbox, now)
        seen.append(len(found))
        return found

    monkeypatch.setattr(inbox_trigger, "complete_files", counting)
    return seen


def test_a_dropped_file_rings_by_its_event_before_any_rescan(home, looks):
    async def scenario():
        async with Listener(rescan_s=3600.0) as listener:
            await listener.until(lambda _: looks)
            # The watcher may still be starting when the first look is over: drop until it sees one.
            number = 0
            async with asyncio.timeout(LIMIT_S):
                while not listener.events:
                    drop(home, f"{(number := number + 1)}.csv")
                    await asyncio.sleep(0.3)

    asyncio.run(scenario())


def test_a_burst_is_one_event(home, looks):
    async def scenario():
        for number in range(50):
            drop(home, f"{number}.csv")
        async with Listener() as listener:
            await listener.until(lambda _: len(looks) >= 4)
            assert listener.events == [{"waiting": 50}]

    asyncio.run(scenario())


def test_what_was_dropped_while_nobody_listened_rings_at_the_start_and_again_after_a_restart(home):
    async def scenario():
        drop(home, "early.csv")
        for _ in range(2):
            async with Listener(rescan_s=3600.0) as listener:
                await listener.until(lambda events: events == [{"waiting": 1}])

    asyncio.run(scenario())


def test_F17_nothing_rings_for_an_empty_inbox_or_for_files_that_are_not_whole(home, looks):
    (home / "inbox" / "team-a" / ".hidden.csv").write_text("x")
    (home / "inbox" / "team-a" / "a.csv.part").write_text("x")

    async def scenario():
        async with Listener() as listener:
            await listener.until(lambda _: len(looks) >= 4)
            assert listener.events == []

    asyncio.run(scenario())


def test_F17_a_growing_file_rings_once_and_only_when_it_has_stopped(home, looks, monkeypatch):
    from unpool_airflow import inbox_trigger

    monkeypatch.setattr(inbox_trigger, "QUIET_S", 0.6)

    async def scenario():
        path = home / "inbox" / "team-a" / "growing.csv"
        async with Listener(rescan_s=0.1) as listener:
            with path.open("a") as file:
                started = time.monotonic()
                while time.monotonic() - started < 1.5:
                    file.write("row\n")
                    file.flush()
                    await asyncio.sleep(0.02)
            looked = len(looks)
            assert looked >= 3 and listener.events == []
            await listener.until(lambda events: events)
            await listener.until(lambda _: len(looks) >= looked + 8)
            assert listener.events == [{"waiting": 1}]

    asyncio.run(scenario())


def test_the_inbox_is_made_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("UNPOOL_HOME", str(tmp_path / "new"))

    async def scenario():
        async with Listener() as listener:
            await listener.until(lambda _: (tmp_path / "new" / "inbox").is_dir())

    asyncio.run(scenario())


def test_events_carry_no_file_name(home):
    async def scenario():
        drop(home, "nguyen-van-a.csv")
        async with Listener() as listener:
            await listener.until(lambda events: events)
            assert "nguyen" not in repr(listener.events)

    asyncio.run(scenario())


def test_F17_the_trigger_and_the_claim_agree_on_what_is_whole(tmp_path):
    from pipeline.intake.inbox import claim
    from unpool_airflow.inbox_trigger import complete_files

    inbox = tmp_path / "inbox"
    for folder in ("team-a", "team-a/results", ".hidden", "lab"):
        (inbox / folder).mkdir(parents=True, exist_ok=True)
    for folder in ("", "team-a", "team-a/results", ".hidden", "lab"):
        for name in ("a.csv", ".b.csv", "c.part", "d.TMP", "e.crdownload", "f.filepart", "g", "tệp.csv"):
            for sealed in (True, False):
                path = inbox / folder / f"{'s' if sealed else 'u'}-{name}" if not name.startswith(".") else inbox / folder / name
                path.write_text("x")
                if sealed:
                    path.chmod(0o440)
    (inbox / "link.csv").symlink_to(inbox / "team-a" / "s-a.csv")
    counts = []
    for later in (0.0, 1.0, 3600.0):
        now = time.time() + later
        rung_for = sorted(os.path.basename(path) for path, _, _ in complete_files(inbox, now))
        taken = sorted(one.name for one in claim(inbox, tmp_path / f"claimed-{later}", 1000, now))
        assert taken == rung_for
        counts.append(len(taken))
    # Four visible folders with three good names each: the sealed ones at once, nothing in between, the others once they were left alone.
    assert counts == [12, 0, 12]


@pytest.mark.parametrize(
    ("looks_at", "rings"),
    [
        ([(0, {}), (5, {})], [False, False]),
        ([(0, {"a"}), (5, {"a"}), (59, {"a"}), (60, {"a"}), (65, {"a"})], [True, False, False, True, False]),
        ([(0, {"a"}), (5, {"a", "b"}), (10, {"b"})], [True, True, False]),
        ([(0, {"a"}), (5, {}), (10, {"a"})], [True, False, True]),
        ([(0, {"a", "b"}), (5, {"b"}), (10, {"b", "c"})], [True, False, True]),
        (
            [(0, {"a", "b", "c"}), (5, {"b", "c"}), (10, {"c"}), (15, {"c"}), (20, {"c"}), (25, {})],
            [True, False, False, True, False, False],
        ),
    ],
    ids=[
        "nothing waits",
        "nobody claims it",
        "another one comes",
        "claimed and dropped again",
        "some claimed, one new",
        "a run took its share and left the rest",
    ],
)
def test_when_the_bell_rings(looks_at, rings):
    from unpool_airflow.inbox_trigger import Bell

    bell = Bell(repeat_s=60)
    assert [bell.rings(frozenset((name, 1, 1) for name in waiting), now) for now, waiting in looks_at] == rings


def test_the_trigger_can_be_made_again_from_what_airflow_stores():
    from airflow.sdk._shared.module_loading import import_string

    from unpool_airflow.inbox_trigger import InboxTrigger

    path, options = InboxTrigger(rescan_s=1.0, repeat_s=2.0).serialize()
    again = import_string(path)(**options)
    assert type(again) is InboxTrigger
    assert (again.rescan_s, again.repeat_s) == (1.0, 2.0)
