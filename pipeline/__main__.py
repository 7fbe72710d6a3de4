"""The command line. Each command parses, calls one stage and prints; what it prints is in `pipeline/show.py`."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pipeline.commands.account import account
from pipeline.commands.formats import formats
from pipeline.commands.serve import callbacks, desk, result_page, twilio_stand_in
from pipeline.domain.words import Choice, FileKind
from pipeline.errors import UnpoolError
from pipeline.settings import Settings

app = typer.Typer(
    name="unpool",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Pooled swabs in, an answer for every person out.\n\n"
    "Example: unpool init && unpool receive manifest.csv --from TEAM1 && unpool run",
)
out = Console()


def _now(settings: Settings) -> datetime:
    return settings.clock(datetime.now(UTC))


@contextmanager
def _progress(what: str) -> Iterator[Progress]:
    """A line that moves while something takes its time; nothing where nobody watches."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[shown]}"), TimeElapsedColumn())
    screen = Console(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        progress.add_task(what, total=None, shown="")
        yield progress


def _steps(progress: Progress) -> Callable[[str, int, int], None]:
    """Shows one step after the other on the line of `_progress`."""

    def show(what: str, done: int, of: int) -> None:
        progress.update(progress.task_ids[0], description=what, completed=done, total=of, shown=f"{done:,} of {of:,}")

    return show


@app.command()
def init() -> None:
    """Make the home folder, its key and its stores.

    Example: UNPOOL_HOME=/srv/unpool unpool init
    """
    from pipeline.stages.init import init as make

    settings = Settings.from_env(os.environ)
    with _progress("Making the stores"):
        done = make(settings)
    out.print(f"Home: {settings.home}", highlight=False, soft_wrap=True)
    if done.made_key:
        out.print(f"A new master key was made: {done.key_file}\n"
                  "Keep a copy in a safe place: without it neither the archive nor the vault can be read.\n"
                  "In production, set UNPOOL_MASTER_KEY instead.", highlight=False, soft_wrap=True)  # fmt: skip
    out.print(f"Programme: {done.programme}. Ledger and vault are ready.", highlight=False)


@app.command()
def receive(
    files: Annotated[list[Path], typer.Argument(help="Manifests or result files.", metavar="FILE...")],
    sender: Annotated[str, typer.Option("--from", help="Code of the team or lab that sends them.", metavar="CODE")],
    kind: Annotated[FileKind | None, typer.Option("--kind", help="Only where the headings fit both.")] = None,
) -> None:
    """Put files into the inbox, whole or not at all.

    Example: unpool receive round1.csv round2.csv --from TEAM1
    """
    from pipeline.home import Home
    from pipeline.stages.receive import receive as put

    home = Home(Settings.from_env(os.environ).home)
    home.make()
    for path in put(home, files, sender, kind):
        out.print(f"received: {path}", highlight=False, soft_wrap=True)


@app.command()
def run() -> None:
    """Take in, decide and send until nothing waits.

    Example: unpool run
    """
    from pipeline.show import show_run
    from pipeline.stages.house import open_house
    from pipeline.stages.publish import publish
    from pipeline.stages.run import run_all

    settings = Settings.from_env(os.environ)
    with open_house(settings) as house, _progress("Working") as progress:
        summary = run_all(house, _now(settings), lambda stage, n: progress.update(progress.task_ids[0], description=stage, shown=str(n)))
        publish(house, _now(settings))
    show_run(out, summary)


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Where everything stands, in counts.

    Example: unpool status --json
    """
    from pipeline.show import show_status
    from pipeline.stages.house import open_house
    from pipeline.stages.status import status as figures

    with open_house(Settings.from_env(os.environ)) as house, _progress("Counting"):
        found = figures(house)
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2, sort_keys=True) + "\n")
    else:
        show_status(out, found)


@app.command()
def lists(
    folder: Annotated[Path | None, typer.Option("--out", help="Where to write them; else the home's lists/.", metavar="DIR")] = None,
) -> None:
    """Write the worklist, repeats, call-back list and those without a phone.

    They name people: give each to whom it is for, and keep none.

    Example: unpool lists --out /media/usb
    """
    from pipeline.show import show_lists
    from pipeline.stages.house import open_house
    from pipeline.stages.lists import write_lists

    with open_house(Settings.from_env(os.environ)) as house, _progress("Writing the lists"):
        written = write_lists(house, folder or house.home.lists, _now(house.settings))
    show_lists(out, written, rows=0)


@app.command()
def files() -> None:
    """Every file that arrived, its verdict and its counts.

    Example: unpool files
    """
    from pipeline.ledger import receipts
    from pipeline.show import show_files
    from pipeline.stages.house import open_house

    with open_house(Settings.from_env(os.environ)) as house, house.ledger.begin() as conn:
        listing = receipts.listing(conn)
    show_files(out, listing)


@app.command()
def holds() -> None:
    """What waits for a person, with owner and age.

    Example: unpool holds
    """
    from pipeline.ledger import holds as questions
    from pipeline.ledger.decisions import people_for
    from pipeline.show import show_holds
    from pipeline.stages.house import open_house

    settings = Settings.from_env(os.environ)
    with open_house(settings) as house, house.ledger.begin() as conn:
        waiting = questions.open_holds(conn)
        spoken = people_for(conn)
    show_holds(out, waiting, spoken, _now(settings))


Who = Annotated[str, typer.Option("--by", help="Who decides.", metavar="NAME")]
Why = Annotated[str, typer.Option("--why", help="The reason, without anybody's data: it goes into the audit.", metavar="TEXT")]
HoldId = Annotated[str, typer.Argument(help="The hold's id, or its first characters, as `unpool holds` shows it.", metavar="HOLD")]


@app.command()
def release(hold: HoldId, who: Who, why: Why) -> None:
    """Let go what a hold stops: a held file, a lab's files, all messages, the own results of a discordant pool. Takes two people.

    Example: unpool release 3f2a91bc --by lan --why "lab 1 confirms the list"
    """
    _answer(hold, Choice.RELEASE, who, why)


@app.command()
def refuse(hold: HoldId, who: Who, why: Why) -> None:
    """Refuse what a hold stops: a file is never taken in, a tube's people are swabbed again. One person is enough.

    Example: unpool refuse 3f2a91bc --by lan --why "sent by mistake"
    """
    _answer(hold, Choice.REFUSE, who, why)


def _answer(hold: str, choice: Choice, who: str, why: str) -> None:
    from pipeline.show import show_answer
    from pipeline.stages.answer import answer
    from pipeline.stages.house import open_house

    settings = Settings.from_env(os.environ)
    with open_house(settings) as house:
        show_answer(out, answer(house, hold, choice, who=who, why=why, now=_now(settings)))


@app.command()
def pause(who: Who, why: Why) -> None:
    """Stop all sending at once: no further message leaves, whoever sends.

    Example: unpool pause --by lan --why "a lab reports swapped plates"
    """
    from pipeline.stages.answer import pause as stop
    from pipeline.stages.house import open_house

    settings = Settings.from_env(os.environ)
    with open_house(settings) as house:
        stop(house, who=who, why=why, now=_now(settings))
    out.print("Sending is paused. Nothing is lost: messages wait until `unpool resume`.")


@app.command()
def resume(who: Who, why: Why) -> None:
    """Let messages go out again after `unpool pause`.

    Example: unpool resume --by lan --why "plates checked"
    """
    from pipeline.stages.answer import resume as go_on
    from pipeline.stages.house import open_house

    settings = Settings.from_env(os.environ)
    with open_house(settings) as house:
        go_on(house, who=who, why=why, now=_now(settings))
    out.print("Sending goes on, unless a breaker keeps it: `unpool status`.")


@app.command()
def verify() -> None:
    """Check every invariant. Prints each violation; exit 1 if there is any.

    Example: unpool verify
    """
    from pipeline.stages.house import open_house
    from pipeline.stages.verify import verify as check

    with open_house(Settings.from_env(os.environ)) as house, _progress("Checking"):
        found = check(house)
    for sentence in found:
        out.print(sentence, highlight=False, soft_wrap=True)
    if found:
        raise typer.Exit(1)
    out.print("All invariants hold.")


@app.command()
def rebuild() -> None:
    """Make the warehouse anew from archive and ledger; print the state hash before and after.

    Example: unpool rebuild
    """
    from pipeline.stages.house import open_house
    from pipeline.stages.rebuild import rebuild as anew

    settings = Settings.from_env(os.environ)
    with open_house(settings) as house, _progress("Replaying") as progress:
        done = anew(house, _now(settings), partial(_steps(progress), "Replaying batches"))
    out.print(f"before: {done.before or 'no warehouse that opens'}\nafter:  {done.after}\n"
              f"batches replayed: {done.batches}", highlight=False)  # fmt: skip


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet, on another disk.", metavar="DIR")],
) -> None:
    """Copy everything but keys into a folder while all goes on. Day keys are in their mirror, the master key where you keep your copy.

    Example: unpool backup /media/usb/unpool-2026-11-24
    """
    from pipeline.stages.backup import backup as copy
    from pipeline.stages.house import open_house

    settings = Settings.from_env(os.environ)
    with open_house(settings) as house, _progress("Copying") as progress:
        done = copy(house, folder.absolute(), _now(settings), _steps(progress))
    size = sum(file.size for file in done.files.values())
    out.print(f"backup: {folder}\n{len(done.files):,} files, {size:,} bytes, {done.receipts:,} received files, "
              f"{sum(done.messages.values()):,} messages\nstate {done.state_hash}", highlight=False, soft_wrap=True)  # fmt: skip


@app.command()
def restore(folder: Annotated[Path, typer.Argument(help="What `unpool backup` made.", metavar="DIR")]) -> None:
    """Make an installation from a backup and the mirror of its day keys, in an empty home. It sends nothing before `unpool reconcile`.

    Example: UNPOOL_HOME=/srv/unpool UNPOOL_MASTER_KEY=... UNPOOL_KEYS_MIRROR=/mnt/keys unpool restore /media/usb/unpool-2026-11-24
    """
    from pipeline.stages.restore import restore as make

    settings = Settings.from_env(os.environ)
    with _progress("Restoring") as progress:
        done = make(settings, folder.absolute(), _now(settings), _steps(progress))
    for sentence in done.violations:
        out.print(sentence, highlight=False, soft_wrap=True)
    if done.erased.files or done.erased.batches or done.shut:
        out.print(f"erased since, and gone here too: {done.erased.files:,} files; {done.shut:,} that waited: send those in again")
    out.print(f"restored: the state of {done.contents.made_at:%Y-%m-%d %H:%M %Z}\nstate {done.contents.state_hash}\n"
              "Sending is blocked. Next: `unpool reconcile`, then send in again what arrived since.", highlight=False)  # fmt: skip
    if done.violations:
        raise typer.Exit(1)


@app.command()
def reconcile(
    despite_unreadable: Annotated[bool, typer.Option("--despite-unreadable", help="Even where Twilio no longer shows some texts.")] = False,
) -> None:
    """After a restore: ask Twilio who was told since the backup, then let sending go on.

    Example: unpool reconcile
    """
    from pipeline.delivery.sms import Sms
    from pipeline.stages.house import open_house
    from pipeline.stages.reconcile_restored import reconcile_restored

    settings = Settings.from_env(os.environ)
    sms = Sms(settings.twilio) if settings.twilio else None
    with open_house(settings) as house, _progress("Asking Twilio") as progress:
        seen = partial(progress.update, progress.task_ids[0])
        done = reconcile_restored(house, _now(settings), lambda n: seen(shown=str(n)), sms=sms, despite_unreadable=despite_unreadable)
    if done.since is None:
        out.print("Nothing to reconcile: this ledger was not restored, or was reconciled already.")
        return
    out.print(f"asked: {done.asked:,} messages of Twilio's since {done.since:%Y-%m-%d %H:%M %Z}\n"
              f"known {done.known:,}, adopted {done.adopted:,}, kept aside {done.kept:,}, not ours {done.foreign:,}, "
              f"unreadable {done.unreadable:,}\nSending goes on with the next run.", highlight=False)  # fmt: skip


@app.command()
def erase(
    before: Annotated[datetime, typer.Option("--before", formats=["%Y-%m-%d"], help="All days before this one.", metavar="DATE")],
    by: Annotated[str, typer.Option("--by", help="Your name, for the audit.", metavar="NAME")],
    why: Annotated[str, typer.Option("--why", help="The reason, for the audit.", metavar="TEXT")],
) -> None:
    """Erase who people are, and the files that say so, of all days before a date. For ever; outcomes stay, under pseudonyms.

    Example: unpool erase --before 2026-10-01 --by lan --why "kept for 30 days"
    """
    from pipeline.stages.erase import erase as forget
    from pipeline.stages.house import open_house

    settings = Settings.from_env(os.environ)
    with open_house(settings) as house, _progress("Erasing"):
        done = forget(house, before.date(), who=by, why=why, now=_now(settings))
    if not done.is_anything:
        out.print("Nothing to erase: no day before that has a key.")
        return
    out.print(f"erased: {done.days:,} days, {done.files:,} files; facts of {done.batches:,} batches are kept under pseudonyms\n"
              "In backups made before they open no more either.", highlight=False)  # fmt: skip


@app.command("erase-person")
def erase_person(
    by: Annotated[str, typer.Option("--by", help="Your name, for the audit.", metavar="NAME")],
    why: Annotated[str, typer.Option("--why", help="The reason, for the audit.", metavar="TEXT")],
) -> None:
    """Erase one person, and every received file that names them. For ever; asks who it is, so that no shell remembers.

    Example: unpool erase-person --by lan --why "asked for it in writing"
    """
    from pipeline.stages.erase_person import Person, birth_date
    from pipeline.stages.erase_person import erase_person as forget
    from pipeline.stages.house import open_house

    citizen_id = typer.prompt("Citizen id (empty: by phone and birth date)", default="", show_default=False)
    phone = "" if citizen_id else typer.prompt("Phone")
    person = Person(citizen_id, phone, birth_date(typer.prompt("Birth date (YYYY-MM-DD, or the year)")) if phone else "")
    settings = Settings.from_env(os.environ)
    with open_house(settings) as house, _progress("Looking") as progress:
        done = forget(house, person, who=by, why=why, now=_now(settings), progress=partial(_steps(progress), "Looking through the files"))
    if not done.is_anything:
        out.print("Nothing to erase: neither the vault nor a received file names this person.")
        return
    out.print(f"erased: {done.specimens:,} entries of the vault, {done.files:,} files\n"
              f"Backups made before open these {done.days} days no more, for anybody: make the next one now.", highlight=False)  # fmt: skip


@app.command("unlock-link")
def unlock_link(who: Who, why: Why) -> None:
    """Give a locked link its tries back. Asks for the link, so that no shell remembers it.

    Example: unpool unlock-link --by lan --why "called, and said name and address"
    """
    from pipeline.stages.house import open_house
    from pipeline.stages.unlock import unlock_link as unlock

    link, settings = typer.prompt("Link"), Settings.from_env(os.environ)
    with open_house(settings) as house:
        spent = unlock(house, link, who=who, why=why, now=_now(settings))
    out.print(f"Unlocked: {spent} tries were spent, all are there again.", highlight=False)


@app.command()
def up() -> None:
    """Start Airflow and all it needs, and leave it watching the inbox.

    Example: unpool up
    """
    from pipeline.launcher.up import up as start

    start(Settings.from_env(os.environ), out)


@app.command()
def down() -> None:
    """Stop what `unpool up` started.

    Example: unpool down
    """
    from pipeline.launcher.up import down as stop

    stop(Settings.from_env(os.environ), out)


@app.command()
def demo(
    samples: Annotated[Path, typer.Option(help="Folder of sample files with their scenario.toml.")] = Path("data_samples/demo"),
) -> None:
    """The whole way once, on Airflow, with made-up people: ends by itself.

    Example: unpool demo
    """
    from pipeline.launcher.demo import demo as show

    raise typer.Exit(show(Settings.from_env(os.environ), samples, out))


# In the order in which `--help` shows them.
for serve in (desk, result_page, callbacks, twilio_stand_in):
    app.command(serve.__name__.replace("_", "-"))(serve)
app.add_typer(account)
app.add_typer(formats)


def main() -> None:
    """Entry of the console script: an UnpoolError is one sentence and its exit code, never a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        app()
    except UnpoolError as error:
        Console(stderr=True).print(error.message, style="red", highlight=False, soft_wrap=True)
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()
