"""What one DAG leaves for the next. An event on an asset is a wake-up and carries no data: the woken stage looks for itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, AssetWatcher

from unpool_airflow.inbox_trigger import InboxTrigger

INBOX = Asset("inbox", uri="unpool://inbox", watchers=[AssetWatcher(name="inbox_watcher", trigger=InboxTrigger())])
FACTS = Asset("facts", uri="unpool://facts")
MESSAGES = Asset("messages", uri="unpool://messages")

# One slot, made by the launcher: DuckDB takes one writing process. The ledger's lock also covers the command line.
WAREHOUSE_WRITER = "warehouse_writer"

# Retries are for what waiting mends; the stages are safe to repeat. The limit ends a hung task: a national day takes minutes.
DEFAULT_ARGS: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(hours=6),
}
