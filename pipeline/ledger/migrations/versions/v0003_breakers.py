"""Holds that two people answer, and the breakers among their reasons."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)
REASONS = (
    "unmatched", "overdue", "discordant", "contradiction", "relabelled", "shared_tube",
    "conflict", "incomplete", "file_held", "sample_disagrees", "send_failed", "unopened",
    "lab_shifted", "lab_silent", "too_many_messages",
)  # fmt: skip


def upgrade() -> None:
    with op.batch_alter_table("receipt") as receipt:
        receipt.add_column(sa.Column("released_at", MOMENT))
    with op.batch_alter_table("hold") as hold:
        hold.drop_constraint(op.f("ck_hold_reason"), type_="check")
        hold.create_check_constraint("reason", sa.column("reason").in_(REASONS))
    op.create_table(
        "decision",
        sa.Column("decision_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(), primary_key=True),
        sa.Column("hold_id", sa.Uuid(), sa.ForeignKey("hold.hold_id"), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column(
            "choice", sa.Enum("release", "refuse", name="choice", native_enum=False, create_constraint=True, length=32), nullable=False
        ),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.UniqueConstraint("hold_id", "opened_at", "who"),
    )
