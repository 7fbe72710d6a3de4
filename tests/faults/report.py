"""docs/reliability.json and .md from build/reliability.json, which a run of the tests leaves: `make reliability`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tests.faults.bindings import FOUND as BINDINGS
from tests.faults.long import FOUND as SENDS
from tests.faults.long_restore import FOUND as DRILL
from tests.faults.longer import FOUND as LONGER
from tests.faults.mutants.run import FOUND as MUTANTS
from tests.faults.reliability import FOUND
from tests.faults.sim.__main__ import LARGEST

DOCS = Path("docs")
HERE = Path(__file__).parent
# Figures that every run must tell: a lane that lost a test would otherwise look as good as before.
PROMISED = ("lost", "doubled", "wrong")


def main() -> None:
    page, told = rendered(json.loads(FOUND.read_text()))
    (DOCS / "reliability.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    (DOCS / "reliability.md").write_text(page)


def rendered(found: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The page and the flat keys. `found`: what a whole run recorded, with its commit. Raises KeyError where a promised figure is missing."""
    known = found["about"]
    # A missing one is a KeyError: what was not measured is not nought.
    figures = {name: found["figures"][name] for name in PROMISED} | dict(sorted(found["figures"].items()))
    largest = largest_run()
    longer = long_forms()
    judged = mutants(json.loads(MUTANTS.read_text()))
    lane = {"fault_lane_s": round(found["seconds"]["tests/faults"]), "all_tests_s": round(sum(found["seconds"].values()))}
    figures |= {name: judged[name] for name in ("mutants", "mutants_killed", "mutants_unjudged")}
    of_mutants = {"mutants_commit": judged["commit"], "mutants_date": judged["date"]}
    told = figures | largest | lane | of_mutants | {name: known[name] for name in ("commit", "date", "machine")}
    environment = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    page = environment.get_template("reliability.md.j2").render(
        **known, figures=figures, largest=largest, longer=longer, lane=lane, rows=rows(found["tests"], found["of_rows"]), judged=judged
    )
    return page, told


def largest_run(path: Path = LARGEST) -> dict[str, Any]:
    """The simulator's largest run without a finding, as `make simulate RECORD=1` left it; {} before the first."""
    if not path.exists():
        return {}
    run = json.loads(path.read_text())
    return {f"largest_run_{name}": run[name] for name in ("episodes", "seed", "commit", "date")}


def long_forms() -> dict[str, Any]:
    """What `make longer`, `make sends`, `make bindings` and `make restore-drill` found last, each with its commit and day; what was never run is not there."""
    return {
        name: json.loads(path.read_text()) if path.exists() else {}
        for name, path in (("tests", LONGER), ("sends", SENDS), ("bindings", BINDINGS), ("drill", DRILL))
    }


def rows(tests: Mapping[str, Mapping[str, Mapping[str, int]]], figures: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """A line for each row of the catalogue that a test is named after. Raises KeyError for one without a sentence in rows.toml."""
    texts = tomllib.loads((HERE / "rows.toml").read_text(encoding="utf-8"))
    return [
        {
            "name": row,
            "text": texts[row],
            "asked": texts["asked"].get(row, ""),
            "found": [f"{name.replace('_', ' ')} {value:,}" for name, value in sorted(figures.get(row, {}).items())],
            "tests": len(named),
            "cases": sum(sum(cases.values()) for cases in named.values()),
            "failed": sum(cases.get("failed", 0) for cases in named.values()),
            "names": [f"`{name}`" for name in sorted(named)],
        }
        for row, named in sorted(tests.items())
    ]


def mutants(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The herds' figures added up; the oldest run's commit and date, since the whole is no newer; the survivors by herd, with the reason."""
    oldest = min(found.values(), key=lambda herd: herd["date"])
    return {
        "mutants": sum(herd["mutants"] for herd in found.values()),
        "mutants_killed": sum(herd["mutants_killed"] for herd in found.values()),
        "mutants_unjudged": sum(len(herd["unjudged"]) for herd in found.values()),
        "commit": oldest["commit"],
        "date": oldest["date"],
        "herds": dict(found),
    }


if __name__ == "__main__":
    main()
