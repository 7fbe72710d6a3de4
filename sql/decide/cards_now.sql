-- Grain: one card as it must be now, of every decided specimen: what decide/cards gives of a batch. Readers: a rebuild, for the ledger.
SELECT
    CAST(outcome.specimen_id AS VARCHAR) AS specimen_id,
    outcome.person_state AS state,
    CASE WHEN outcome.person_state = 'ready' THEN outcome.outcome END AS result,
    outcome.basis,
    outcome.person_state = 'ready' AND outcome.results > 1 AS is_corrected,
    outcome.place,
    membership.collected_on,
    outcome.version,
    batch.vault_day,
    membership.batch_no AS vault_batch
FROM outcome
JOIN membership USING (specimen_id)
JOIN batch ON batch.batch_no = membership.batch_no
