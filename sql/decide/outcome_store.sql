-- Grain: one specimen of a touched tube. Inputs: outcome_now. The one place that writes an outcome.
INSERT INTO outcome BY NAME
SELECT
    specimen_id, tube_id, outcome, reason, person_state, version,
    CASE WHEN is_news THEN outcome ELSE told_before END AS told,
    basis, place, results, due_at, $batch_no AS batch_no
FROM outcome_now
