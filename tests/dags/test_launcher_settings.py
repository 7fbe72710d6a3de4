"""What Airflow's processes are told, and what a home remembers of the last start."""

from __future__ import annotations

import io
import json
import socket
import stat
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.errors import ActionNeeded, SettingsError, TryAgain
from pipeline.home import Home
from pipeline.launcher import services as launched
from pipeline.launcher.demo import MARK, _fresh
from pipeline.launcher.environment import STAND_IN_ACCOUNT_SID, environment
from pipeline.launcher.installation import Places, Ports
from pipeline.launcher.processes import Register
from pipeline.launcher.quiet import UnderWay, wait_until_quiet
from pipeline.launcher.scenario import load_scenario
from pipeline.launcher.services import bring_up, services
from pipeline.settings import Settings, TwilioSettings

PORTS = Ports(airflow=9001, callbacks=9002, twilio=9003, result=9004, desk=9005)
STARTED = datetime.fromisoformat("2026-11-22T10:00:00+00:00")
ACCOUNT = TwilioSettings("AC1", "token", "+15005550006")


@pytest.fixture
def places(tmp_path) -> Places:
    return Places(Home(tmp_path / "home"))


def told(places: Places, environ: dict[str, str] | None = None, **settings: object) -> dict[str, str]:
    here = Settings(home=places.home.root, programme="vietnam", **settings)
    return environment(here, places, PORTS, places.prepare(), "postgresql+psycopg://here/airflow", STARTED, environ or {})


def test_only_this_user_may_read_the_secrets(places):
    first = places.prepare()
    for path in (places.passwords, places.secrets):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(places.passwords.read_text()) == {"admin": first.password}
    assert first.password not in repr(first)
    assert places.prepare() == first, "a login and the key of Airflow's connections must last"


def test_everything_listens_on_this_machine_only(places):
    env = told(places)
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    for service in services(Settings(home=places.home.root, programme="vietnam"), places, PORTS):
        if service.name in ("scheduler", "triggerer"):
            assert "--skip-serve-logs" in service.command


def test_the_desk_knows_where_airflow_is_unless_the_environment_knows_better(places):
    assert told(places)["UNPOOL_AIRFLOW_URL"] == "http://127.0.0.1:9001"
    assert told(places, {"UNPOOL_AIRFLOW_URL": "https://airflow.example.vn"})["UNPOOL_AIRFLOW_URL"] == "https://airflow.example.vn"


def test_airflow_uses_one_driver_and_never_sqlite(places):
    env = told(places)
    assert (
        env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
        == env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"]
        == "postgresql+psycopg://here/airflow"
    )


def test_the_environment_may_name_another_database_and_other_tuning_but_not_another_home(places):
    given = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://there", "AIRFLOW__CORE__PARALLELISM": "64", "AIRFLOW_HOME": "/elsewhere"}
    env = told(places, given)
    assert env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == "postgresql://there"
    assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC" not in env
    assert env["AIRFLOW__CORE__PARALLELISM"] == "64"
    assert env["AIRFLOW_HOME"] == str(places.airflow)


def test_without_an_account_the_stand_in_is_used(places):
    env = told(places)
    assert env["TWILIO_ACCOUNT_SID"] == STAND_IN_ACCOUNT_SID
    assert env["UNPOOL_TWILIO_URL"] == "http://127.0.0.1:9003"
    assert Settings.from_env(env).twilio.api_base_url == "http://127.0.0.1:9003"
    assert "twilio-stand-in" in [service.name for service in services(Settings(home=places.home.root, programme="v"), places, PORTS)]


def test_with_an_account_no_stand_in_is_started_and_nothing_is_put_in_its_place(places):
    env = told(places, {"TWILIO_ACCOUNT_SID": "AC1"}, twilio=ACCOUNT)
    assert env["TWILIO_ACCOUNT_SID"] == "AC1"
    assert "UNPOOL_TWILIO_URL" not in env
    found = services(Settings(home=places.home.root, programme="v", twilio=ACCOUNT), places, PORTS)
    assert "twilio-stand-in" not in [service.name for service in found]


def test_tasks_see_the_same_settings(places):
    now = datetime.fromisoformat("2026-11-12T20:00:00+07:00")
    again = Settings.from_env(told(places, now=now))
    assert (again.home, again.programme, again.now) == (places.home.root, "vietnam", now)


def test_ports_last_while_they_are_free(places):
    places.prepare()
    first = places.choose_ports()
    assert places.choose_ports() == first == places.known_ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first.airflow))
        taken.listen()
        assert places.choose_ports().airflow != first.airflow


def test_the_ports_of_an_older_unpool_are_kept_and_a_new_service_gets_one(places):
    places.prepare()
    first = places.choose_ports()
    older = {name: port for name, port in asdict(first).items() if name != "result"}
    places.ports.write_text(json.dumps(older))
    assert places.known_ports() is None
    again = places.choose_ports()
    assert older.items() <= asdict(again).items()
    assert places.known_ports() == again


def test_services_of_an_older_unpool_are_started_anew(places, monkeypatch):
    """All of its processes live, but it knew no result page: nothing that is up to date runs."""
    places.prepare()
    older = {name: port for name, port in asdict(places.choose_ports()).items() if name != "result"}
    places.ports.write_text(json.dumps(older))
    monkeypatch.setattr(Register, "read", lambda self: [object()])
    monkeypatch.setattr(launched, "is_alive", lambda entry: True)
    stopped, begun = [], []
    monkeypatch.setattr(launched, "stop", stopped.extend)
    monkeypatch.setattr(launched, "_start_all", lambda settings, places, ports, *rest: begun.append(ports))
    bring_up(Settings(home=places.home.root, programme="vietnam"), {}, Console(file=io.StringIO()))
    assert (len(stopped), begun) == (1, [places.known_ports()])


def test_the_demo_throws_away_only_its_own_home(tmp_path):
    home = tmp_path / "demo"
    _fresh(home)
    (home / "old").touch()
    _fresh(home)
    assert [path.name for path in home.iterdir()] == [MARK]
    (home / MARK).unlink()
    with pytest.raises(ActionNeeded, match="no demo made it"):
        _fresh(home)


def write_scenario(folder: Path, text: str) -> Path:
    (folder / "scenario.toml").write_text(text)
    return folder


def test_a_scenario_is_read(tmp_path):
    folder = write_scenario(tmp_path, """
title = "A day"
programme = "vietnam"
as_of = 2026-11-12T20:00:00+07:00
[[step]]
name = "morning"
as_of = 2026-11-12T20:00:00+07:00
[[step.files]]
path = "m.csv"
sender = "team-a"
kind = "manifest"
[[step.files]]
path = "r.csv"
sender = "lab"
[[step]]
name = "later"
as_of = 2026-11-12T20:00:00+07:00
""")  # fmt: skip
    found = load_scenario(folder)
    assert found.as_of.isoformat() == "2026-11-12T20:00:00+07:00"
    dropped = [(file.path.name, file.sender, file.kind) for file in found.steps[0].files]
    assert dropped == [("m.csv", "team-a", "manifest"), ("r.csv", "lab", None)]
    assert found.steps[1].files == () and found.file_count == 2


@pytest.mark.parametrize("text", ["", "title = ", "title='t'\nprogramme='v'\nas_of=2026-11-12T20:00:00Z\n[[step]]\nfiles=[]", None])
def test_a_scenario_that_is_none_is_named(tmp_path, text):
    if text is not None:
        write_scenario(tmp_path, text)
    with pytest.raises(SettingsError, match=r"scenario\.toml"):
        load_scenario(tmp_path)


QUIET = UnderWay(files=0, runs=(), events=0, messages={})


@pytest.mark.parametrize(
    "busy",
    [
        UnderWay(1, (), 0, {}),
        UnderWay(0, ("intake",), 0, {}),
        UnderWay(0, (), 1, {}),
        UnderWay(0, (), 0, {"queued": 3}),
        None,
    ],
    ids=["file", "run", "event", "message", "Airflow does not answer"],
)
def test_quiet_needs_two_looks_in_a_row(busy):
    looks = iter([QUIET, busy, QUIET, QUIET])

    def look():
        if (found := next(looks)) is None:
            raise TryAgain("Airflow does not answer.")
        return found

    told: list[str] = []
    wait_until_quiet(look, list, [], 60, told.append, sleep=lambda _: None)
    assert len(told) == 4 and list(looks) == []


def test_a_failed_run_ends_the_waiting_at_once():
    with pytest.raises(ActionNeeded, match="A run failed: decide"):
        wait_until_quiet(lambda: QUIET, lambda: ["decide"], [], 60, lambda _: None, sleep=lambda _: None)


def test_the_waiting_says_what_it_still_waited_for():
    busy = UnderWay(2, ("intake", "notify"), 0, {"queued": 3})
    with pytest.raises(ActionNeeded, match="2 files wait, intake runs, notify runs, 3 messages queued"):
        wait_until_quiet(lambda: busy, list, [], 0, lambda _: None, sleep=lambda _: None)
