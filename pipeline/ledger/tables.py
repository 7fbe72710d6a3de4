"""All tables of the ledger. The migrations make them; a test holds both to be the same."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
)
from sqlalchemy import text as sql

from pipeline.domain.words import Basis, Choice, FileKind, HoldReason, MessageState, PersonState, Purpose, Result, Role, Silence, Verdict
from pipeline.ledger.columns import Moment, Number, word


class BatchKind(StrEnum):
    """What one transaction of the warehouse does."""

    INTAKE = "intake"
    DECIDE = "decide"


class BatchState(StrEnum):
    OPEN = "open"
    DONE = "done"


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
_key = Uuid(as_uuid=False)
_open = sql("state = 'open'")
_queued = sql("state = 'queued'")
_told = sql("sid IS NOT NULL")
_unadopted = sql("adopted_by IS NULL")
_on_the_wire = sql("state IN ('sending', 'unknown')")

batch = Table(
    "batch",
    metadata,
    Column("batch_no", Number, Identity(), primary_key=True),
    Column("kind", word(BatchKind, "kind"), nullable=False),
    Column("as_of", Moment, nullable=False),
    Column("state", word(BatchState, "state"), nullable=False),
    Column("finished_at", Moment),
    CheckConstraint("(state = 'done') = (finished_at IS NOT NULL)", name="finished_when_done"),
    # One writer, one batch: whoever finds an open one finishes it first.
    Index("ix_batch_one_open", "state", unique=True, postgresql_where=_open, sqlite_where=_open),
)

ROW_COUNTS = ("rows_received", "rows_accepted", "rows_duplicate", "rows_rejected", "rows_held", "rows_warned")

receipt = Table(
    "receipt",
    metadata,
    Column("receipt_no", Number, Identity(), primary_key=True),
    Column("claim_id", Text, nullable=False, unique=True),
    Column("file_name", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("kind_hint", word(FileKind, "kind_hint")),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", Number, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("batch_no", Number, ForeignKey("batch.batch_no"), index=True),
    Column("kind", word(FileKind, "kind")),
    Column("profile", Text),
    Column("verdict", word(Verdict, "verdict"), nullable=False, server_default=Verdict.WAITING),
    Column("reason", Text),
    *(Column(name, Integer, nullable=False, server_default="0") for name in ROW_COUNTS),
    Column("settled_at", Moment),
    # When two people let a held file through: it is taken in once more, and not held again for the same reason.
    Column("released_at", Moment),
    CheckConstraint("rows_received = rows_accepted + rows_duplicate + rows_rejected + rows_held", name="rows_balance"),
    CheckConstraint(" AND ".join(f"{name} >= 0" for name in ROW_COUNTS), name="rows_not_negative"),
    CheckConstraint("(verdict = 'waiting') = (settled_at IS NULL)", name="settled_with_verdict"),
    CheckConstraint("settled_at IS NULL OR batch_no IS NOT NULL", name="settled_in_batch"),
    # A place looks at its own files.
    Index("ix_receipt_sender", "sender", "receipt_no"),
)

card = Table(
    "card",
    metadata,
    Column("specimen_id", _key, primary_key=True),
    Column("state", word(PersonState, "state"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("vault_day", Date, nullable=False),
    Column("vault_batch", Number, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("result", word(Result, "result")),
    # Empty on cards of before this column: a rebuild fills it, and what follows it.
    Column("basis", word(Basis, "basis")),
    Column("is_corrected", Boolean, nullable=False, server_default=false()),
    Column("collected_on", Date),
    Column("place", Text),
    CheckConstraint("result IS NULL OR state = 'ready'", name="result_when_ready"),
    # Room beside each card for its next state: a renewal then touches no index (1 million: 5 s, not 35 s).
    postgresql_with={"fillfactor": 50},
)

message = Table(
    "message",
    metadata,
    Column("message_id", _key, primary_key=True),
    Column("specimen_id", _key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("purpose", word(Purpose, "purpose"), nullable=False),
    Column("state", word(MessageState, "state"), nullable=False),
    Column("reason", Text),
    Column("priority", Integer, nullable=False),
    Column("vault_day", Date, nullable=False),
    Column("vault_batch", Number, nullable=False),
    Column("collected_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("sid", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("claimed_at", Moment),
    Column("claimed_by", Text),
    Column("is_correction", Boolean, nullable=False, server_default=false()),
    Column("enqueued_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("specimen_id", "version", "purpose"),
    # Most of a day's messages have no SID yet.
    Index("ix_message_sid", "sid", unique=True, postgresql_where=_told, sqlite_where=_told),
    # What `claim` walks along.
    Index("ix_message_due", "priority", "due_at", "message_id", postgresql_where=_queued, sqlite_where=_queued),
    # A person's messages go out one after the other; the last line against a double send.
    Index("ix_message_one_on_the_wire", "specimen_id", unique=True, postgresql_where=_on_the_wire, sqlite_where=_on_the_wire),
)

message_event = Table(
    "message_event",
    metadata,
    Column("event_id", Number, Identity(), primary_key=True),
    Column("message_id", _key, ForeignKey("message.message_id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("from_state", word(MessageState, "from_state"), nullable=False),
    Column("to_state", word(MessageState, "to_state"), nullable=False),
    Column("source", Text, nullable=False),
    Column("detail", Text),
    Column("sid", Text),
)

hold = Table(
    "hold",
    metadata,
    Column("hold_id", _key, primary_key=True),
    Column("reason", word(HoldReason, "reason"), nullable=False),
    Column("subject", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("closed_at", Moment),
    # Print of what it rests on; empty where people have nothing to sign (sql/decide/asked).
    Column("facts", Text, nullable=False, server_default=""),
    Index("ix_hold_open", "reason", postgresql_where=sql("closed_at IS NULL"), sqlite_where=sql("closed_at IS NULL")),
)

decision = Table(
    "decision",
    metadata,
    Column("decision_no", Number, Identity(), primary_key=True),
    Column("hold_id", _key, ForeignKey("hold.hold_id"), nullable=False),
    # Of the hold: what was said to an earlier opening counts for nothing.
    Column("opened_at", Moment, nullable=False),
    Column("choice", word(Choice, "choice"), nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Moment, nullable=False),
    # Of the hold: what was said to other facts counts for nothing either.
    Column("facts", Text, nullable=False, server_default=""),
    # A person speaks once: two people are two.
    UniqueConstraint("hold_id", "opened_at", "facts", "who"),
)

signed_hold = Table(
    "signed_hold",
    metadata,
    Column("signed_no", Number, Identity(), primary_key=True),
    Column("hold_id", _key, ForeignKey("hold.hold_id"), nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("facts", Text, nullable=False),
    Column("choice", word(Choice, "choice"), nullable=False),
    # The decide batch that carries it out; empty until one begins.
    Column("batch_no", Number, ForeignKey("batch.batch_no"), index=True),
    UniqueConstraint("hold_id", "opened_at", "facts"),
)

switch = Table(
    "switch",
    metadata,
    Column("name", Text, primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

told_elsewhere = Table(
    "told_elsewhere",
    metadata,
    Column("sid", Text, primary_key=True),
    Column("specimen_id", _key, nullable=False),
    # By the text; none where no text of the programme fits.
    Column("purpose", word(Purpose, "purpose")),
    Column("created_at", Moment, nullable=False),
    Column("adopted_by", _key, ForeignKey("message.message_id")),
    Index("ix_told_elsewhere_open", "specimen_id", postgresql_where=_unadopted, sqlite_where=_unadopted),
)

number_day = Table(
    "number_day",
    metadata,
    # Keyed hash: no number is in the ledger.
    Column("number_print", String(64), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("nth", Integer, primary_key=True, autoincrement=False),
    Column("message_id", _key, nullable=False),
    UniqueConstraint("message_id", "day"),
)

audit = Table(
    "audit",
    metadata,
    # Counted by hand, without gaps: a missing entry shows.
    Column("entry_no", Number, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

opening = Table(
    "opening",
    metadata,
    Column("specimen_id", _key, primary_key=True),
    # Since the right birth date was given last.
    Column("tries", Integer, nullable=False),
    Column("tried_at", Moment, nullable=False),
    Column("first_opened_at", Moment),
    CheckConstraint("tries >= 0", name="tries_not_negative"),
)

silence = Table(
    "silence",
    metadata,
    # Keyed hash of the number: what it hides is in the vault alone.
    Column("number_print", String(64), primary_key=True),
    Column("reason", word(Silence, "reason"), primary_key=True),
    # By whose page it was asked for.
    Column("specimen_id", _key, nullable=False, index=True),
    Column("since", Moment, nullable=False),
)

account = Table(
    "account",
    metadata,
    Column("login", Text, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("role", word(Role, "role"), nullable=False),
    # Code of the team or lab.
    Column("place", Text),
    Column("is_disabled", Boolean, nullable=False, server_default=false()),
    # Since the right password was given last.
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", Moment),
    Column("created_at", Moment, nullable=False),
    CheckConstraint("(role IN ('team', 'lab')) = (place IS NOT NULL)", name="place_of_role"),
    CheckConstraint("failures >= 0", name="failures_not_negative"),
)

session = Table(
    "session",
    metadata,
    # Of the id, which the browser alone has.
    Column("session_hash", String(64), primary_key=True),
    Column("login", Text, ForeignKey("account.login"), nullable=False, index=True),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
)

upload = Table(
    "upload",
    metadata,
    # A place sends a content once.
    Column("place", Text, primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("login", Text, ForeignKey("account.login"), nullable=False),
    Column("file_name", Text, nullable=False),
    Column("size_bytes", Number, nullable=False),
    # When it was put into the inbox last.
    Column("dropped_at", Moment, nullable=False),
    Index("ix_upload_login", "login", "dropped_at"),
)
