-- Inputs: signed (hold_id, choice, facts: given by the ledger), hold. The one place that writes a signature.
INSERT INTO signed_hold BY NAME
SELECT
    hold.hold_id,
    CASE WHEN hold.hold_id IS NULL THEN error('decide/signed_store: a signature on a hold that is not here') ELSE hold.tube_id END AS tube_id,
    hold.reason,
    hold.subject,
    signed.choice,
    signed.facts,
    $batch_no AS batch_no
FROM signed
LEFT JOIN hold ON hold.hold_id = CAST(signed.hold_id AS UUID)
