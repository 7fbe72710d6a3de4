"""Alembic's migrations of the ledger. `pipeline.ledger.migrate` runs them."""
