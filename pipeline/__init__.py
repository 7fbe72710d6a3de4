"""unpool: pooled swabs in, an answer for every person out. The rooms stand in docs/architecture.md."""
