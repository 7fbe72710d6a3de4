"""What the command line and the demo print: tables for people, from the figures of the stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from pipeline.domain.words import Choice, HoldReason
from pipeline.ledger.holds import Hold
from pipeline.ledger.receipts import Receipt
from pipeline.quality.texts import reason_text
from pipeline.stages.answer import Answered
from pipeline.stages.lists import ListFile
from pipeline.stages.run import RunSummary
from pipeline.stages.sending import WhyWaiting
from pipeline.stages.try_format import Tried

# Rows of a table that is as long as the day: enough to see what is in it.
SHOWN = 30
BREAKERS = (HoldReason.TOO_MANY_MESSAGES, HoldReason.LAB_SHIFTED, HoldReason.LAB_SILENT, HoldReason.RETENTION_WAITS)
# Of a hold's id: enough to tell some ten thousand apart.
SHORT_ID = 8
# A screen of so many columns holds every count beside the names.
WIDE = 120
# Columns that may take several lines where the screen is narrow; codes and numbers never do.
WRAPPING = frozenset({"file", "why", "what to do", "full_name", "address", "reason"})

WHY_QUEUED = {
    "idle": "",
    "waiting": "Messages wait for the next run.",
    WhyWaiting.NO_CREDENTIALS: "Messages wait: no Twilio account is set (TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM).",
    WhyWaiting.QUIET_HOURS: "Messages wait for the end of the quiet hours.",
    WhyWaiting.PAUSED: "Messages wait: sending is paused (`unpool resume`).",
    WhyWaiting.BREAKER: "Messages wait: a breaker has tripped. `unpool holds` says which; two people let it go with `unpool release`.",
    WhyWaiting.RESTORED: "Messages wait: all was restored from a backup. Run `unpool reconcile`: Twilio knows who was told since.",
    WhyWaiting.CONFIGURATION: "Messages wait: Twilio refuses the account or its sender. The log of the last run of notify names the code.",
    WhyWaiting.PROVIDER: "Messages wait: Twilio asks to wait or does not answer. They go out by themselves.",
    WhyWaiting.HELD: "Messages wait: what they would tell is held again (`unpool holds`). Once decided, they or others go.",
}


def _table(title: str, *columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for column in columns:
        wraps = column in WRAPPING
        table.add_column(column, justify="right" if column in right else "left", overflow="fold", no_wrap=not wraps)
    return table


def show_run(out: Console, summary: RunSummary) -> None:
    """One line for each stage."""
    taken, decided, sent = summary.intake, summary.decide, summary.notify
    out.print(f"intake: {taken.files} files, {taken.rows_received} rows received, {taken.rows_accepted} accepted", highlight=False)
    out.print(f"decide: {decided.tubes} tubes", highlight=False)
    out.print(f"notify: {sent.sent} sent", highlight=False)
    out.print("Next: `unpool status`, `unpool lists`, `unpool holds`.", highlight=False)


def show_status(out: Console, found: Mapping[str, Any]) -> None:
    """All figures of `stages.status`, by groups, as many beside each other as fit."""
    tables = []
    if found["inbox"]:
        out.print(f"{found['inbox']:,} files wait in the inbox.", highlight=False)
    for group in ("files", "rows", "tubes", "outcomes", "people", "holds", "messages"):
        table = _table(group, "what", "count", right=("count",))
        for name, count in sorted((found[group] or {}).items()):
            table.add_row(name, f"{count:,}")
        tables += [Padding(table, (0, 3, 1, 0))] if table.row_count else []
    out.print(Columns(tables))
    if found["state_hash"] is None:
        out.print("A batch is being written: tubes, outcomes and lists show when it is done.", highlight=False)
    else:
        out.print(f"specimens {found['specimens']:,}   worklist {found['worklist']:,} ({found['worklist_open']:,} open)   "
                  f"call-back {found['callback']:,} ({found['callback_open']:,} open)", highlight=False)  # fmt: skip
    if why := WHY_QUEUED[found["sending"]]:
        out.print(why, highlight=False)
    if found["state_hash"]:
        out.print(f"state {found['state_hash']}", style="dim", highlight=False, soft_wrap=True)


def show_files(out: Console, listing: Sequence[Receipt]) -> None:
    """A line a file, the newest last. On a narrow screen the counts of rows share a column."""
    is_wide = out.width >= WIDE
    counts = ("received", "accepted", "duplicate", "rejected", "held") if is_wide else ("rows",)
    table = _table("files", "no", "file", "from", *(["kind"] if is_wide else []), "verdict", *counts, "why", right=("no", *counts))
    for one in listing[-SHOWN:]:
        kind = [one.kind or "-"] if is_wide else []
        numbers = (
            [f"{getattr(one, f'rows_{name}'):,}" for name in counts] if is_wide else [f"{one.rows_accepted:,} of {one.rows_received:,}"]
        )
        why = reason_text(one.reason, "en") if one.reason else ""
        table.add_row(str(one.receipt_no), one.file_name, one.sender or "-", *kind, one.verdict, *numbers, why)
    out.print(table)
    if len(listing) > SHOWN:
        out.print(f"... and {len(listing) - SHOWN:,} before these", highlight=False)


def show_holds(out: Console, waiting: Sequence[Hold], spoken: Mapping[str, int], now: datetime) -> None:
    """Open holds, the breakers first, then the oldest. `spoken`: hold → how many people have said `release`."""
    table = _table("holds", "id", "reason", "subject", "owner", "age", "said", "what to do", right=("age",))
    for one in sorted(waiting, key=lambda hold: (hold.reason not in BREAKERS, hold.opened_at))[:SHOWN]:
        hours = (now - one.opened_at).total_seconds() / 3600
        age = f"{hours / 24:,.0f} d" if hours >= 48 else f"{hours:,.0f} h"
        said = f"{spoken[one.hold_id]} of {Choice.RELEASE.people}" if one.hold_id in spoken else ""
        # Of a held file, why it is held says more than that it is.
        what = reason_text(str(one.detail.get("judgement") or one.reason), "en")
        table.add_row(one.hold_id[:SHORT_ID], one.reason, one.subject, one.owner, age, said, what)
    out.print(table)
    if len(waiting) > SHOWN:
        out.print(f"... and {len(waiting) - SHOWN:,} more", highlight=False)
    if not waiting:
        out.print("Nothing waits for a decision.")


def show_answer(out: Console, found: Answered) -> None:
    """What was said to a hold, and whether it is done."""
    what = f"{found.hold.reason} {found.hold.subject}"
    if not found.is_done:
        out.print(f"{what}: {found.people} of {found.needed} people say {found.choice}. Another person must say so too.", highlight=False)
        return
    if found.is_signed:
        then = {Choice.RELEASE: "its people's own results stand", Choice.REFUSE: "its people are swabbed again"}[found.choice]
        out.print(f"{what}: signed. With the next run of decide {then}.", highlight=False)
        return
    done = {Choice.RELEASE: "let go", Choice.REFUSE: "refused"}[found.choice]
    out.print(f"{what}: {done}" + (f" ({found.files:,} held files)." if found.files else "."), highlight=False)


def show_lists(out: Console, written: Sequence[ListFile], rows: int) -> None:
    """Each list's path and number of items, with its first `rows` of them."""
    for one in written:
        out.print(f"{one.name}: {len(one.rows):,}  {one.path}", highlight=False, soft_wrap=True)
        if rows and one.rows:
            table = _table("", *one.columns)
            for row in one.rows[:rows]:
                table.add_row(*row)
            out.print(table)


def tried(out: Console, found: Tried) -> None:
    """What `unpool formats try` found."""
    if found.refusal:
        both = " / ".join(reason_text(found.code, language) for language in ("vi", "en"))
        # Aside, so that the draft alone goes into a file.
        Console(stderr=True).print(f"{found.refusal}\n{both}", highlight=False, markup=False, soft_wrap=True)
        if found.shipped:
            told = (
                f"The shipped format {found.shipped} knows these headings: here it is. Put in your laboratory's words, and give it a name."
            )
            Console(stderr=True).print(told, highlight=False, markup=False, soft_wrap=True)
        if found.draft:
            out.print(found.draft, highlight=False, markup=False, soft_wrap=True)
        return
    out.print(f"{found.kind}, by {found.profile}: {found.rows:,} rows", highlight=False, markup=False)
    table = _table("first rows", *(found.first[0] if found.first else ()))
    for row in found.first:
        table.add_row(*row.values())
    out.print(table)
    for title, counts in (("calls", found.calls), ("problems", found.problems)):
        if counts:
            words = ", ".join(f"{word or 'no call'} {count:,}" for word, count in counts.most_common())
            out.print(f"{title}: {words}", highlight=False, markup=False)
    if found.unknown_headings:
        out.print(f"headings that nobody reads: {', '.join(found.unknown_headings)}", highlight=False, markup=False)
