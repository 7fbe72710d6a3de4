"""`unpool demo`: the whole way once, on Airflow, with made-up people. It ends by itself and stops all that it started."""

from __future__ import annotations

import csv
import os
import shutil
import signal
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.delivery.link import links
from pipeline.domain.words import PersonState
from pipeline.errors import ActionNeeded, UnpoolError
from pipeline.home import Home
from pipeline.launcher.demo_people import show_people
from pipeline.launcher.installation import Places
from pipeline.launcher.processes import Register
from pipeline.launcher.quiet import UnderWay, under_way, wait_until_quiet
from pipeline.launcher.rest import Airflow
from pipeline.launcher.scenario import Scenario, load_scenario
from pipeline.launcher.services import DAGS, Running, bring_down, bring_up
from pipeline.launcher.up import demo_home, show_addresses
from pipeline.ledger import cards, receipts
from pipeline.settings import Settings
from pipeline.show import show_files, show_lists, show_status
from pipeline.stages.house import House, open_house
from pipeline.stages.init import init
from pipeline.stages.lists import write_lists
from pipeline.stages.open_page import birth_dates
from pipeline.stages.receive import receive
from pipeline.stages.status import status
from pipeline.stages.verify import verify
from pipeline.vault.identity import VaultRef
from pipeline.vault.keys import KeyPurpose
from pipeline.vault.tokens import token

LIMIT_S = 300.0
LIST_ROWS = 3
# Of each state; the first of them who gave a whole birth date is shown.
PEOPLE_ASKED = 5
ISO_DAY = len("2026-11-12")
# Columns, where nobody's terminal says how many: rich would fold the tables to 80.
WIDTH = 160
# Variables of a real installation, which the demo must not touch.
OTHERS = ("UNPOOL_", "TWILIO_", "AIRFLOW")
# The lists that ask somebody to do something.
TO_DO = ("worklist", "callback")
# Marks a home as the demo's, which may be thrown away.
MARK = ".made-by-unpool-demo"


def demo(settings: Settings, samples: Path, out: Console, environ: Mapping[str, str] | None = None) -> int:
    """Play the scenario in `samples` on Airflow in a fresh home below the settings' one, print what came of it, stop everything.

    Returns 0, or 1 after printing the reason. Nothing is sent to anybody: a Twilio account in the settings is not used.
    """
    scenario = load_scenario(samples)
    home = demo_home(settings.home)
    # Nothing else from the settings: neither a real ledger nor a real account. The clock begins at the scenario's moment: its dates
    # would be too old for a message otherwise.
    here = Settings(home=home, programme=scenario.programme, now=scenario.as_of, memory_limit=settings.memory_limit)
    inherited = {name: value for name, value in (os.environ if environ is None else environ).items() if not name.startswith(OTHERS)}
    if not out.is_terminal:
        out.width = WIDTH
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        bring_down(home, out)
        _fresh(home)
        out.print(f"[bold]{scenario.title}[/] {scenario.file_count} files, {scenario.as_of:%d.%m.%Y %H:%M}", highlight=False)
        init(here)
        running = bring_up(here, inherited, out)
        with open_house(here) as house:
            _play(scenario, house, running, out)
            return _show(scenario, house, running, out)
    except UnpoolError as error:
        out.print(f"[red]The demo did not end well.[/] {error.message}", highlight=False, soft_wrap=True)
        return 1
    finally:
        bring_down(home, out)
        signal.signal(signal.SIGTERM, before)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _fresh(home: Path) -> None:
    if home.exists():
        if not (home / MARK).exists():
            raise ActionNeeded(f"{home} is there and no demo made it: move it away, or set UNPOOL_HOME to another folder.")
        shutil.rmtree(home)
    home.mkdir(parents=True)
    (home / MARK).touch()


def _play(scenario: Scenario, house: House, running: Running, out: Console) -> None:
    """Drop each step's files and wait until all that follows from them is done."""
    services = Register(Places(house.home).services).read()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with running.airflow() as airflow, Progress(*columns, console=out, transient=True) as progress:

        def look() -> UnderWay:
            return under_way(house.home, airflow, house.ledger, sorted(DAGS))

        for step in scenario.steps:
            for file in step.files:
                receive(house.home, [file.path], file.sender, file.kind)
            shown = progress.add_task(f"{step.name}: {len(step.files)} files dropped")
            wait_until_quiet(
                look,
                lambda: _failed(airflow),
                services,
                LIMIT_S,
                lambda what, shown=shown, name=step.name: progress.update(shown, description=f"{name}: waiting for {what}"),  # type: ignore[misc]
            )
            progress.remove_task(shown)
            out.print(f"[bold]{step.name}[/]: {len(step.files)} files dropped, and all that followed is done", highlight=False)
            # Now, while they are open: the next step's files answer them.
            show_lists(out, [one for one in write_lists(house, house.home.lists, scenario.as_of) if one.name in TO_DO], rows=LIST_ROWS)
            out.print()


def _failed(airflow: Airflow) -> list[str]:
    return [dag_id for dag_id in sorted(DAGS) if any(run["state"] == "failed" for run in airflow.runs(dag_id))]


def _show(scenario: Scenario, house: House, running: Running, out: Console) -> int:
    """Print what a person wants to see. Returns 1 if an invariant does not hold."""
    with house.ledger.begin() as conn:
        listing = receipts.listing(conn)
    written = write_lists(house, house.home.lists, scenario.as_of)
    violations = verify(house)
    show_files(out, listing)
    show_status(out, status(house))
    out.print("[bold]lists, open items[/]")
    show_lists(out, written, rows=0)
    _show_rejects(house.home, out)
    _show_pages(house, f"{running.result_page_url}/r", out)
    show_people(scenario, house, running.desk_url, out)
    for sentence in violations:
        out.print(f"[red]{sentence}[/]", soft_wrap=True)
    out.print("\n[bold]Where to look next[/]  (the demo stops now; this brings it back: "
              f"UNPOOL_HOME={house.home.root} make up)", highlight=False, soft_wrap=True)  # fmt: skip
    show_addresses(out, house.home.root, running)
    return 1 if violations else 0


def _show_rejects(home: Home, out: Console) -> None:
    """The files that go back to their senders, with the reasons in them. Reasons and counts only."""
    table = Table(
        title=f"rejects, in {home.returns}", title_justify="left", title_style="bold", box=None, header_style="dim", pad_edge=False
    )
    table.add_column("file", no_wrap=True)
    table.add_column("rows", justify="right")
    table.add_column("reason", overflow="fold")
    for path in sorted(home.returns.rglob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            reasons = Counter(row[0] for row in list(csv.reader(file))[1:])
        for reason, rows in sorted(reasons.items()):
            table.add_row(str(path.relative_to(home.returns)), str(rows), reason)
    out.print("\n", table, sep="")


def _show_pages(house: House, base: str, out: Console) -> None:
    """One link of each state that somebody is in, and what opens it: the stand-in forgets its messages when it stops."""
    link_of = links(base, partial(token, house.keys.derive(KeyPurpose.TOKEN)))
    birth_date_of = birth_dates(house.keys)
    table = Table(title="pages, one of each kind", title_justify="left", title_style="bold", box=None, header_style="dim", pad_edge=False)
    for heading in ("state", "link", "opens with the birth date"):
        table.add_column(heading, no_wrap=True)
    for state in PersonState:
        with house.ledger.begin() as conn:
            found = cards.some(conn, state, PEOPLE_ASKED)
        dated = ((one.specimen_id, birth_date_of(VaultRef(one.vault_day, one.vault_batch), one.specimen_id)) for one in found)
        # A year alone opens nothing.
        for specimen_id, birth_date in [(one, day) for one, day in dated if day and len(day) == ISO_DAY][:1]:
            table.add_row(state.value, link_of(specimen_id), birth_date)
    out.print("\n", table, sep="")
