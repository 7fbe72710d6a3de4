"""Who was promised what: receipts, batches, cards, messages, holds, audit. The only room that opens the relational store."""
