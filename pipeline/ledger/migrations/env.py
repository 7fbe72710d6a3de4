"""Alembic's entry: the caller (`pipeline.ledger.engine.migrate`) brings the connection and ends its transaction."""

from __future__ import annotations

from alembic import context

from pipeline.ledger.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
