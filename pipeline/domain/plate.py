"""From wells to one call a tube: targets found or not by their cut-offs, the internal control, the plate's controls, the instrument's word.

Nothing is called that is not clear: replicates that disagree, a target without a well, a Ct that is no number, a word that says otherwise.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from pipeline.domain.names import fold_key
from pipeline.domain.words import Call

# A well whose target was not found says so; an empty cell says nothing.
_NO_CYCLE = frozenset({"undetermined", "nan", "n/a", "no ct"})
_CYCLE = re.compile(r"[0-9]{1,3}(\.[0-9]+)?")
_NUMBER = re.compile(r"_[0-9]{1,3}$")


class Task(StrEnum):
    SAMPLE = "sample"
    NEGATIVE = "negative"
    POSITIVE = "positive"


class WordOf(StrEnum):
    """Of what the instrument's own word is said. `tube`: of the specimen, in each of its wells. `target`: of one target in one well."""

    TUBE = "tube"
    TARGET = "target"


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
    """Names and words are the instrument's, folded. A target is found where its Ct is at most its cut-off (`cut_offs` has the internal
    control's, too); `needed` of them make the tube detected. A word that is not in `words` is no call. `controls` must be on the plate,
    of every target.

    `no_ct`: what the instrument writes for "never crossed the threshold" besides the usual words. `numbered_tasks`: tasks carry the number
    of their replicate (`Unkn-01`), which is no part of the word.
    """

    targets: tuple[str, ...]
    needed: int
    cut_offs: Mapping[str, float]
    internal: str
    tasks: Mapping[str, Task]
    words: Mapping[str, Call]
    controls: frozenset[Task]
    word_of: WordOf = WordOf.TUBE
    no_ct: frozenset[str] = frozenset()
    numbered_tasks: bool = False

    def task_of(self, word: str) -> Task | None:
        """None for a word that is no task."""
        folded = fold_key(word)
        if self.numbered_tasks and folded not in self.tasks:
            folded = _NUMBER.sub("", folded)
        return self.tasks.get(folded)


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
        if assay.task_of(well.task) in (Task.SAMPLE, None):
            by_code[well.sample].append(well)
    made = []
    for code, its in by_code.items():
        call, unclear = (None, Unclear.PLATE_FAILED) if failed else call_of(its, assay)
        cycles = ";".join(f"{well.target}={well.ct}" for well in its if _is_target(well, assay) and _CYCLE.fullmatch(well.ct))
        made.append(Tube(its[0].row, code, call, unclear, cycles))
    return made


def plate_failed(wells: Iterable[Well], assay: Assay) -> bool:
    """A negative control with a target, a positive one without (by its cycles or by the instrument's word for the target), or a control
    that the assay asks for and the plate has not, of every target."""
    seen: set[tuple[Task, str]] = set()
    for well in wells:
        task = assay.task_of(well.task)
        if task not in (Task.NEGATIVE, Task.POSITIVE) or not _is_target(well, assay):
            continue
        seen.add((task, fold_key(well.target)))
        if _found(well, assay) is not (task is Task.POSITIVE) or not _target_word_agrees(well, assay):
            return True
    return any((control, target) not in seen for control in assay.controls for target in assay.targets)


def call_of(wells: Sequence[Well], assay: Assay) -> tuple[Call | None, Unclear | None]:
    """One tube's call, or why there is none."""
    found = {target: _agreed(wells, target, assay) for target in assay.targets}
    internal = _agreed(wells, assay.internal, assay)
    counts = Counter(fold_key(well.target) for well in wells)
    # As many wells of each: a file that is cut loses the replicates of the target that stands last.
    if 0 in (numbers := {counts[name] for name in (*assay.targets, assay.internal)}) or len(numbers) > 1:
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
    match assay.word_of:
        case WordOf.TUBE:
            return {assay.words.get(fold_key(well.word)) for well in wells if well.word and _is_target(well, assay)} <= {call}
        case WordOf.TARGET:
            return all(_target_word_agrees(well, assay) for well in wells if fold_key(well.target) in assay.cut_offs)
        case _:
            assert_never(assay.word_of)


def _target_word_agrees(well: Well, assay: Assay) -> bool:
    """Whether the instrument says of this target what its cycles say; true where it speaks of whole tubes."""
    if assay.word_of is WordOf.TUBE:
        return True
    said, found = assay.words.get(fold_key(well.word)), _found(well, assay)
    return found is not None and said is (Call.DETECTED if found else Call.NOT_DETECTED)


def _agreed(wells: Sequence[Well], target: str, assay: Assay) -> bool | None:
    """Whether all of a target's wells found it, or none; None where they disagree or one says nothing."""
    answers = {_found(well, assay) for well in wells if fold_key(well.target) == target}
    return answers.pop() if len(answers) == 1 else None


def _is_target(well: Well, assay: Assay) -> bool:
    return fold_key(well.target) in assay.targets


def _found(well: Well, assay: Assay) -> bool | None:
    """Of a target of the assay: whether it was found; None where its Ct is neither a number nor a word for none."""
    if well.ct.lower() in _NO_CYCLE | assay.no_ct:
        return False
    return float(well.ct) <= assay.cut_offs[fold_key(well.target)] if _CYCLE.fullmatch(well.ct) else None
