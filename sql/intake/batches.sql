-- Grain: one batch that this file has seen.
SELECT batch_no FROM batch ORDER BY batch_no
