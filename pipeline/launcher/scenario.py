"""A folder of sample files with its `scenario.toml`: what to drop, from whom, and when it plays."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.domain.words import FileKind
from pipeline.errors import SettingsError


@dataclass(frozen=True)
class SampleFile:
    path: Path
    sender: str
    kind: FileKind | None


@dataclass(frozen=True)
class Step:
    """Files that arrive together; the next step waits until these are dealt with."""

    name: str
    files: tuple[SampleFile, ...]


@dataclass(frozen=True)
class Scenario:
    """as_of: its last moment, at which the clock of Airflow's processes begins: the samples' dates are then of these days."""

    title: str
    programme: str
    as_of: datetime
    steps: tuple[Step, ...]

    @property
    def file_count(self) -> int:
        return sum(len(step.files) for step in self.steps)


def load_scenario(folder: Path) -> Scenario:
    """Read `folder/scenario.toml`. Raises SettingsError, naming the file, when it is missing or lacks something."""
    place = folder / "scenario.toml"
    try:
        found = tomllib.loads(place.read_text())
        steps = tuple(_step(folder, step) for step in found["step"])
        return Scenario(found["title"], found["programme"], found["as_of"], steps)
    except FileNotFoundError:
        raise SettingsError(f"{place} is not there: give a folder of data_samples/.") from None
    except (tomllib.TOMLDecodeError, KeyError, ValueError) as error:
        raise SettingsError(f"{place} is no scenario: {type(error).__name__}, {error}.") from None


def _step(folder: Path, step: dict[str, object]) -> Step:
    files = step.get("files", [])
    if not isinstance(files, list):
        raise ValueError("files must be a list")
    return Step(str(step["name"]), tuple(_file(folder, file) for file in files))


def _file(folder: Path, file: dict[str, str]) -> SampleFile:
    return SampleFile(folder / file["path"], file["sender"], FileKind(file["kind"]) if "kind" in file else None)
