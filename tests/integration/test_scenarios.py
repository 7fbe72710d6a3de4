"""The sample scenarios through the product's own stages: each must give the counts that its scenario.toml says, after every step."""

from __future__ import annotations

import csv
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.delivery.stand_in import create_app, in_thread
from pipeline.domain.words import FileKind
from pipeline.ledger.engine import Ledger
from pipeline.programme import load_programme
from pipeline.settings import Settings, TwilioSettings
from pipeline.stages.house import House, open_house
from pipeline.stages.init import init
from pipeline.stages.notify_due import notify_due
from pipeline.stages.receive import receive
from pipeline.stages.run import run_all
from pipeline.stages.status import status
from pipeline.stages.verify import verify
from pipeline.stages.watch import watch

SAMPLES = Path(__file__).parents[2] / "data_samples"
SCENARIOS = sorted(path.parent.name for path in SAMPLES.glob("*/scenario.toml"))
MESSAGES = ("messages_without_credentials", "messages_with_stand_in")
ACCOUNT, SECRET = "AC" + "0" * 32, "not a secret"
# Twilio's silence after which a status is asked for.
LATER = timedelta(hours=2)


def scenario(name: str) -> dict[str, Any]:
    return tomllib.loads((SAMPLES / name / "scenario.toml").read_text(encoding="utf-8"))


@contextmanager
def opened(home: Path, ledger: Ledger, twilio: TwilioSettings | None = None) -> Iterator[House]:
    """A new installation on a database of its own, sending as fast as it can."""
    url = ledger.engine.url.render_as_string(hide_password=False)
    settings = Settings(home=home, programme="vietnam", database_url=url, twilio=twilio)
    init(settings)
    programme = load_programme("vietnam")
    fast = replace(programme, sending=replace(programme.sending, per_second=1_000.0))
    with open_house(settings) as house:
        yield replace(house, programme=fast)


def take(house: House, name: str, step: dict[str, Any]) -> datetime:
    """One step: its files into the inbox, then all stages at its moment."""
    as_of: datetime = step["as_of"]
    for file in step.get("files", []):
        kind = FileKind(file["kind"]) if "kind" in file else None
        receive(house.home, [SAMPLES / name / file["path"]], file["sender"], kind)
    run_all(house, as_of, lambda _stage, _done: None)
    watch(house, as_of)
    return as_of


def shown(house: House, expected: dict[str, Any]) -> dict[str, Any]:
    """What status says of what the scenario counts."""
    figures = status(house)
    counted = {key: figures[key] for key in told(expected)}
    for key in ("files", "rows"):
        counted[key] = {name: figures[key][name] for name in expected[key]}
    return {key: _no_zeros(value) for key, value in counted.items()}


def told(expected: dict[str, Any]) -> dict[str, Any]:
    """What the scenario says that status must say, messages apart."""
    return {key: _no_zeros(value) for key, value in expected.items() if key not in (*MESSAGES, "rejects")}


def _no_zeros(value: Any) -> Any:
    return {name: n for name, n in value.items() if n} if isinstance(value, dict) else value


def returned(house: House) -> dict[str, int]:
    """Rules named in the rejects files; a row that breaks two is counted in both."""
    rules: Counter[str] = Counter()
    for path in house.home.returns.rglob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            rules.update(part.split(":")[0] for row in csv.DictReader(file) for part in row["reason"].split(" | "))
    return dict(rules)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_counts_after_every_step(name: str, tmp_path: Path, ledger: Ledger) -> None:
    said = scenario(name)
    with opened(tmp_path, ledger) as house:
        for step in said["step"]:
            take(house, name, step)
            assert shown(house, step["expect"]) == told(step["expect"]), step["name"]
            assert _no_zeros(status(house)["messages"]) == step["expect"]["messages_without_credentials"], step["name"]
            assert returned(house) == step["expect"]["rejects"], step["name"]
        assert verify(house) == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("name", ["corrections", "two_rounds_lab", "happy_day"])
def test_what_people_are_sent(name: str, tmp_path: Path, ledger: Ledger) -> None:
    """With a Twilio that takes everything, one SMS for each thing that a person is told, and none beside."""
    said = scenario(name)
    at = said["step"][0]["as_of"]
    app = create_app(ACCOUNT, SECRET, lambda: at)
    with in_thread(app) as address, opened(tmp_path, ledger, TwilioSettings(ACCOUNT, SECRET, "CDC", address)) as house:
        for step in said["step"]:
            at = take(house, name, step)
            notify_due(house, at + LATER)
            assert _no_zeros(status(house)["messages"]) == step["expect"]["messages_with_stand_in"], step["name"]
        assert len(app.state.store.messages) == said["expect"]["messages_with_stand_in"]["delivered"]
        assert verify(house) == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("name", ["demo", "corrections"])
def test_C08_the_same_files_again_change_nothing(name: str, tmp_path: Path, ledger: Ledger) -> None:
    """All files once more, under other names: rows are duplicates or rejected as before, the state is the same, nobody is told."""
    said = scenario(name)
    with opened(tmp_path / "home", ledger) as house:
        for step in said["step"]:
            take(house, name, step)
        before = status(house)
        for step in said["step"]:
            for number, file in enumerate(step.get("files", [])):
                copy = tmp_path / f"again_{step['name']}_{number}.csv"
                copy.write_bytes((SAMPLES / name / file["path"]).read_bytes())
                receive(house.home, [copy], file["sender"], None)
        run_all(house, said["as_of"], lambda _stage, _done: None)
        after = status(house)
    for key in ("state_hash", "outcomes", "messages", "holds", "specimens", "worklist", "callback"):
        assert after[key] == before[key], key
    assert after["rows"]["accepted"] == before["rows"]["accepted"]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("name", ["late_manifest", "two_rounds_lab", "corrections"])
def test_P14_the_files_in_any_order_end_in_one_state(name: str, tmp_path: Path, ledger: Ledger) -> None:
    """The last file first, each in a run of its own, all at the last moment: the outcomes are those of the right order."""
    said = scenario(name)
    files = [file for step in said["step"] for file in step.get("files", [])]
    with opened(tmp_path, ledger) as house:
        for file in reversed(files):
            take(house, name, {"as_of": said["as_of"], "files": [file]})
        figures = status(house)
    for key in ("specimens", "tubes", "outcomes", "holds"):
        assert _no_zeros(figures[key]) == _no_zeros(said["expect"][key]), key


def test_the_samples_are_what_the_generator_writes(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(SAMPLES / "generate.py"), "--out", str(tmp_path)], check=True)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    folders = [SAMPLES / name for name in SCENARIOS]
    kept = {path.relative_to(SAMPLES): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}
    assert written.keys() == kept.keys()
    assert [str(path) for path in written if written[path] != kept[path]] == []
