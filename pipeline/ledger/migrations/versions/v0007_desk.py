"""The desk: accounts, their sessions, and what was uploaded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ROLES = ("team", "lab", "operator", "admin")


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "account",
        sa.Column("login", sa.Text(), primary_key=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Enum(*ROLES, name="role", native_enum=False, create_constraint=True, length=32), nullable=False),
        sa.Column("place", sa.Text()),
        sa.Column("is_disabled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("locked_until", moment),
        sa.Column("created_at", moment, nullable=False),
        sa.CheckConstraint("(role IN ('team', 'lab')) = (place IS NOT NULL)", name="place_of_role"),
        sa.CheckConstraint("failures >= 0", name="failures_not_negative"),
    )
    op.create_table(
        "session",
        sa.Column("session_hash", sa.String(64), primary_key=True),
        sa.Column("login", sa.Text(), sa.ForeignKey("account.login"), nullable=False, index=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("seen_at", moment, nullable=False),
    )
    op.create_table(
        "upload",
        sa.Column("place", sa.Text(), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("login", sa.Text(), sa.ForeignKey("account.login"), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("dropped_at", moment, nullable=False),
    )
    op.create_index("ix_upload_login", "upload", ["login", "dropped_at"])
    op.create_index("ix_receipt_sender", "receipt", ["sender", "receipt_no"])
