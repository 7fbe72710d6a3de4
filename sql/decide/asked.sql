-- Grain: one specimen of a touched tube whose outcome is a question for people; with what they signed, NULL where they have not.
-- Inputs: verdict_now, unit_row, signed_hold. Readers: decide/outcome_now, hold_now.
-- facts: a print of all that the question rests on, the tube's people and every result of it or of their own specimens. People sign what
-- they saw: whatever comes later makes another print, the signature is void, and the question is asked anew.
CREATE OR REPLACE TEMP TABLE asked AS
WITH held AS (
    SELECT
        specimen_id,
        tube_id,
        reason,
        CASE WHEN reason = 'conflict' AND call <> 'conflict' THEN specimen_code
             WHEN reason = 'shared_tube' AND NOT is_shared THEN specimen_code
             ELSE tube_code END AS subject
    FROM verdict_now
    WHERE ruled = 'held'
),
person AS (
    SELECT tube_id, specimen_id FROM verdict_now WHERE tube_id IN (SELECT tube_id FROM held)
),
part AS (
    SELECT tube_id, specimen_id AS part FROM person
    UNION ALL
    SELECT unit_id, result_id FROM unit_row WHERE unit_id IN (SELECT tube_id FROM held) AND status <> 'P'
    UNION ALL
    SELECT person.tube_id, unit_row.result_id FROM person JOIN unit_row ON unit_row.unit_id = person.specimen_id WHERE status <> 'P'
),
print AS (
    SELECT tube_id, md5(string_agg(CAST(part AS VARCHAR), '' ORDER BY part)) AS facts FROM part GROUP BY tube_id
),
said AS (
    SELECT tube_id, reason, subject, facts, arg_max(choice, batch_no) AS choice FROM signed_hold GROUP BY ALL
)
SELECT held.*, print.facts, said.choice
FROM held
JOIN print USING (tube_id)
LEFT JOIN said USING (tube_id, reason, subject, facts)
