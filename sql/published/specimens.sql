-- Grain: one specimen of intake batch $batch_no, as facts: they never change. For who searches a tube while the warehouse is written. No name.
SELECT
    membership.tube_code, membership.tube_label, CAST(membership.specimen_id AS VARCHAR) AS specimen_id, membership.specimen_code,
    membership.replaces_code, membership.collected_at, membership.mode, membership.team, membership.site_code, batch.vault_day,
    membership.batch_no AS vault_batch
FROM membership
JOIN batch USING (batch_no)
WHERE membership.batch_no = $batch_no
ORDER BY membership.tube_code, specimen_id
