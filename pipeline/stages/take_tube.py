"""A tube as a phone sends it: what is wrong with it, said while the people are still there, and the manifest file that it becomes.

The file goes through the same door as every other, and the SQL rules judge it there. What is found here are those of them that need no
other file, by the same codes, so that nobody leaves the site whose row would only come back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Final

from pipeline.domain.identity import IdProblem, Sex, id_problems
from pipeline.domain.names import fold_name
from pipeline.domain.tube_codes import is_acceptable, normalise
from pipeline.domain.words import Mode
from pipeline.programme import Programme

# As sql/checks/manifest/future_collected_at.sql and bad_birth_date.sql have them.
GRACE: Final = timedelta(hours=1)
FIRST_YEAR: Final = 1880


@dataclass(frozen=True)
class Swabbed:
    """Somebody in a tube. All text, '' where nothing was said; `birth_date` is ISO or a year, `sex` M, F, O."""

    full_name: str
    birth_date: str
    sex: str
    phone: str
    citizen_id: str
    address: str
    person_code: str
    specimen_code: str

    @property
    def who(self) -> tuple[str, ...]:
        """What tells people apart within one file, as sql/checks/manifest/_1_checked_row.sql has it."""
        if self.citizen_id or self.person_code:
            return ("id", self.citizen_id) if self.citizen_id else ("code", self.person_code)
        return (fold_name(self.full_name), self.birth_date, self.phone)


@dataclass(frozen=True)
class FinishedTube:
    """`collected_at`: the programme's local time, ISO without zone. `mode`: None for the programme's."""

    tube_code: str
    collected_at: datetime
    site_code: str
    mode: Mode | None
    replaces_tube: str
    people: tuple[Swabbed, ...]


@dataclass(frozen=True)
class Finding:
    """`code` of quality/texts/reasons.toml; `place` of the person in the tube, from 1, None for the tube itself."""

    code: str
    place: int | None
    field: str


def findings(tube: FinishedTube, programme: Programme, now: datetime) -> list[Finding]:
    """Why rows of this tube would come back, all at once. `now`: the programme's local time, without zone."""
    found = [Finding(code, None, field) for code, field in _of_tube(tube, programme, now)]
    seen: set[tuple[str, ...]] = set()
    for place, person in enumerate(tube.people, 1):
        found += [Finding(code, place, field) for code, field in _of_person(person, tube, programme)]
        if person.who in seen:
            found.append(Finding("person_twice_in_tube", place, "people"))
        seen.add(person.who)
    return found


def manifest(tube: FinishedTube, programme: Programme) -> list[dict[str, str]]:
    """The tube as rows of the format `canonical_manifest`, one a person. The same tube is the same rows."""
    common = {
        "tube_code": tube.tube_code,
        "collected_at": tube.collected_at.isoformat(timespec="seconds"),
        "pool_size": str(len(tube.people)),
        "pooling_mode": (tube.mode or programme.default_mode).value,
        "site_code": tube.site_code,
        "replaces_tube": tube.replaces_tube,
    }
    return [common | asdict(person) for person in tube.people]


def file_name(tube: FinishedTube) -> str:
    """Of its manifest. A tube code names nobody."""
    return f"{normalise(tube.tube_code)}-{tube.collected_at:%Y%m%d-%H%M%S}.csv"


def _of_tube(tube: FinishedTube, programme: Programme, now: datetime) -> Iterator[tuple[str, str]]:
    if not is_acceptable(tube.tube_code, programme.own_tube_prefix):
        yield "bad_tube_code", "tube_code"
    if tube.replaces_tube and not is_acceptable(tube.replaces_tube, programme.own_tube_prefix):
        yield "bad_replaces_tube", "replaces_tube"
    if len(tube.people) > programme.max_pool_size:
        yield "pool_too_large", "people"
    if tube.mode is not None and tube.mode not in programme.modes:
        yield "unknown_mode", "pooling_mode"
    if tube.collected_at > now + GRACE:
        yield "future_collected_at", "collected_at"
    if tube.collected_at.date() < now.date() - timedelta(days=programme.clocks.max_collected_age_days):
        yield "too_old_collected", "collected_at"


def _of_person(person: Swabbed, tube: FinishedTube, programme: Programme) -> Iterator[tuple[str, str]]:
    for field in programme.required_identity:
        if not getattr(person, field):
            yield "missing_identity", field
    if person.birth_date and not _is_birth_date(person.birth_date, tube.collected_at.date()):
        yield "bad_birth_date", "birth_date"
    if person.citizen_id:
        year = int(person.birth_date[:4]) if re.match(r"[0-9]{4}", person.birth_date) else None
        sex = Sex(person.sex) if person.sex in set(Sex) else None
        for problem in id_problems(person.citizen_id, birth_year=year, sex=sex):
            if problem.rejects:
                yield "bad_citizen_id" if problem is IdProblem.NOT_12_DIGITS else "citizen_id_disagrees", "citizen_id"
    if (tube.mode or programme.default_mode) is not Mode.FIELD and len(tube.people) > 1 and not person.specimen_code:
        yield "missing_specimen_code", "specimen_code"
    if person.specimen_code and not is_acceptable(person.specimen_code, programme.own_tube_prefix):
        yield "bad_specimen_code", "specimen_code"


def _is_birth_date(text: str, collected: date) -> bool:
    if re.fullmatch(r"[0-9]{4}", text):
        return FIRST_YEAR <= int(text) <= collected.year
    try:
        return text == date.fromisoformat(text).isoformat() and int(text[:4]) >= FIRST_YEAR and date.fromisoformat(text) <= collected
    except ValueError:
        return False
