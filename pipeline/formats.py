"""Format profiles: what a team or a lab calls our columns, how it writes dates and results. One TOML file each, and no code.

A profile is recognised by a file's headings alone, folded (`fold_key`): case, accents, spaces, underscores and dashes do not count.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.domain import tcvn3
from pipeline.domain.columns import DATE_COLUMNS, columns_of, required_of
from pipeline.domain.dates import Rewrite, overlap, rewrites
from pipeline.domain.names import fold_key
from pipeline.domain.plate import Assay, Task, WordOf
from pipeline.domain.words import Call, Content, FileKind, RejectReason, Status
from pipeline.errors import FormatError
from pipeline.programme import SHIPPED, Programme
from pipeline.strict_toml import Table, read_table

# What a row of wells has. `word` is the instrument's own call. A row that is one target's has `target` and `ct`; one that is a well's has a
# column for each target instead (`wide`).
WELL_COLUMNS = frozenset({"well", "sample", "target", "task", "ct", "word", "omit", "run_end", "plate"})
_WELL_NEEDS = frozenset({"sample", "task"})
_TARGET_NEEDS = frozenset({"target", "ct"})

# What is true of one person only. A phone or an address may be a household's.
ONE_PERSON_S = frozenset({"birth_date", "sex", "citizen_id", "person_code", "specimen_code"})


@dataclass(frozen=True)
class Layout:
    """Where a file's columns are: canonical column → positions (from 0) of the cells that, joined by a space, fill it.

    `constants` fill columns that have no heading. `unknown` are headings that nobody asked for (as sent; a warning), `doubled` those that
    stand twice or name one column twice (as sent; the file is refused). `filters`: positions whose cell must be one of these words.
    """

    sources: Mapping[str, tuple[int, ...]]
    constants: Mapping[str, str]
    unknown: tuple[str, ...]
    doubled: tuple[str, ...]
    filters: tuple[tuple[int, frozenset[str]], ...] = ()


@dataclass(frozen=True)
class Plate:
    """A table of wells. `columns`: what a well has (WELL_COLUMNS) → its headings or the keys above the table, folded. `zones`: abbreviation
    → offset, such as +0700. `wide`: heading, folded → target whose Ct stands under it; {} where each target has a row of its own.
    `word_sheet`: the workbook's other sheet that has the instrument's words by well and target, folded; '' where there is none."""

    columns: Mapping[str, tuple[str, ...]]
    zones: Mapping[str, str]
    assay: Assay
    wide: Mapping[str, str]
    word_sheet: str

    @property
    def headings(self) -> frozenset[str]:
        return frozenset(heading for headings in self.columns.values() for heading in headings) | self.wide.keys()


@dataclass(frozen=True)
class FormatProfile:
    """All headings and words in it are folded. `dates` are the declared patterns, `date_rewrites` the same as regular expressions: no two
    match one text, so each is for the cells that are left over by those before it.

    `required_headings`: of each set one heading must be there. `columns` gives a canonical column's headings, `joined` the headings of its
    parts (each part with its synonyms), which win where all of them are there. `words` is the lab's vocabulary: a word not in it is no
    call. Headings in `ignored` are known and unread; others are refused unless `allows_unknown`.

    `only`: heading → the words that a row must have there; any other row is of another test. `zone`: the local time into which times
    with an offset of their own are put.

    `contents` are the kinds of file that it reads. `title_rows`: how many rows may stand above the headings. `ignored_sheets`: a
    workbook's other sheets that may hold what they like (folded names; `*` for any). `members`: what parts the names where all people of
    a tube stand in one cell; () where a row is a person. `plate`: where the rows are wells.
    """

    name: str
    kind: FileKind
    required_headings: tuple[frozenset[str], ...]
    forbidden_headings: frozenset[str]
    columns: Mapping[str, tuple[str, ...]]
    joined: Mapping[str, tuple[tuple[str, ...], ...]]
    constants: Mapping[str, str]
    ignored: frozenset[str]
    allows_unknown: bool
    dates: tuple[str, ...]
    date_rewrites: tuple[Rewrite, ...]
    words: Mapping[str, Call]
    reject_words: Mapping[str, RejectReason]
    encoding: str
    delimiters: tuple[str, ...]
    contents: frozenset[Content]
    only: Mapping[str, frozenset[str]]
    zone: ZoneInfo | None
    title_rows: int
    ignored_sheets: frozenset[str]
    members: tuple[str, ...]
    plate: Plate | None

    def recognises(self, headings: Sequence[str]) -> bool:
        """Whether a file with these headings (as sent) is of this format."""
        folded = frozenset(fold_key(heading) for heading in headings)
        if not all(folded & choice for choice in self.required_headings) or folded & self.forbidden_headings:
            return False
        return self.allows_unknown or not self.layout(headings).unknown

    def layout(self, headings: Sequence[str]) -> Layout:
        """Where this format's columns are in a file with these headings."""
        folded = [fold_key(heading) for heading in headings]
        sources: dict[str, tuple[int, ...]] = {}
        doubled = {folded.index(name) for name, count in Counter(folded).items() if count > 1 and name}
        for column in columns_of(self.kind):
            found = [place for place, name in enumerate(folded) if name in self.columns.get(column, ())]
            parts = self._parts(column, folded)
            if parts:
                found = [place for place in found if place not in parts]
            if len(found) > (0 if parts else 1):
                doubled.update(found)
            if parts or found:
                sources[column] = parts or (found[0],)
        filters = tuple((folded.index(heading), words) for heading, words in self.only.items() if heading in folded)
        read = {place for places in sources.values() for place in places} | {place for place, _ in filters}
        asked = self.ignored | (self.plate.headings if self.plate else frozenset())
        unknown = [place for place, name in enumerate(folded) if place not in read | doubled and name and name not in asked]
        return Layout(
            sources=sources,
            constants={column: value for column, value in self.constants.items() if column not in sources},
            unknown=tuple(headings[place] for place in unknown),
            doubled=tuple(headings[place] for place in sorted(doubled)),
            filters=filters,
        )

    def call_of(self, word: str) -> Call | None:
        """The call that a result cell means; None where the word is not in the lab's vocabulary, never a default."""
        return self.words.get(fold_key(word))

    def reject_reason_of(self, word: str) -> RejectReason | None:
        """The coded reason that a cell means, by the code itself or the lab's word; None for any other word."""
        return self.reject_words.get(fold_key(word))

    def _parts(self, column: str, folded: Sequence[str]) -> tuple[int, ...]:
        """The positions of a joined column's parts; () unless every part is there."""
        places = []
        for synonyms in self.joined.get(column, ()):
            found = [place for place, name in enumerate(folded) if name in synonyms]
            if not found:
                return ()
            places.append(found[0])
        return tuple(places)


def load_formats(programme: Programme, folder: Path | None = None, only: Path | None = None) -> tuple[FormatProfile, ...]:
    """The programme's shipped profiles, then those of `folder` (*.toml, by name) if it exists; or that of the file `only`.

    Raises FormatError, naming file and key; also where two profiles have one name.
    """
    files = [SHIPPED / "formats" / f"{name}.toml" for name in programme.formats]
    if folder is not None and folder.is_dir():
        files += sorted(folder.glob("*.toml"))
    if only is not None:
        files = [only]
    profiles = tuple(_by_programme(load_format(file, ZoneInfo(programme.time_zone)), programme) for file in files)
    for name, count in Counter(profile.name for profile in profiles).items():
        if count > 1:
            raise FormatError(f"{name}.toml: name: two format files have it; give one of them another name.", key="name")
    return profiles


def shipped_formats() -> Mapping[Path, FormatProfile]:
    """All that unpool brings along, by file, whatever a programme names."""
    return {file: load_format(file) for file in sorted((SHIPPED / "formats").glob("*.toml"))}


def load_format(path: Path, zone: ZoneInfo | None = None) -> FormatProfile:
    """Read one profile. Raises FormatError, naming file and key."""
    table = read_table(path, FormatError)
    profile = replace(_profile(table), zone=zone)
    table.end()
    return profile


def _by_programme(profile: FormatProfile, programme: Programme) -> FormatProfile:
    """Where the programme names a target's cut-off, it is the one."""
    if profile.plate is None:
        return profile
    own = {target: programme.cut_offs.get(target, cut_off) for target, cut_off in profile.plate.assay.cut_offs.items()}
    return replace(profile, plate=replace(profile.plate, assay=replace(profile.plate.assay, cut_offs=own)))


def _profile(table: Table) -> FormatProfile:
    name = table.text("name")
    if name != table.file.stem:
        table.fail("name", "must be the file's name without .toml")
    kind_word = table.text("kind")
    if kind_word not in set(FileKind):
        table.fail("kind", f"must be one of {', '.join(FileKind)}")
    kind = FileKind(kind_word)
    columns, joined = _columns(table, kind), _joined(table, kind)
    constants = _constants(table, kind)
    _every_column_has_a_source(table, kind, columns, joined, constants)
    dates = table.texts("dates")
    contents = _contents(table)
    only, only_if_there = _only(table, "only"), _only(table, "only_if_there")
    return FormatProfile(
        name=name,
        kind=kind,
        required_headings=_required_headings(table, columns, joined) + tuple(frozenset({heading}) for heading in only),
        forbidden_headings=frozenset(map(fold_key, table.texts("forbidden_headings", ()))),
        columns=columns,
        joined=joined,
        constants=constants,
        ignored=frozenset(map(fold_key, table.texts("ignored", ()))),
        allows_unknown=table.flag("allows_unknown"),
        dates=dates,
        date_rewrites=_date_rewrites(table, dates),
        words=_words(table, kind),
        reject_words=_reject_words(table, kind),
        encoding=_encoding(table),
        delimiters=_delimiters(table, contents),
        contents=contents,
        only=only | only_if_there,
        members=_members(table, kind, columns),
        plate=_plate(table) if "plate" in table.values else None,
        zone=None,
        title_rows=table.whole("title_rows", 0, least=0),
        ignored_sheets=frozenset(map(fold_key, table.texts("ignored_sheets", ()))),
    )


def _known(table: Table, kind: FileKind, key: str, columns: Mapping[str, object]) -> None:
    for column in columns:
        if column not in columns_of(kind):
            table.fail(f"{key}.{column}", f"is no column of a {kind} file: these are {', '.join(columns_of(kind))}")


def _columns(table: Table, kind: FileKind) -> dict[str, tuple[str, ...]]:
    columns = {column: tuple(map(fold_key, headings)) for column, headings in table.lists("columns").items()}
    _known(table, kind, "columns", columns)
    owner: dict[str, str] = {}
    for column, headings in columns.items():
        for heading in headings:
            if owner.setdefault(heading, column) != column:
                table.fail(f"columns.{column}", f"one of its headings already names {owner[heading]}")
    return columns


def _joined(table: Table, kind: FileKind) -> dict[str, tuple[tuple[str, ...], ...]]:
    """In TOML a part's synonyms are parted by '|': collected_at = ["ngay lay mau|collection date", "gio lay mau"]."""
    joined = {column: tuple(tuple(map(fold_key, part.split("|"))) for part in parts) for column, parts in table.lists("joined").items()}
    _known(table, kind, "joined", joined)
    for column, parts in joined.items():
        if column not in DATE_COLUMNS or len(parts) != 2:
            table.fail(f"joined.{column}", "must give a date column its two parts, the day's heading and the time's")
    return joined


def _constants(table: Table, kind: FileKind) -> dict[str, str]:
    """Never a result, and nothing that tells people or tubes apart: only what a format says by being what it is."""
    constants = table.mapping("constants")
    allowed = {"status", "site_code", "pooling_mode"}
    for column, value in constants.items():
        if column not in allowed & set(columns_of(kind)):
            table.fail(f"constants.{column}", f"only {', '.join(sorted(allowed))} may be constant")
        if column == "status" and value not in set(Status):
            table.fail("constants.status", f"must be one of {', '.join(Status)}")
    return constants


def _every_column_has_a_source(table: Table, kind: FileKind, *sources: Mapping[str, object]) -> None:
    for column in required_of(kind):
        if not any(column in source for source in sources):
            table.fail(f"columns.{column}", f"is missing: a {kind} file needs it")


def _required_headings(
    table: Table, columns: Mapping[str, tuple[str, ...]], joined: Mapping[str, tuple[tuple[str, ...], ...]]
) -> tuple[frozenset[str], ...]:
    """A required entry is a canonical column (any of its headings will do) or else a heading of the sender's."""
    required: list[frozenset[str]] = []
    for entry in table.texts("required"):
        parts = joined.get(entry, ())
        if entry in columns:
            # A date that comes in one column or in two: one of its own headings, or its day's.
            required.append(frozenset(columns[entry]).union(*parts[:1]))
        elif parts:
            required.extend(frozenset(part) for part in parts)
        else:
            required.append(frozenset({fold_key(entry)}))
    if not required:
        table.fail("required", "must name what this format is recognised by")
    return tuple(required)


def _date_rewrites(table: Table, dates: tuple[str, ...]) -> tuple[Rewrite, ...]:
    try:
        if overlap(dates):
            table.fail("dates", "two patterns would read one text as two days: a format has to choose")
        return tuple(rewrite for pattern in dates for rewrite in rewrites(pattern))
    except ValueError as problem:
        table.fail("dates", f"a pattern {problem}")


def _words(table: Table, kind: FileKind) -> dict[str, Call]:
    """In TOML by call: detected = ["positive", "dương tính"]."""
    found = _vocabulary(table, "words", frozenset(Call))
    if bool(found) != (kind is FileKind.RESULTS):
        table.fail("words", "must be there for results, and for results only")
    return {word: Call(call) for word, call in found.items()}


def _reject_words(table: Table, kind: FileKind) -> dict[str, RejectReason]:
    """The codes themselves, and in TOML by code: leaked = ["rò rỉ"]."""
    found = _vocabulary(table, "reject_words", frozenset(RejectReason))
    if found and kind is not FileKind.RESULTS:
        table.fail("reject_words", "may be there for results only")
    return {fold_key(code): code for code in RejectReason} | {word: RejectReason(code) for word, code in found.items()}


def _vocabulary(table: Table, key: str, known: frozenset[str]) -> dict[str, str]:
    """Folded word → code. One word with two meanings is an error, as is one that folds to nothing."""
    meanings: dict[str, str] = {}
    for code, words in table.lists(key).items():
        if code not in known:
            table.fail(f"{key}.{code}", f"must be one of {', '.join(sorted(known))}")
        for word in map(fold_key, words):
            if word.strip("_") == "":
                table.fail(f"{key}.{code}", "has a word without a letter or digit")
            if meanings.setdefault(word, code) != code:
                table.fail(f"{key}.{code}", f"has a word that already means {meanings[word]}")
    return meanings


def _encoding(table: Table) -> str:
    encoding = table.text("encoding", "utf-8")
    if encoding == tcvn3.NAME:
        return encoding
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        table.fail("encoding", "is not tcvn3 nor an encoding that Python knows")


def _delimiters(table: Table, contents: frozenset[Content]) -> tuple[str, ...]:
    delimiters = table.texts("delimiters", (",",) if Content.TEXT not in contents else ())
    if not delimiters or not set(delimiters) <= {",", ";", "\t", "|"}:
        table.fail("delimiters", "must be some of comma, semicolon, tab and |")
    return delimiters


def _only(table: Table, key: str) -> dict[str, frozenset[str]]:
    """`only_if_there` asks the same of a heading that a file may lack."""
    return {fold_key(heading): frozenset(map(fold_key, words)) for heading, words in table.lists(key).items()}


def _members(table: Table, kind: FileKind, columns: Mapping[str, object]) -> tuple[str, ...]:
    """A cell that is one person's cannot stand beside a cell that is everybody's."""
    members = table.texts("members", ())
    if members and (kind is not FileKind.MANIFEST or "full_name" not in columns):
        table.fail("members", "may be there for a manifest with a column full_name only")
    if members and (own := sorted(set(columns) & ONE_PERSON_S)):
        table.fail("members", f"cannot be told apart in the columns {', '.join(own)}")
    return members


def _plate(table: Table) -> Plate:
    plate = table.table("plate")
    wide = {fold_key(heading): target for heading, target in plate.mapping("wide").items()}
    columns = _well_columns(plate, is_wide=bool(wide))
    zones = plate.mapping("zones")
    targets, internal = tuple(map(fold_key, plate.texts("targets"))), fold_key(plate.text("internal_control"))
    needed = plate.whole("needed")
    if not targets or needed > len(targets):
        plate.fail("needed", "must be at most the number of targets")
    if internal in targets:
        plate.fail("internal_control", "is one of the targets")
    if wide and set(map(fold_key, wide.values())) != {*targets, internal}:
        plate.fail("wide", "must name each target and the internal control, and nothing else")
    controls = plate.texts("controls")
    if not set(controls) <= {Task.NEGATIVE, Task.POSITIVE}:
        plate.fail("controls", "must be some of negative and positive")
    assay = Assay(
        targets=targets,
        needed=needed,
        cut_offs=dict.fromkeys(targets, plate.number("cut_off")) | {internal: plate.number("internal_cut_off")},
        internal=internal,
        tasks={word: Task(task) for word, task in _vocabulary(plate, "tasks", frozenset(Task)).items()},
        words={word: Call(call) for word, call in _vocabulary(plate, "words", frozenset(Call)).items()},
        controls=frozenset(map(Task, controls)),
        word_of=_word_of(plate),
        no_ct=frozenset(word.lower() for word in plate.texts("no_ct", ())),
        numbered_tasks=plate.flag("numbered_tasks", False),
    )
    word_sheet = fold_key(plate.text("word_sheet", ""))
    if word_sheet and assay.word_of is not WordOf.TARGET:
        # A well that such a sheet leaves out has no word; of a whole tube, one that says nothing would agree.
        plate.fail("word_sheet", 'may be there with word_of = "target" only')
    made = Plate(columns, zones, assay, wide, word_sheet)
    plate.end()
    return made


def _well_columns(plate: Table, *, is_wide: bool) -> dict[str, tuple[str, ...]]:
    columns = {part: tuple(map(fold_key, headings)) for part, headings in plate.lists("columns").items()}
    needs = _WELL_NEEDS if is_wide else _WELL_NEEDS | _TARGET_NEEDS
    may = WELL_COLUMNS - needs - (_TARGET_NEEDS if is_wide else frozenset())
    if not needs <= columns.keys() <= needs | may:
        plate.fail("columns", f"must name {', '.join(sorted(needs))}, and may name {', '.join(sorted(may))}")
    return columns


def _word_of(plate: Table) -> WordOf:
    word = plate.text("word_of", WordOf.TUBE)
    if word not in set(WordOf):
        plate.fail("word_of", f"must be one of {', '.join(WordOf)}")
    return WordOf(word)


def _contents(table: Table) -> frozenset[Content]:
    contents = table.texts("contents", (Content.TEXT, Content.WORKBOOK))
    if not contents or not set(contents) <= set(Content):
        table.fail("contents", f"must be some of {', '.join(Content)}")
    return frozenset(map(Content, contents))
