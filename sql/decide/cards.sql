-- Grain: one card that batch $batch_no changes, as the ledger takes it. $token_key: the key of link tokens; only the token's hash leaves.
SELECT
    CAST(publish.specimen_id AS VARCHAR) AS specimen_id,
    sha256(left(sha256($token_key || encode(CAST(publish.specimen_id AS VARCHAR))), 32)) AS token_hash,
    publish.person_state AS state,
    publish.version,
    batch.vault_day,
    batch.batch_no AS vault_batch
FROM publish
JOIN membership USING (specimen_id)
JOIN batch ON batch.batch_no = membership.batch_no
WHERE publish.batch_no = $batch_no
