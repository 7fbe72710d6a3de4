-- Grain: one tube to decide anew: touched by a code, or by time ($as_of), or a tube of the same people on the same day as one of these
-- (a positive single contradicts the negative pool of the same person).
-- Inputs: touched_row, membership, slot, outcome. $since: the last decided batch.
-- By rowid, here and in the steps that follow: one column is read to find the few rows, and the others only for these.
CREATE OR REPLACE TEMP TABLE touched AS
WITH by_code AS (
    SELECT DISTINCT tube_id FROM membership WHERE rowid IN (SELECT place FROM touched_row)
),
by_place AS (
    -- a rejected row's place may tell mended rows from a second file
    SELECT tube_id FROM slot WHERE batch_no > $since
),
by_time AS (
    SELECT tube_id FROM outcome WHERE due_at <= $as_of
),
seed AS (
    SELECT tube_id FROM by_code UNION SELECT tube_id FROM by_place UNION SELECT tube_id FROM by_time
),
person_day AS (
    SELECT DISTINCT person_id, collected_on
    FROM membership
    WHERE rowid IN (SELECT membership.rowid FROM membership SEMI JOIN seed USING (tube_id))
)
SELECT DISTINCT tube_id
FROM membership
SEMI JOIN person_day USING (person_id, collected_on)
