-- Grain: one specimen on a list as the facts stand: worklist (the lab tests the kept specimen), callback (the team swabs again), and for
-- the repeat list one tube (the lab tests the same tube again). Inputs: outcome_now, membership. Readers: decide/list_store.
CREATE OR REPLACE TEMP TABLE list_now AS
WITH worklist AS (
    SELECT
        specimen_id, tube_id, if(is_pool, 'pool_', 'single_') || call AS reason,
        if(own IN ('none', 'repeat'), 'open', 'done') AS state
    FROM outcome_now
    WHERE is_kept AND NOT is_shared AND NOT is_relabelled AND NOT is_code_shared
      AND (call IN ('inconclusive', 'invalid') OR (call = 'detected' AND is_pool))
),
replacement AS (
    SELECT membership.person_id, membership.replaces_code, membership.collected_on, membership.tube_id
    FROM membership
    SEMI JOIN outcome_now ON outcome_now.tube_code = membership.replaces_code
),
replaced AS (
    SELECT DISTINCT outcome_now.specimen_id
    FROM outcome_now
    JOIN replacement
      ON replacement.replaces_code = outcome_now.tube_code
     AND replacement.person_id = outcome_now.person_id
     AND replacement.collected_on >= outcome_now.collected_on
     AND replacement.tube_id <> outcome_now.tube_id
    WHERE outcome_now.outcome = 'recollect'
),
callback AS (
    SELECT specimen_id, tube_id, reason, if(replaced.specimen_id IS NULL, 'open', 'done') AS state
    FROM outcome_now
    LEFT JOIN replaced USING (specimen_id)
    WHERE outcome = 'recollect'
),
again AS (
    SELECT DISTINCT tube_id FROM outcome_now WHERE call = 'repeat' AND ruled = 'awaiting'
)
SELECT 'worklist' AS list, specimen_id AS subject_id, tube_id, reason, state FROM worklist
UNION ALL
SELECT 'callback', specimen_id, tube_id, reason, state FROM callback
UNION ALL
SELECT 'repeat', tube_id, tube_id, 'tube_repeat', 'open' FROM again
