"""Which format profile a file is of, by its headings alone.

Of several that know the headings, the one that asks for more of them is meant; of two that ask for equally many, neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.domain.words import FileKind
from pipeline.errors import FileRefused
from pipeline.formats import FormatProfile, Layout
from pipeline.intake.readers.decode import UTF_8, Text, decode, nfc_strip
from pipeline.intake.readers.sheet import Frame, frame, headings

_WIDE = ("utf-16-le", "utf-16-be")


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
        found: list[tuple[Text, Frame, Plan]] = []
        for text in decode(data, name, sorted({profile.encoding for profile in self.formats})):
            at = frame(text.utf8)
            found += [(text, at, plan) for plan in self._plans(at, text.encoding, kind_hint)]
        if not found:
            raise self._unknown(data, name, kind_hint)
        most = max(len(plan.profile.required_headings) for _, _, plan in found)
        best = [one for one in found if len(one[2].profile.required_headings) == most]
        if len(best) > 1:
            names = ", ".join(sorted({plan.profile.name for _, _, plan in best}))
            sentence = f"{name} fits several formats equally well ({names}): say which it is, or let one of them ask for more headings."
            raise FileRefused("ambiguous_format", sentence, file=name, formats=names)
        if doubled := best[0][2].layout.doubled:
            sentence = f"{name} has {len(doubled)} headings for the same thing: leave one of them and send it again."
            raise FileRefused("doubled_header", sentence, file=name)
        return best[0]

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
            for delimiter in [at.delimiter] if at.delimiter else profile.delimiters:
                names = tuple(nfc_strip(heading) for heading in headings(at.heading, delimiter))
                if profile.recognises(names):
                    plans.append(Plan(profile, delimiter, names, profile.layout(names)))
        return tuple(plans)

    def _unknown(self, data: bytes, name: str, kind_hint: FileKind | None) -> FileRefused:
        if kind_hint and not isinstance(self._other_kind(data, name), FileRefused):
            sentence = f"{name} was sent as {kind_hint.value} but its headings are of another kind: send it again as what it is."
        else:
            sentence = f"{name} has headings that no format profile knows: use our headings in its first line, or add a profile for it."
        return FileRefused("unknown_format", sentence, file=name)

    def _other_kind(self, data: bytes, name: str) -> Plan | FileRefused:
        try:
            return self.open(data, name, None)[2]
        except FileRefused as refused:
            return refused
