"""What the result page shows and takes: the result on the card, numbers that want silence, a link that is asked for again.

Cards that are there already say no result before `unpool rebuild` has filled them in.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

MOMENT = sa.DateTime(timezone=True)
PURPOSES = ("result", "own_test", "come_again", "withdrawn", "not_found", "link")
REASONS = (
    "unmatched", "overdue", "discordant", "contradiction", "relabelled", "shared_tube",
    "conflict", "incomplete", "file_held", "sample_disagrees", "send_failed", "unopened",
    "lab_shifted", "lab_silent", "too_many_messages", "wrong_number",
)  # fmt: skip
BASES = (
    "waiting", "pool", "single", "pool_unclear", "own_unclear", "tube_leaked", "tube_broken", "tube_insufficient", "tube_unlabelled",
    "tube_too_old", "tube_contaminated", "tube_wrong_container", "tube_empty", "tube_other", "withdrawn_by_lab", "no_result",
)  # fmt: skip


def upgrade() -> None:
    with op.batch_alter_table("card") as card:
        card.add_column(sa.Column("result", sa.String(32)))
        card.add_column(sa.Column("basis", sa.String(32)))
        card.add_column(sa.Column("is_corrected", sa.Boolean(), nullable=False, server_default=sa.false()))
        card.add_column(sa.Column("collected_on", sa.Date()))
        card.add_column(sa.Column("place", sa.Text()))
        card.create_check_constraint("result", sa.column("result").in_(("detected", "not_detected")))
        card.create_check_constraint("basis", sa.column("basis").in_(BASES))
        card.create_check_constraint("result_when_ready", "result IS NULL OR state = 'ready'")
    _reword("message", "purpose", PURPOSES)
    _reword("told_elsewhere", "purpose", PURPOSES)
    _reword("hold", "reason", REASONS)
    op.create_table(
        "silence",
        sa.Column("number_print", sa.String(64), primary_key=True),
        sa.Column("reason", _words("reason", ("wrong_number", "opted_out")), primary_key=True),
        sa.Column("specimen_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("since", MOMENT, nullable=False),
    )


def _words(name: str, words: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)


def _reword(table: str, column: str, words: tuple[str, ...]) -> None:
    with op.batch_alter_table(table) as changed:
        changed.drop_constraint(op.f(f"ck_{table}_{column}"), type_="check")
        changed.create_check_constraint(column, sa.column(column).in_(words))
