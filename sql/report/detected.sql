-- Grain: one specimen whose person was to be told "detected", swabbed since $since: for the call list of those who do not look. No name.
SELECT
    CAST(membership.specimen_id AS VARCHAR) AS specimen_id, outcome.version, membership.tube_label AS tube_code, membership.collected_at,
    membership.team, membership.site_code, batch.vault_day, membership.batch_no AS vault_batch
FROM outcome
JOIN membership USING (specimen_id)
JOIN batch ON batch.batch_no = membership.batch_no
WHERE outcome.outcome = 'detected' AND membership.collected_on >= $since
ORDER BY membership.collected_at, specimen_id
