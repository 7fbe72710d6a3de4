"""From wells to one call a tube: targets found or not by their cut-offs, the internal control, the plate's controls, the instrument's word.

Nothing is called that is not clear: replicates that disagree, a target without a well, a Ct that is no number, a word that says otherwise.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.names import fold_key
from pipeline.domain.words import Call

# A well whose target was not found says so; an empty cell says nothing.
_NO_CYCLE = frozenset({"undetermined", "nan", "n/a", "no ct"})
_CYCLE = re.compile(r"[0-9]{1,3}(\.[0-9]+)?")


class Task(StrEnum):
    SAMPLE = "sample"
    NEGATIVE = "negative"
    POSITIVE = "positive"


class Unclear(StrEnum):
    """Why a tube has no call. A value is the code of a row rule."""

    PLATE_FAILED = "plate_failed"
    CALLS_DISAGREE = "calls_disagree"
    WELLS_MISSING = "wells_missing"


@dataclass(frozen=True)
class Well:
    """One target in one well. `word` is the instrument's own call, '' where it makes none."""

    row: int
    sample: str
    target: str
    task: str
    ct: str
    word: str


@dataclass(frozen=True)
class Assay:
    """Names and words are the instrument's, folded. A target is found where its Ct is at most `cut_off`; `needed` of them make the tube
    detected. A word that is not in `words` is no call. `controls` must be on the plate."""

    targets: tuple[str, ...]
    needed: int
    cut_off: float
    internal: str
    internal_cut_off: float
    tasks: Mapping[str, Task]
    words: Mapping[str, Call]
    controls: frozenset[Task]


@dataclass(frozen=True)
class Tube:
    """`row` is that of its first well. `call` is None where it is `unclear`; `ct` is as in 'N=23.1;ORF1ab=24'."""

    row: int
    code: str
    call: Call | None
    unclear: Unclear | None
    ct: str


def tubes(wells: Sequence[Well], assay: Assay) -> list[Tube]:
    """The samples' tubes in order of their first wells. Controls are none; a failed or missing one leaves every tube without a call."""
    failed = plate_failed(wells, assay)
    by_code: dict[str, list[Well]] = defaultdict(list)
    for well in wells:
        # A well of an unknown task is some tube's all the same: it must not vanish.
        if assay.tasks.get(fold_key(well.task), Task.SAMPLE) is Task.SAMPLE:
            by_code[well.sample].append(well)
    made = []
    for code, its in by_code.items():
        call, unclear = (None, Unclear.PLATE_FAILED) if failed else call_of(its, assay)
        cycles = ";".join(f"{well.target}={well.ct}" for well in its if _is_target(well, assay) and _CYCLE.fullmatch(well.ct))
        made.append(Tube(its[0].row, code, call, unclear, cycles))
    return made


def plate_failed(wells: Iterable[Well], assay: Assay) -> bool:
    """A negative control with a target, a positive one without, or a control that the assay asks for and the plate has not."""
    seen: set[Task] = set()
    for well in wells:
        task = assay.tasks.get(fold_key(well.task))
        if task not in (Task.NEGATIVE, Task.POSITIVE) or not _is_target(well, assay):
            continue
        seen.add(task)
        if _found(well.ct, assay.cut_off) is not (task is Task.POSITIVE):
            return True
    return not assay.controls <= seen


def call_of(wells: Sequence[Well], assay: Assay) -> tuple[Call | None, Unclear | None]:
    """One tube's call, or why there is none."""
    found = {target: _agreed(wells, target, assay.cut_off) for target in assay.targets}
    internal = _agreed(wells, assay.internal, assay.internal_cut_off)
    if any(not any(fold_key(well.target) == name for well in wells) for name in (*assay.targets, assay.internal)):
        return None, Unclear.WELLS_MISSING
    if None in found.values():
        return None, Unclear.CALLS_DISAGREE
    call = _call(sum(value is True for value in found.values()), internal, assay)
    if call is None or not _instrument_agrees(wells, call, assay):
        return None, Unclear.CALLS_DISAGREE
    return call, None


def _call(found: int, internal: bool | None, assay: Assay) -> Call | None:
    """The internal control decides where nothing was found; where a target was, it may have lost against it."""
    if found >= assay.needed:
        return Call.DETECTED
    if found:
        return Call.INCONCLUSIVE
    if internal is None:
        return None
    return Call.NOT_DETECTED if internal else Call.INVALID


def _instrument_agrees(wells: Sequence[Well], call: Call, assay: Assay) -> bool:
    said = {assay.words.get(fold_key(well.word)) for well in wells if well.word and _is_target(well, assay)}
    return said <= {call}


def _agreed(wells: Sequence[Well], target: str, cut_off: float) -> bool | None:
    """Whether all of a target's wells found it, or none; None where they disagree or one says nothing."""
    answers = {_found(well.ct, cut_off) for well in wells if fold_key(well.target) == target}
    return answers.pop() if len(answers) == 1 else None


def _is_target(well: Well, assay: Assay) -> bool:
    return fold_key(well.target) in assay.targets


def _found(ct: str, cut_off: float) -> bool | None:
    if ct.lower() in _NO_CYCLE:
        return False
    return float(ct) <= cut_off if _CYCLE.fullmatch(ct) else None
