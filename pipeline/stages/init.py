"""Init: a home that the other commands can work in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.home import Home
from pipeline.settings import Settings
from pipeline.stages.house import open_house
from pipeline.vault.keys import create_master, master_file


@dataclass(frozen=True)
class Initialised:
    """made_key: a master key was written to key_file, which somebody must keep a copy of."""

    programme: str
    made_key: bool
    key_file: Path


def init(settings: Settings) -> Initialised:
    """Make the folders, the master key (where none is set or there), the databases and the empty warehouse. Twice is once."""
    home = Home(settings.home)
    home.make()
    key_file = master_file(home)
    made_key = settings.master_key is None and not key_file.exists()
    if made_key:
        create_master(home)
    with open_house(settings) as house, house.writer(), house.warehouse(spill=False):
        return Initialised(house.programme.name, made_key, key_file)
