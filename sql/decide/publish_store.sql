-- Grain: one specimen whose card or message changes. Inputs: outcome_now. $batch_no.
-- Urgent first: positive results and what corrects or withdraws an earlier word, then "your own test is needed", then the rest.
INSERT INTO publish BY NAME
SELECT
    $batch_no AS batch_no,
    specimen_id,
    person_state,
    CASE WHEN person_state = 'ready' THEN outcome END AS result,
    basis,
    person_state = 'ready' AND results > 1 AS is_corrected,
    place,
    version,
    vault_batch,
    collected_at,
    is_reachable,
    CASE
        WHEN NOT is_news THEN NULL
        WHEN outcome IN ('not_detected', 'detected') THEN 'result'
        WHEN outcome = 'retest' THEN 'own_test'
        WHEN outcome = 'recollect' THEN 'come_again'
        WHEN outcome = 'withdrawn' THEN 'withdrawn'
        WHEN outcome = 'lost' THEN 'not_found'
        ELSE error('decide/publish_store: an outcome without a purpose')
    END AS purpose,
    CASE
        WHEN outcome IN ('detected', 'withdrawn') OR told_before IN ('detected', 'not_detected') THEN 0
        WHEN outcome IN ('retest', 'recollect') THEN 1
        ELSE 2
    END AS priority
FROM outcome_now
WHERE is_new OR is_news OR person_state <> state_before OR basis <> basis_before
