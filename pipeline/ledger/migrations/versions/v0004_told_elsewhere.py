"""What Twilio took in the time between a backup and its restore, of which the restored ledger knows nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

PURPOSES = ("result", "own_test", "come_again", "withdrawn", "not_found")


def upgrade() -> None:
    op.create_table(
        "told_elsewhere",
        sa.Column("sid", sa.Text(), primary_key=True),
        sa.Column("specimen_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Enum(*PURPOSES, name="purpose", native_enum=False, create_constraint=True, length=32)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("adopted_by", sa.Uuid(), sa.ForeignKey("message.message_id")),
    )
    unadopted = sa.text("adopted_by IS NULL")
    op.create_index("ix_told_elsewhere_open", "told_elsewhere", ["specimen_id"], postgresql_where=unadopted, sqlite_where=unadopted)
