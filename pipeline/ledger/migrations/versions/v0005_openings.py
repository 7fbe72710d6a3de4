"""Tries at a person's page, and its first opening."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "opening",
        sa.Column("specimen_id", sa.Uuid(), primary_key=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_opened_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("tries >= 0", name="tries_not_negative"),
    )
