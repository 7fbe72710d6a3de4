"""Which format profile a file is of, by its headings alone.

Of several that know the headings, the one that asks for more of them is meant; of two that ask for equally many, neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pipeline.domain.words import Content, FileKind
from pipeline.errors import FileRefused
from pipeline.formats import FormatProfile, Layout
from pipeline.intake.readers.decode import UTF_8, Text, decode, nfc_strip
from pipeline.intake.readers.grid import Grid, is_title
from pipeline.intake.readers.sheet import Frame, frame, headings

_WIDE = ("utf-16-le", "utf-16-be")
T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """How files with one heading line are read. `headings` are as sent, without white space around them."""

    profile: FormatProfile
    delimiter: str
    headings: tuple[str, ...]
    layout: Layout


@dataclass(frozen=True)
class Recogniser:
    """Remembers heading lines: a day's 100,000 files have a handful of them."""

    formats: Sequence[FormatProfile]
    _known: dict[tuple[bytes, str, str, FileKind | None], tuple[Plan, ...]] = field(default_factory=dict, repr=False)

    def open(self, data: bytes, name: str, kind_hint: FileKind | None) -> tuple[Text, Frame, Plan]:
        """Decode `data` and find its plan. Raises FileRefused (what `decode` raises, unknown_format, ambiguous_format, doubled_header)."""
        found: list[tuple[tuple[Text, Frame], Plan]] = []
        texts = decode(data, name, sorted({profile.encoding for profile in self.formats}))
        for text in texts:
            at = frame(text.utf8)
            found += [((text, at), plan) for plan in self._plans(at, text.encoding, kind_hint)]
        if not found:
            found = [one for text in texts for one in self._below_titles(text, kind_hint)]
        if not found:
            raise self._unknown(data, name, kind_hint)
        (text, at), plan = best(found, name)
        return text, at, plan

    def plans_of(self, grid: Grid, content: Content, kind_hint: FileKind | None) -> list[tuple[int, Plan]]:
        """The plans by which a table can be read, each with the index of its heading row: the first, or one below titles."""
        found = []
        for profile in self.formats:
            if kind_hint not in (None, profile.kind) or content not in profile.contents:
                continue
            for at in range(min(len(grid.rows), profile.title_rows + 1)):
                names = grid.headings(at)
                if profile.recognises(names):
                    if all(is_title(grid.rows[above], len(names)) for above in range(at)):
                        found.append((at, Plan(profile, "", names, profile.layout(names))))
                    break
        return found

    def _below_titles(self, text: Text, kind_hint: FileKind | None) -> list[tuple[tuple[Text, Frame], Plan]]:
        for titles in range(1, max((profile.title_rows for profile in self.formats), default=0) + 1):
            at = frame(text.utf8, titles)
            plans = self._plans(at, text.encoding, kind_hint)
            plans = tuple(plan for plan in plans if titles <= plan.profile.title_rows and _are_titles(at, plan))
            if plans or at.body_start >= len(text.utf8):
                return [((text, at), plan) for plan in plans]
        return []

    def _plans(self, at: Frame, encoding: str, kind_hint: FileKind | None) -> tuple[Plan, ...]:
        key = (at.heading, at.delimiter, encoding, kind_hint)
        if key not in self._known:
            self._known[key] = self._find(at, encoding, kind_hint)
        return self._known[key]

    def _find(self, at: Frame, encoding: str, kind_hint: FileKind | None) -> tuple[Plan, ...]:
        plans = []
        for profile in self.formats:
            if kind_hint not in (None, profile.kind) or encoding not in (UTF_8, *_WIDE, profile.encoding):
                continue
            if Content.TEXT not in profile.contents:
                continue
            for delimiter in [at.delimiter] if at.delimiter else profile.delimiters:
                names = tuple(nfc_strip(heading) for heading in headings(at.heading, delimiter))
                if profile.recognises(names):
                    plans.append(Plan(profile, delimiter, names, profile.layout(names)))
        return tuple(plans)

    def _unknown(self, data: bytes, name: str, kind_hint: FileKind | None) -> FileRefused:
        is_other = kind_hint is not None and not isinstance(self._other_kind(data, name), FileRefused)
        return unknown(name, kind_hint if is_other else None)

    def _other_kind(self, data: bytes, name: str) -> Plan | FileRefused:
        try:
            return self.open(data, name, None)[2]
        except FileRefused as refused:
            return refused


def _are_titles(at: Frame, plan: Plan) -> bool:
    return all(is_title(headings(line, plan.delimiter), len(plan.headings)) for line in at.titles)


def best(found: Sequence[tuple[T, Plan]], name: str) -> tuple[T, Plan]:
    """The plan that asks for most headings. Raises FileRefused (ambiguous_format, doubled_header)."""
    most = max(len(plan.profile.required_headings) for _, plan in found)
    first, *others = [one for one in found if len(one[1].profile.required_headings) == most]
    if others:
        names = ", ".join(sorted({plan.profile.name for _, plan in (first, *others)}))
        sentence = f"{name} fits several formats equally well ({names}): say which it is, or let one of them ask for more headings."
        raise FileRefused("ambiguous_format", sentence, file=name, formats=names)
    if doubled := first[1].layout.doubled:
        sentence = f"{name} has {len(doubled)} headings for the same thing: leave one of them and send it again."
        raise FileRefused("doubled_header", sentence, file=name)
    return first


def unknown(name: str, sent_as: FileKind | None) -> FileRefused:
    """`sent_as`: the kind it was sent as, where it would be known as the other one."""
    if sent_as:
        sentence = f"{name} was sent as {sent_as.value} but its headings are of another kind: send it again as what it is."
    else:
        sentence = f"{name} has headings that no format profile knows: use our headings in its first line, or add a profile for it."
    return FileRefused("unknown_format", sentence, file=name)
