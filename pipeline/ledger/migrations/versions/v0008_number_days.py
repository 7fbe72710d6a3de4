"""A day's messages to one number, those beyond its limit, and a hold for a retention that waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

STATES = (
    "queued", "sending", "sent", "delivered", "undelivered", "failed", "unknown", "superseded", "too_old", "no_phone", "over_limit",
)  # fmt: skip
REASONS = (
    "unmatched", "overdue", "discordant", "contradiction", "relabelled", "shared_tube",
    "conflict", "incomplete", "file_held", "sample_disagrees", "send_failed", "unopened",
    "lab_shifted", "lab_silent", "too_many_messages", "wrong_number", "retention_waits",
)  # fmt: skip
WORDS = (
    ("message", "state", STATES),
    ("message_event", "from_state", STATES),
    ("message_event", "to_state", STATES),
    ("hold", "reason", REASONS),
)


def upgrade() -> None:
    for table, column, words in WORDS:
        with op.batch_alter_table(table) as altered:
            altered.drop_constraint(op.f(f"ck_{table}_{column}"), type_="check")
            altered.create_check_constraint(column, sa.column(column).in_(words))
    op.create_table(
        "number_day",
        sa.Column("number_print", sa.String(64), primary_key=True),
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("nth", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.UniqueConstraint("message_id", "day"),
    )
