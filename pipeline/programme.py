"""A programme: one disease, its pool limits, clocks, phones and texts, from one programme.toml. Nothing in the code is tied to one.

Shipped programmes stand in `shipped/programmes/<name>/`; any other is named by the path of its folder or file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.domain.columns import IDENTITY_COLUMNS
from pipeline.domain.messages import text_problems
from pipeline.domain.names import fold_key
from pipeline.domain.phones import Phones
from pipeline.domain.words import Mode, Purpose
from pipeline.errors import ProgrammeError
from pipeline.settings import Settings
from pipeline.strict_toml import Table, read_table

SHIPPED = Path(__file__).parent / "shipped"

# The text for whoever was told something else before; it stands beside the purposes.
CORRECTION = "correction"

# A pool of pools (30:1, 50:1) is refused: not validated. [China NHC, June 2022]
LARGEST_POOL = 20

# What follows the base address in a message's link: '#' and 32 hexadecimal characters.
TOKEN_LENGTH = 32


@dataclass(frozen=True)
class Clocks:
    """A result belongs to the latest collection of its tube code that is at most `match_window_days` older than the test."""

    match_window_days: int
    overdue_hours: int
    lost_days: int
    relabel_days: int
    max_message_age_days: int
    max_collected_age_days: int
    unknown_wait_s: int
    unopened_hours: int
    # A file whose results are mostly older than this is held: somebody may be sending last season's again.
    max_result_age_days: int
    # A lab that sent day after day and is silent for longer than this, and for longer than ever before, is asked why.
    lab_silent_hours: int
    # Who a person is, and the files that say so, are erased after this; None: never.
    keep_days: int | None


@dataclass(frozen=True)
class Sending:
    """`quiet_from` and `quiet_to` are local `HH:MM`, may span midnight, and are both None where messages go out at any hour."""

    per_second: float
    quiet_from: str | None
    quiet_to: str | None
    validity_s: int
    # A family shares a phone, and so does a care home: far more than they need. Beyond it something has run away.
    per_number_day: int


@dataclass(frozen=True)
class Programme:
    """`title` is by language ('vi', 'en'), `texts` by Purpose and `correction`; `sms_name` is what `{programme}` becomes in them.

    `cut_offs`: a target's or an internal control's name, folded (`fold_key`) → the highest Ct that still means "found", whatever the
    instrument's profile says. What is not named here keeps the profile's.
    """

    name: str
    title: Mapping[str, str]
    sms_name: str
    disease: str
    loinc: str
    time_zone: str
    targets: tuple[str, ...]
    max_cycles: int
    cut_offs: Mapping[str, float]
    default_mode: Mode
    modes: frozenset[Mode]
    max_pool_size: int
    required_identity: tuple[str, ...]
    own_tube_prefix: str
    formats: tuple[str, ...]
    clocks: Clocks
    phones: Phones
    sending: Sending
    texts: Mapping[str, str]


def load_programme(name_or_path: str, result_url: str = Settings.result_url) -> Programme:
    """Read a shipped programme by its name, or another by its path. Raises ProgrammeError, naming file and key.

    `result_url` is the base of the links in messages: with the real one, the length of the longest SMS is known.
    """
    table = read_table(_find(name_or_path), ProgrammeError)
    programme = _programme(table, f"{result_url}/{'f' * TOKEN_LENGTH}")
    table.end()
    return programme


def shipped_programmes() -> tuple[str, ...]:
    """The names that `load_programme` knows without a path."""
    return tuple(sorted(file.parent.name for file in (SHIPPED / "programmes").glob("*/programme.toml")))


def _find(name_or_path: str) -> Path:
    if name_or_path in shipped_programmes():
        return SHIPPED / "programmes" / name_or_path / "programme.toml"
    path = Path(name_or_path)
    if path.is_dir():
        return path / "programme.toml"
    if path.is_file():
        return path
    raise ProgrammeError(f"UNPOOL_PROGRAMME must be one of {', '.join(shipped_programmes())}, or the path of a programme.toml.")


def _programme(table: Table, longest_link: str) -> Programme:
    sms_name = table.text("sms_name")
    modes, default_mode = _modes(table)
    max_cycles = table.whole("max_cycles")
    return Programme(
        name=_matching(table, "name", r"[a-z][a-z0-9_]{0,39}", "must be a lower-case word"),
        title=_title(table),
        sms_name=sms_name,
        disease=table.text("disease"),
        loinc=_matching(table, "loinc", r"[0-9]{1,7}-[0-9]", "must be a LOINC code such as 94500-6"),
        time_zone=_time_zone(table),
        targets=table.texts("targets"),
        max_cycles=max_cycles,
        cut_offs=_cut_offs(table, max_cycles),
        default_mode=default_mode,
        modes=modes,
        max_pool_size=_pool_size(table),
        required_identity=_identity(table),
        own_tube_prefix=_matching(table, "own_tube_prefix", r"[A-Z0-9]{0,10}", "must be capital letters and digits, or empty for none"),
        formats=table.texts("formats"),
        clocks=_clocks(table.table("clocks")),
        phones=_phones(table.table("phones")),
        sending=_sending(table.table("sending")),
        texts=_texts(table.table("texts"), sms_name, longest_link),
    )


def _matching(table: Table, key: str, pattern: str, rule: str) -> str:
    text = table.text(key)
    if not re.fullmatch(pattern, text):
        table.fail(key, rule)
    return text


def _cut_offs(table: Table, max_cycles: int) -> dict[str, float]:
    cut_offs: dict[str, float] = {}
    for target, cut_off in table.numbers("cut_offs").items():
        if cut_off > max_cycles:
            table.fail(f"cut_offs.{target}", "must be at most max_cycles")
        if cut_offs.setdefault(fold_key(target), cut_off) != cut_off:
            table.fail(f"cut_offs.{target}", "says another number than the same target in other letters")
    return cut_offs


def _title(table: Table) -> dict[str, str]:
    title = table.mapping("title")
    if missing := [language for language in ("vi", "en") if not title.get(language)]:
        table.fail("title", f"needs a text for {' and '.join(missing)}")
    return title


def _time_zone(table: Table) -> str:
    name = table.text("time_zone")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        table.fail("time_zone", "must be a time zone such as Asia/Ho_Chi_Minh")
    return name


def _modes(table: Table) -> tuple[frozenset[Mode], Mode]:
    words = table.texts("modes")
    if not words or not set(words) <= set(Mode):
        table.fail("modes", f"must be some of {', '.join(Mode)}")
    default = table.text("default_mode")
    if default not in words:
        table.fail("default_mode", "must be one of modes")
    return frozenset(Mode(word) for word in words), Mode(default)


def _pool_size(table: Table) -> int:
    size = table.whole("max_pool_size")
    if size > LARGEST_POOL:
        table.fail("max_pool_size", f"must be at most {LARGEST_POOL}: larger pools are not validated")
    return size


def _identity(table: Table) -> tuple[str, ...]:
    columns = table.texts("required_identity")
    if not columns or not set(columns) <= set(IDENTITY_COLUMNS):
        table.fail("required_identity", f"must be some of {', '.join(IDENTITY_COLUMNS)}")
    return columns


def _clocks(table: Table) -> Clocks:
    clocks = Clocks(
        match_window_days=table.whole("match_window_days"),
        overdue_hours=table.whole("overdue_hours"),
        lost_days=table.whole("lost_days"),
        relabel_days=table.whole("relabel_days", 14),
        max_message_age_days=table.whole("max_message_age_days"),
        max_collected_age_days=table.whole("max_collected_age_days"),
        unknown_wait_s=table.whole("unknown_wait_s", 30),
        unopened_hours=table.whole("unopened_hours"),
        max_result_age_days=table.whole("max_result_age_days", 14),
        lab_silent_hours=table.whole("lab_silent_hours", 24),
        keep_days=table.whole("keep_days", 0, least=0) or None,
    )
    if clocks.lost_days * 24 <= clocks.overdue_hours:
        table.fail("lost_days", "must be later than overdue_hours: a tube is overdue before it is lost")
    if clocks.max_message_age_days <= clocks.lost_days:
        table.fail("max_message_age_days", "must be more than lost_days: else nobody whose specimen is lost is ever told")
    longest = max(clocks.max_message_age_days, clocks.max_collected_age_days, clocks.match_window_days + clocks.lost_days)
    if clocks.keep_days is not None and clocks.keep_days <= longest:
        table.fail("keep_days", f"must be 0 (never), or more than {longest}: until then people are still to be told")
    table.end()
    return clocks


def _phones(table: Table) -> Phones:
    phones = Phones(
        country=_matching(table, "country", r"[A-Z]{2}", "must be a country of two capital letters"),
        mobile_pattern=table.text("mobile_pattern"),
        prefix_map=table.mapping("prefix_map"),
    )
    try:
        re.compile(phones.mobile_pattern)
    except re.error:
        table.fail("mobile_pattern", "must be a regular expression")
    if re.search(r"\(\?[^:]|\\[1-9]", phones.mobile_pattern):
        table.fail("mobile_pattern", "must be one that RE2 knows: no look-around, no back-reference")
    if not all(re.fullmatch("[0-9]+", prefix) for pair in phones.prefix_map.items() for prefix in pair):
        table.fail("prefix_map", "must give digits for digits")
    table.end()
    return phones


def _sending(table: Table) -> Sending:
    sending = Sending(
        per_second=table.number("per_second"),
        quiet_from=_hour(table, "quiet_from"),
        quiet_to=_hour(table, "quiet_to"),
        validity_s=table.whole("validity_s"),
        per_number_day=table.whole("per_number_day", 100),
    )
    if (sending.quiet_from is None) != (sending.quiet_to is None) or (sending.quiet_from and sending.quiet_from == sending.quiet_to):
        table.fail("quiet_from", "needs a quiet_to that differs: set both or none")
    table.end()
    return sending


def _hour(table: Table, key: str) -> str | None:
    hour = table.text(key, "")
    if hour and not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", hour):
        table.fail(key, "must be a time such as 22:00")
    return hour or None


def _texts(table: Table, sms_name: str, longest_link: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for key in (*Purpose, CORRECTION):
        texts[key] = table.text(key)
        for problem in text_problems(texts[key], programme=sms_name, longest_link=longest_link):
            table.fail(key, problem)
    table.end()
    return texts
