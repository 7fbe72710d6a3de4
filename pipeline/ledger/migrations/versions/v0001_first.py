"""The first ledger: receipts, batches, cards, messages, holds, switches, audit.

A migration is history: it spells out its words and types, and imports nothing that may change later.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
KEY = sa.Uuid()
FILE_KINDS = ("manifest", "results")
MESSAGE_STATES = ("queued", "sending", "sent", "delivered", "undelivered", "failed", "unknown", "superseded", "too_old", "no_phone")
ROW_COUNTS = ("rows_received", "rows_accepted", "rows_duplicate", "rows_rejected", "rows_held", "rows_warned")


def upgrade() -> None:
    _batch()
    _receipt()
    _card()
    _message()
    _hold()
    _switch_and_audit()


def _required(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _words(name: str, words: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)


def _partial(name: str, table: str, columns: list[str], where: str, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _batch() -> None:
    op.create_table(
        "batch",
        sa.Column("batch_no", NUMBER, sa.Identity(), primary_key=True),
        _required("kind", _words("kind", ("intake", "decide"))),
        _required("as_of", MOMENT),
        _required("state", _words("state", ("open", "done"))),
        sa.Column("finished_at", MOMENT),
        sa.CheckConstraint("(state = 'done') = (finished_at IS NOT NULL)", name="finished_when_done"),
    )
    _partial("ix_batch_one_open", "batch", ["state"], "state = 'open'", unique=True)


def _receipt() -> None:
    op.create_table(
        "receipt",
        sa.Column("receipt_no", NUMBER, sa.Identity(), primary_key=True),
        sa.Column("claim_id", sa.Text(), nullable=False, unique=True),
        _required("file_name", sa.Text()),
        _required("sender", sa.Text()),
        sa.Column("kind_hint", _words("kind_hint", FILE_KINDS)),
        _required("sha256", sa.String(64)),
        _required("size_bytes", NUMBER),
        _required("received_at", MOMENT),
        sa.Column("batch_no", NUMBER, sa.ForeignKey("batch.batch_no"), index=True),
        sa.Column("kind", _words("kind", FILE_KINDS)),
        sa.Column("profile", sa.Text()),
        sa.Column("verdict", _words("verdict", ("waiting", "accepted", "held", "refused")), nullable=False, server_default="waiting"),
        sa.Column("reason", sa.Text()),
        *(sa.Column(name, sa.Integer(), nullable=False, server_default="0") for name in ROW_COUNTS),
        sa.Column("settled_at", MOMENT),
        sa.CheckConstraint("rows_received = rows_accepted + rows_duplicate + rows_rejected + rows_held", name="rows_balance"),
        sa.CheckConstraint(" AND ".join(f"{name} >= 0" for name in ROW_COUNTS), name="rows_not_negative"),
        sa.CheckConstraint("(verdict = 'waiting') = (settled_at IS NULL)", name="settled_with_verdict"),
        sa.CheckConstraint("settled_at IS NULL OR batch_no IS NOT NULL", name="settled_in_batch"),
    )


def _card() -> None:
    states = ("registered", "at_lab", "own_test_needed", "ready", "come_again", "withdrawn", "not_found")
    op.create_table(
        "card",
        sa.Column("specimen_id", KEY, primary_key=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, unique=True),
        _required("state", _words("state", states)),
        _required("version", sa.Integer()),
        _required("vault_day", sa.Date()),
        _required("vault_batch", NUMBER),
        _required("updated_at", MOMENT),
        postgresql_with={"fillfactor": 50},
    )


def _message() -> None:
    op.create_table(
        "message",
        sa.Column("message_id", KEY, primary_key=True),
        _required("specimen_id", KEY),
        _required("version", sa.Integer()),
        _required("purpose", _words("purpose", ("result", "own_test", "come_again", "withdrawn", "not_found"))),
        _required("state", _words("state", MESSAGE_STATES)),
        sa.Column("reason", sa.Text()),
        _required("priority", sa.Integer()),
        _required("vault_day", sa.Date()),
        _required("vault_batch", NUMBER),
        _required("collected_at", MOMENT),
        _required("due_at", MOMENT),
        sa.Column("sid", sa.Text(), unique=True),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("claimed_at", MOMENT),
        sa.Column("claimed_by", sa.Text()),
        sa.Column("is_correction", sa.Boolean(), nullable=False, server_default=sa.false()),
        _required("enqueued_at", MOMENT),
        _required("updated_at", MOMENT),
        sa.UniqueConstraint("specimen_id", "version", "purpose"),
    )
    _partial("ix_message_due", "message", ["priority", "due_at", "message_id"], "state = 'queued'")
    _partial("ix_message_one_on_the_wire", "message", ["specimen_id"], "state IN ('sending', 'unknown')", unique=True)
    op.create_table(
        "message_event",
        sa.Column("event_id", NUMBER, sa.Identity(), primary_key=True),
        sa.Column("message_id", KEY, sa.ForeignKey("message.message_id"), nullable=False, index=True),
        _required("at", MOMENT),
        _required("from_state", _words("from_state", MESSAGE_STATES)),
        _required("to_state", _words("to_state", MESSAGE_STATES)),
        _required("source", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.Column("sid", sa.Text()),
    )


def _hold() -> None:
    reasons = (
        "unmatched", "overdue", "discordant", "contradiction", "relabelled", "shared_tube",
        "conflict", "incomplete", "file_held", "sample_disagrees", "send_failed", "unopened",
    )  # fmt: skip
    op.create_table(
        "hold",
        sa.Column("hold_id", KEY, primary_key=True),
        _required("reason", _words("reason", reasons)),
        _required("subject", sa.Text()),
        _required("owner", sa.Text()),
        _required("detail", sa.JSON()),
        _required("opened_at", MOMENT),
        sa.Column("closed_at", MOMENT),
    )
    _partial("ix_hold_open", "hold", ["reason"], "closed_at IS NULL")


def _switch_and_audit() -> None:
    op.create_table(
        "switch",
        sa.Column("name", sa.Text(), primary_key=True),
        _required("is_on", sa.Boolean()),
        _required("reason", sa.Text()),
        _required("who", sa.Text()),
        _required("at", MOMENT),
    )
    op.create_table(
        "audit",
        sa.Column("entry_no", NUMBER, primary_key=True, autoincrement=False),
        _required("at", MOMENT),
        *(_required(name, sa.Text()) for name in ("who", "what", "subject", "why")),
        _required("previous_hash", sa.String(64)),
        _required("hash", sa.String(64)),
    )
