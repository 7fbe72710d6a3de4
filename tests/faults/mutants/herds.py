"""The herds: whose mutants are judged, by which tests; and each mutant's name, which holds where lines are moved."""

from __future__ import annotations

import random
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.faults.mutants import python, sql
from tests.faults.mutants.sql import Mutant

ROOT = Path(__file__).parents[3]
EXCUSES = Path(__file__).parent / "survivors.toml"


@dataclass(frozen=True)
class Herd:
    """Files whose mutants the same tests judge. quick: the likeliest to notice first; thorough: for what survives these."""

    name: str
    pattern: str
    quick: Sequence[str]
    thorough: Sequence[str]

    @property
    def is_python(self) -> bool:
        return self.pattern.endswith(".py")

    @cached_property
    def mutants(self) -> Mapping[str, Mutant]:
        """Name → mutant. A name is file, change and the changed line's text; the second one of a name has its number."""
        found: dict[str, Mutant] = {}
        seen: Counter[str] = Counter()
        for path in sorted(ROOT.glob(self.pattern)):
            text = path.read_text(encoding="utf-8")
            lines = text.splitlines()
            for mutant in (sql.mutants if path.suffix == ".sql" else python.mutants)(path.relative_to(ROOT).as_posix(), text):
                name = f"{mutant.file}: {mutant.what}: {lines[mutant.line - 1].strip()}"
                seen[name] += 1
                found[name if seen[name] == 1 else f"{name} #{seen[name]}"] = mutant
        return found

    def sample(self, size: int, seed: int) -> list[str]:
        names = list(self.mutants)
        return random.Random(seed).sample(names, min(size, len(names)))

    def likely(self, mutant: Mutant) -> Sequence[str]:
        """A module's own tests, where it has some."""
        stem = Path(mutant.file).stem
        paths = (f"tests/unit/test_{self.name}_{stem}.py", f"tests/files/test_{stem}s.py")
        return [path for path in paths if (ROOT / path).exists()]


_CASES = "tests/sql/test_decide_cases.py"
HERDS = (
    Herd(
        "decide",
        "sql/decide/*.sql",
        quick=(
            f"{_CASES}::test_cases_beside_each_other_do_not_disturb_each_other", f"{_CASES}::test_what_is_told",
            f"{_CASES}::test_I5_a_correction_is_told_once_and_a_repeated_word_never", f"{_CASES}::test_lost_then_found_is_told",
            f"{_CASES}::test_a_correction_takes_people_off_the_list", f"{_CASES}::test_only_what_was_touched_is_decided",
            "tests/sql/test_decide_grain.py", "tests/sql/test_signed_holds.py", "tests/sql/test_decided_again.py", "tests/sql/test_published.py",
            "tests/property/test_decide_model.py",
        ),
        thorough=("tests/property/test_decide_incremental.py", _CASES),
    ),
    Herd(
        "domain",
        "pipeline/domain/*.py",
        quick=(
            *(f"tests/unit/test_domain_{name}.py" for name in ("dates", "identity", "messages", "names", "phones", "states", "tube_codes", "words")),
            "tests/property/test_domain_properties.py", "tests/unit/test_programme.py", "tests/unit/test_formats.py", "tests/sql/test_published.py",
            "tests/sql/test_checks_manifest.py", "tests/sql/test_checks_results.py",
            "tests/files/test_plates.py", "tests/files/test_manifests.py", "tests/files/test_instruments.py",
        ),
        thorough=("tests/unit",),
    ),
    Herd(
        "outbox",
        "pipeline/ledger/outbox.py",
        quick=(
            "tests/unit/test_ledger_sqlite.py", "tests/sql/test_published.py", "tests/integration/test_outbox_written.py",
            "tests/integration/test_outbox_statements.py", "tests/integration/test_ledger_append.py", "tests/integration/test_ledger_outbox.py",
        ),
        thorough=("tests/integration/test_notify_silence.py", "tests/integration/test_notify_lookup.py", "tests/integration/test_notify.py"),
    ),
)  # fmt: skip


def excuses() -> dict[str, str]:
    """Name of a mutant that no test can kill → why nobody could see a difference."""
    groups = tomllib.loads(EXCUSES.read_text(encoding="utf-8"))["equivalent"]
    return {name: group["why"] for group in groups for name in group["mutants"]}
