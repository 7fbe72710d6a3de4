-- Grain: one hold that batch $batch_no changed, as the ledger takes it.
SELECT CAST(hold_id AS VARCHAR) AS hold_id, reason, subject, owner, specimens, facts, closed_at FROM hold WHERE batch_no = $batch_no
