-- Grain: one card that batch $batch_no changes, as the ledger takes it, in the order of its key: the ledger's index grows from left to right.
-- $is_new: those of specimens that no earlier batch decided, which the ledger can append; or the others, which it has.
WITH before AS (
    SELECT coalesce(max(batch_no), 0) AS batch_no FROM batch WHERE kind = 'decide' AND batch_no < $batch_no
)
SELECT
    CAST(publish.specimen_id AS VARCHAR) AS specimen_id,
    publish.person_state AS state,
    publish.result,
    publish.basis,
    publish.is_corrected,
    publish.place,
    CAST(publish.collected_at AS DATE) AS collected_on,
    publish.version,
    batch.vault_day,
    publish.vault_batch
FROM publish
JOIN batch ON batch.batch_no = publish.vault_batch
CROSS JOIN before
WHERE publish.batch_no = $batch_no AND (publish.vault_batch > before.batch_no) = $is_new
ORDER BY publish.specimen_id
