"""`unpool formats ...`: the commands about files' formats. Each parses, calls one stage and prints."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipeline.settings import Settings

formats = typer.Typer(name="formats", no_args_is_help=True, rich_markup_mode=None, help="What files are read by.")
out = Console()


@formats.callback()
def what() -> None:
    """What files are read by."""


@formats.command("try")
def try_command(
    file: Annotated[Path, typer.Argument(help="A file as a team or lab sends it.", metavar="FILE")],
    profile: Annotated[Path | None, typer.Option("--profile", help="Read it by this profile alone.", metavar="TOML")] = None,
) -> None:
    """Show what would be read of a file; of an unknown one, the draft of a profile. Nothing is taken in.

    Example: unpool formats try results.xlsx
    """
    from pipeline.show import tried as show
    from pipeline.stages.try_format import try_file

    found = try_file(Settings.from_env(os.environ), file, profile)
    show(out, found)
    if found.refusal:
        raise typer.Exit(1)
