-- Grain: one tube to decide anew: touched by a code, or by time ($as_of), or a tube of the same people on the same day as one of these
-- (a positive single contradicts the negative pool of the same person).
-- Inputs: touched_code, membership, slot, outcome. $since: the last decided batch.
CREATE OR REPLACE TEMP TABLE touched AS
WITH by_code AS (
    SELECT tube_id FROM membership SEMI JOIN touched_code ON membership.tube_code = touched_code.code
    UNION
    SELECT tube_id FROM membership SEMI JOIN touched_code ON membership.specimen_code = touched_code.code
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
    SELECT person_id, collected_on FROM membership SEMI JOIN seed USING (tube_id)
)
SELECT DISTINCT tube_id
FROM membership
SEMI JOIN person_day USING (person_id, collected_on)
