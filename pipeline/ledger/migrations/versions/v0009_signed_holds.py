"""Holds about tubes that people decide: what they signed, on which facts, and which batch carried it out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

CHOICES = ("release", "refuse")


def upgrade() -> None:
    op.add_column("hold", sa.Column("facts", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("decision") as altered:
        altered.add_column(sa.Column("facts", sa.Text(), nullable=False, server_default=""))
        altered.drop_constraint(op.f("uq_decision_hold_id_opened_at_who"), type_="unique")
        altered.create_unique_constraint(op.f("uq_decision_hold_id_opened_at_facts_who"), ["hold_id", "opened_at", "facts", "who"])
    op.create_table(
        "signed_hold",
        sa.Column("signed_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(), primary_key=True),
        sa.Column("hold_id", sa.Uuid(), sa.ForeignKey("hold.hold_id"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("choice", sa.Enum(*CHOICES, name="choice", native_enum=False, create_constraint=True, length=32), nullable=False),
        sa.Column("batch_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.ForeignKey("batch.batch_no"), index=True),
        sa.UniqueConstraint("hold_id", "opened_at", "facts"),
    )
