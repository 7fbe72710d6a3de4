"""`unpool up` and `unpool down`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.home import Home
from pipeline.launcher.services import Running, bring_down, bring_up
from pipeline.settings import Settings
from pipeline.stages.init import init


def up(settings: Settings, out: Console, environ: Mapping[str, str] | None = None) -> Running:
    """Start everything, print where it is, and return; it stays until `down`. Without `environ` the services inherit this process's."""
    with out.status("Making the stores"):
        made = init(settings)
    if made.made_key:
        out.print(f"A new master key was made: {made.key_file}. Keep a copy in a safe place.", highlight=False, soft_wrap=True)
    running = bring_up(settings, os.environ if environ is None else environ, out)
    show_addresses(out, settings.home, running)
    out.print("It watches the inbox. `make down` (or `unpool down`) stops it.", highlight=False)
    return running


def down(settings: Settings, out: Console) -> None:
    """Stop what `up` started for this home, and what a demo that was broken off may have left below it."""
    for home in (demo_home(settings.home), settings.home):
        bring_down(home, out)
    out.print("Stopped.")


def demo_home(home: Path) -> Path:
    """The demo has a home of its own: it begins by throwing it away."""
    return home / "demo"


def show_addresses(out: Console, home: Path, running: Running) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("Airflow", f"{running.airflow_url}  (login {running.user}, password {running.password})")
    table.add_row("Result page", f"{running.result_page_url}  (each message to the stand-in holds a link)")
    table.add_row("Desk", f"{running.desk_url}  (`unpool account add` lets somebody sign in)")
    table.add_row("Inbox", f"{Home(home).inbox}/<sender>/")
    table.add_row("Data Docs", str(Home(home).data_docs))
    stand_in = running.twilio_stand_in_url
    table.add_row("Messages", f"to Twilio's stand-in on this machine, {stand_in}" if stand_in else "to Twilio")
    table.add_row("Logs", running.logs)
    out.print(table, soft_wrap=True)
